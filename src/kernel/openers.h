/* SPDX-License-Identifier: MIT */
#pragma once

/* Which files anybody has open or mapped, as of one pass over /proc. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel/procs.h"
#include "util/cleanup.h"

typedef struct OpenSet OpenSet;

/* One pass over the processes in @proc_fd, @exclude_pid (the caller's own; 0: none) left out.
 * -ENOMEM, or what reading @proc_fd fails with; a process that ends meanwhile is no error. */
int open_set_scan(int proc_fd, pid_t exclude_pid, OpenSet **ret);

/* The same, with all of @excluded left out, too. */
int open_set_scan_others(int proc_fd, pid_t exclude_pid, const Pids *excluded, OpenSet **ret);

/* Takes NULL, returns NULL. */
OpenSet *open_set_free(OpenSet *set);

DEFINE_CLEANUP(OpenSet *, open_set_free)

/* True where some process has the file open (device and inode), or maps a file of that inode number
 * on whatever device: btrfs and overlayfs show other device numbers in maps than in stat. So "true"
 * may be a namesake on another file system, and so it may where a descriptor's file is not told, as
 * on FUSE: all files of that device count as open, and those of that number; "false" means nobody,
 * as far as open_set_unreadable() is 0. Not seen: descriptors of threads with a table of their own,
 * descriptors in flight (SCM_RIGHTS), io_uring's registered files, and the kernel's own (loop
 * devices, nfsd). */
bool open_set_has(const OpenSet *set, dev_t dev, ino_t ino);

/* The same of descriptors alone, by device and inode: what is merely mapped is not open. */
bool open_set_is_open(const OpenSet *set, dev_t dev, ino_t ino);

/* Processes that could not be looked into (permission, or hidden by hidepid=): unless this is 0,
 * "nobody has it" must not be concluded. */
unsigned open_set_unreadable(const OpenSet *set);

/* When the pass began, as now_usec() has it: nothing in the set is older. */
uint64_t open_set_taken_usec(const OpenSet *set);

/* Processes looked into, and distinct files seen open or mapped. */
unsigned open_set_processes(const OpenSet *set);
size_t open_set_files(const OpenSet *set);
