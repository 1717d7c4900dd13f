/* SPDX-License-Identifier: MIT */
#pragma once

/* Who has certain files open or mapped. */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct UsedFile {
    dev_t dev; /* as stat(2) has them */
    ino_t ino;
} UsedFile;

#define COMMAND_MAX 64 /* of the kernel's threads; of others 15 bytes */

/* One process and one file. */
typedef struct FileUser {
    size_t file; /* which of those asked for */
    pid_t pid;
    char command[COMMAND_MAX]; /* "": not known */
    char *cgroup;              /* "/system.slice/shop.service"; NULL: not known */
    unsigned descriptors;
    uint64_t mapped; /* bytes of address space, of all mappings of the file */
    uint64_t rss, pss;
    uint64_t locked; /* rss of those that are locked */
} FileUser;

typedef struct FileUsers {
    FileUser *users; /* by file, then by process */
    size_t n_users;
    size_t room;         /* internal */
    unsigned unreadable; /* processes that could not be looked into */
} FileUsers;

/* One pass over the processes in @proc_fd but @exclude_pid (0: none). Not seen is what
 * open_set_has() names. *ret is for file_users_clear() on success only. -ENOMEM, -EMFILE, -ENFILE,
 * or what reading @proc_fd fails with. */
int file_users_scan(int proc_fd, pid_t exclude_pid, const UsedFile *files, size_t n_files,
                    FileUsers *ret);
void file_users_clear(FileUsers *list);
