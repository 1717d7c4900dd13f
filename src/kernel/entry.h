/* SPDX-License-Identifier: MIT */
#pragma once

/* One component of a path: opened by itself, without following links, and judged by its
 * descriptor. What walks and resolves paths is made of these. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "kernel/fs_kind.h"

typedef struct Entry {
    struct stat st;
    uint64_t mount;       /* its number in mountinfo; 0: the kernel does not say */
    FsKind kind;          /* of the file system it is on */
    char fs[FS_NAME_MAX]; /* its type, where @kind is not FS_LOCAL */
    bool roots;           /* a local folder, in which root alone puts names, as in all above it */
} Entry;

/* An O_PATH descriptor, or -errno. @automount: a folder that is an automount is mounted. */
int entry_open(int dir_fd, const char *name, bool automount);

/* Opens for reading what is most likely a regular file. -errno, too, where it is a link, or of
 * another mount, and where the kernel has no openat2() (before 5.6). A FIFO does not block, and a
 * device may be opened: to be closed again. */
int entry_open_file(int dir_fd, const char *name);

/* What @fd is, which was opened in @folder; NULL: where a walk begins. No server is asked. In a
 * FUSE file system that keeps root out, it has no type: S_IFMT of its mode is 0. */
int entry_stat(int fd, const Entry *folder, Entry *ret);

/* The same of what somebody named. On which file system a regular file is does not matter then:
 * the list of mounts is not read for one, and only @st and @mount are told. */
int entry_stat_named(int fd, Entry *ret);

/* As entry_stat(), of @name, which is not opened, nor followed if it is a link. -EXDEV: it is on
 * another mount than @folder, which @dir_fd is. */
int entry_stat_name(int dir_fd, const char *name, const Entry *folder, Entry *ret);

/* Neither a mount nor a subvolume begins between the two. */
bool entry_same_mount(const Entry *a, const Entry *b);

/* Not the file's fault, and not to be taken for "no such file". */
bool entry_error_is_ours(int error);
