/* SPDX-License-Identifier: MIT */
#pragma once

/* A /proc by hand: maps is text, and the links of map_files and exe lead to real files. */

#include "unit/kernel/scratch.h"

static inline void put_process(const Scratch *proc, unsigned pid, const char *exe)
{
    char path[64];

    snprintf(path, sizeof path, "%u/map_files/", pid);
    scratch_folders(proc, path);
    snprintf(path, sizeof path, "%u/maps", pid);
    scratch_put(proc, path, "");
    if (exe) {
        snprintf(path, sizeof path, "%u/exe", pid);
        must(symlinkat(exe, proc->fd, path));
    }
}

/* A mapping of the page @page; @target NULL: it is in maps, and gone when its link is looked at. */
static inline void put_mapping(const Scratch *proc, unsigned pid, unsigned page,
                               const char *permissions, const char *device, unsigned inode,
                               const char *target)
{
    char path[64], line[2 * PATH_MAX];

    snprintf(path, sizeof path, "%u/maps", pid);
    int fd = must(openat(proc->fd, path, O_WRONLY | O_APPEND | O_CLOEXEC));
    int n = snprintf(line, sizeof line, "%x000-%x000 %s 00001000 %s %u      %s\n", page, page + 1,
                     permissions, device, inode, target ? target : "/gone");
    must(write(fd, line, (size_t)n));
    close(fd);
    if (target) {
        snprintf(path, sizeof path, "%u/map_files/%x000-%x000", pid, page, page + 1);
        must(symlinkat(target, proc->fd, path));
    }
}
