/* SPDX-License-Identifier: MIT */
#pragma once

/* Which files certain processes have open, and where in them they are. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel/procs.h"

/* One descriptor of one process, of a regular file. */
typedef struct Position {
    dev_t dev; /* as stat(2) has them */
    ino_t ino;
    pid_t pid;
    int number;
    uint64_t position; /* bytes; of whoever shares it by dup(2) or fork(2), too */
    uint64_t size;     /* of the file */
    bool writes;       /* is open for writing */
} Position;

typedef struct Positions {
    Position *items; /* by file, then by process, then by number */
    size_t n;
    size_t room; /* internal */
} Positions;

/* More than that no look takes in; which ones is left open. */
#define POSITIONS_MAX 16384

/* Those of @pids in @proc_fd that lead to files of @size_min bytes or more with pages on a disk: on
 * no network file system nor FUSE unless @network, not on tmpfs; not O_DIRECT, and not O_PATH. No
 * server is asked. A process or descriptor that goes meanwhile, or may not be looked at, is left
 * out; and so are tables of single threads. *ret is for positions_clear() on success only.
 * -ENOMEM, -EMFILE, -ENFILE. */
int positions_of(int proc_fd, const Pids *pids, uint64_t size_min, bool network, Positions *ret);
void positions_clear(Positions *descriptors);

/* Opens the file of @descriptor for reading, which leaves its position alone. -ESTALE: the number
 * leads to another file by now; -errno. */
int position_reopen(int proc_fd, const Position *descriptor);
