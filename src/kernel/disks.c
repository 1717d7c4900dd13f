/* SPDX-License-Identifier: MIT */
/* What is made of other devices (dm, md, loop) and of memory (zram) has no `device` of its own, and
 * is not asked. */
#include "kernel/disks.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/io.h"

/* The first processor is enough, and more does not matter. */
#define CPUINFO_SIZE 8192

/* x86 has a flag for it. On others the disks are virtio's, which virtual() knows. */
static bool is_guest(int proc_fd)
{
    char text[CPUINFO_SIZE];

    CLEANUP_CLOSE int fd = openat(proc_fd, "cpuinfo", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);
    if (n < 0)
        return false;
    text[n] = '\0';
    const char *flags = strstr(text, "\nflags");
    const char *end = flags ? strchrnul(flags + 1, '\n') : NULL;
    const char *found = flags ? strstr(flags, " hypervisor") : NULL;
    return found && found < end;
}

/* virtio's, and Xen's. */
static bool is_virtual(const char *name)
{
    return strncmp(name, "vd", 2) == 0 || strncmp(name, "xvd", 3) == 0;
}

/* 1: it turns; 0: it does not; negative: it is none, or is not to be believed. */
static int disk_turns(int block_fd, const char *name)
{
    char path[512], text[8];

    if (name[0] == '.' || is_virtual(name))
        return -1;
    snprintf(path, sizeof path, "%s/device", name);
    if (faccessat(block_fd, path, F_OK, 0) < 0)
        return -1;
    snprintf(path, sizeof path, "%s/queue/rotational", name);
    return read_file_at(block_fd, path, text, sizeof text) < 0 ? -1 : text[0] == '1';
}

bool disks_all_turn(int root_fd, int proc_fd)
{
    bool any = false;

    CLEANUP_CLOSE int fd = openat(root_fd, "sys/block", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup(closedirp) DIR *dir = fd < 0 || is_guest(proc_fd) ? NULL : fdopendir(fd);
    if (!dir)
        return false;
    TAKE_FD(fd);
    for (struct dirent *entry; (entry = readdir(dir));) {
        int turns = disk_turns(dirfd(dir), entry->d_name);
        if (turns == 0)
            return false;
        any |= turns > 0;
    }
    return any;
}
