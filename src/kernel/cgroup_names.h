/* SPDX-License-Identifier: MIT */
#pragma once

/* The paths of all cgroups, by the inodes that /proc/kpagecgroup tells. */

#include <stddef.h>
#include <stdint.h>

typedef struct CgroupName {
    uint64_t ino;
    char *path; /* "/system.slice/shop.service", "/" */
} CgroupName;

typedef struct CgroupNames {
    CgroupName *names; /* by inode */
    size_t n_names;
    size_t room; /* internal */
} CgroupNames;

/* Of those at and below @root_fd. *ret is for cgroup_names_clear() on success only. What vanishes
 * meanwhile is left out. -ENOMEM, -EMFILE, -ENFILE, or what looking at @root_fd fails with. */
int cgroup_names_read(int root_fd, CgroupNames *ret);
void cgroup_names_clear(CgroupNames *list);

/* NULL: no such cgroup, or it was removed. */
const char *cgroup_names_find(const CgroupNames *list, uint64_t ino);
