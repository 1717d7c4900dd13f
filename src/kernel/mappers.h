/* SPDX-License-Identifier: MIT */
#pragma once

/* Who has certain files mapped, and where: one pass over /proc for many files. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* One mapping of one of the files. */
typedef struct Mapper {
    size_t file; /* index of the file */
    pid_t pid;
    uint64_t begin, end; /* addresses in the process */
    uint64_t offset;     /* in the file, of begin */
    bool private;        /* what was written to it is not the file's */
    uint64_t locked;     /* bytes of it that are in memory and held there by mlock() */
} Mapper;

typedef struct Mappers {
    Mapper *items; /* by file, then by process, then by address */
    size_t n;
    unsigned unreadable; /* processes that could not be looked into */
    bool full;           /* there are more than MAPPERS_MAX */
    size_t room;         /* internal */
} Mappers;

/* Of all files asked for at once; a file that ten thousand processes map is not taken out of them.
 */
#define MAPPERS_MAX 16384

/* Who maps the files open as @fds (not O_PATH). A process that ends is no error, a file that is
 * mapped in another mount namespace is found. *ret is for mappers_clear() on success only.
 * -ECANCELED, -ENOMEM, -EMFILE, -ENFILE; what reading @proc_fd or fstat() fails with. */
int mappers_find(int proc_fd, const int *fds, size_t n_fds, const atomic_bool *cancelled,
                 Mappers *ret);
/* Whether @mapper's process still maps there what it did, the file open as @fd. 1, 0; -errno. */
int mapper_is_there(int proc_fd, const Mapper *mapper, int fd);

void mappers_clear(Mappers *mappers);
