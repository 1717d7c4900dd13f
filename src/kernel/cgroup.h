/* SPDX-License-Identifier: MIT */
#pragma once

/* One cgroup of the v2 hierarchy, watched through descriptors that stay open. */

#include <stdbool.h>
#include <stdint.h>

#include "control/sample.h"
#include "util/cleanup.h"

typedef struct Cgroup Cgroup;

/* 0, or -ENOTSUP: @root_fd is not the root of a v2 hierarchy that has the memory controller. */
int cgroup_root_check(int root_fd);

/* Absolute, and without "..". Pure. */
bool cgroup_path_is_valid(const char *path);

/* @path as systemd's ControlGroup property has it: "/system.slice/shop.service", "/". Costs up to
 * 11 descriptors. -ENOENT: no such cgroup; -ENOTSUP: the memory controller is not enabled for it;
 * -EINVAL: not an absolute path, or ".." in it. */
int cgroup_open(int root_fd, const char *path, Cgroup **ret);

/* Takes NULL, returns NULL. */
Cgroup *cgroup_free(Cgroup *cgroup);

DEFINE_CLEANUP(Cgroup *, cgroup_free)

/* The inode of the cgroup's directory: another number is another cgroup, even at the same path. */
uint64_t cgroup_id(const Cgroup *cgroup);

/* Reads all files once; allocates nothing, does not wait for reclaim or disks. Of the root cgroup,
 * which has no memory.current and no limits, current is anon + file + kernel. -ENODEV: the cgroup
 * was removed; -EBADMSG: memory.stat lacks a key that floors are computed from. */
int cgroup_sample(Cgroup *cgroup, uint64_t now_usec, Sample *ret);

/* memory.high in bytes, LIMIT_NONE for "max". -ENODEV: removed; -EOPNOTSUPP: it has no such file
 * (the root). A write below the current use reclaims before it returns: for workers only. The
 * kernel rounds down to whole pages, so read back what is in force. */
int cgroup_read_high(Cgroup *cgroup, uint64_t *ret);
int cgroup_write_high(Cgroup *cgroup, uint64_t bytes);

/* The same where no more than @bytes is in use, as was just seen. Should that have changed, it
 * waits for no reclaim either if the kernel can do that (O_NONBLOCK, see its cgroup-v2.rst). */
int cgroup_raise_high(Cgroup *cgroup, uint64_t bytes);

typedef enum ReclaimScope {
    RECLAIM_FILE,        /* page cache only, or -EINVAL where the kernel cannot promise that */
    RECLAIM_FILE_OR_ALL, /* page cache only where the kernel can (from 6.8), else what it picks */
    RECLAIM_ALL,         /* what the kernel picks, swap too */
} ReclaimScope;

/* Writes memory.reclaim; blocks while the kernel reclaims: for workers only. 0: all of @bytes;
 * -EAGAIN: less, what could be had; -EINTR: a signal came; -EOPNOTSUPP: the kernel has no
 * memory.reclaim (before 5.19); -ENODEV: removed. */
int cgroup_reclaim(Cgroup *cgroup, uint64_t bytes, ReclaimScope scope);

/* The same with RECLAIM_FILE, also by a kernel that cannot be told so, where the host has no swap:
 * then it has no choice. -EINVAL: it has some. */
int cgroup_reclaim_cache(Cgroup *cgroup, uint64_t bytes, int proc_fd);

/* Arms a "some" trigger: an event when tasks stalled for @stall_usec in @window_usec (to 10 s;
 * without CAP_SYS_RESOURCE, whole multiples of 2 s). @resource is "memory" or "io". Returns a
 * descriptor to poll for POLLPRI (EPOLLPRI), at most one event a window; POLLERR: the cgroup was
 * removed, or its pressure files were hidden. -EOPNOTSUPP: PSI is off in the kernel or for this
 * cgroup; -EINVAL: a window that the kernel refuses; -ENODEV: removed. */
int cgroup_arm_psi(Cgroup *cgroup, const char *resource, uint64_t stall_usec, uint64_t window_usec);
