/* SPDX-License-Identifier: MIT */
#pragma once

/* The regular files that some processes have open or mapped. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/pool.h"

typedef struct ProcFile {
    const char *path; /* as a process knows it; in the list's pool */
    bool deleted;     /* it has lost that name */
    dev_t dev;
    ino_t ino;
    uint64_t size;         /* bytes */
    unsigned open, mapped; /* by how many of the processes */
    /* How it was found, and can be opened. */
    pid_t pid;
    int number;          /* of the descriptor; -1: it is mapped at */
    uint64_t begin, end; /* this */
} ProcFile;

typedef struct ProcFiles {
    ProcFile *files; /* by device and inode, each once */
    size_t n_files;
    size_t room;         /* internal */
    unsigned unreadable; /* processes that could not be looked into */
    Pool paths;
} ProcFiles;

/* Servers of network file systems may be asked. A process that ends is no error. *ret is for
 * proc_files_clear() on success only. -ENOMEM, -EMFILE, -ENFILE. */
int proc_files_scan(int proc_fd, const pid_t *pids, size_t n_pids, ProcFiles *ret);
void proc_files_clear(ProcFiles *list);

/* NULL: it is not in the list. */
const ProcFile *proc_files_find(const ProcFiles *list, dev_t dev, ino_t ino);

/* Opens it for reading, as walk_reopen() does. Returns the descriptor; -ESTALE: it is another file
 * by now; -ENOENT: closed. What is mapped needs CAP_CHECKPOINT_RESTORE. */
int proc_file_open(int proc_fd, const ProcFile *file);
