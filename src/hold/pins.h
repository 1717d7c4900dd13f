/* SPDX-License-Identifier: MIT */
#pragma once

/* The files that a holder has mapped and locked. */

#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

typedef struct PinTable PinTable;

int pin_table_new(PinTable **ret);

/* Unmaps, and so unlocks, everything. Takes NULL, returns NULL. */
PinTable *pin_table_free(PinTable *table);

DEFINE_CLEANUP(PinTable *, pin_table_free)

typedef struct PinInfo {
    uint64_t dev, ino;
    uint64_t length; /* bytes mapped */
    uint64_t locked; /* bytes locked, from the beginning */
} PinInfo;

/* Maps the first @length bytes (> 0) of the regular file @fd, which stays the caller's; nothing is
 * read or locked yet. A file that is mapped already is extended, and what is locked of it stays so.
 * *ret may be NULL. -EINVAL: not a regular file, or no longer that long; else the error of mmap(2).
 */
int pin_table_open(PinTable *table, int fd, uint64_t length, PinInfo *ret);

/* Reads and locks up to @bytes further bytes, whole pages. *ret is what holds afterwards, on
 * failure too. -ENOENT: no such file; -EFAULT: the file was truncated below; -EAGAIN, -ENOMEM,
 * -EIO: see mlock(2) and MADV_POPULATE_READ in madvise(2). */
int pin_table_lock(PinTable *table, uint64_t dev, uint64_t ino, uint64_t bytes, PinInfo *ret);

/* Truncating a file takes its pages out of every mapping, locked ones too, and nobody is told: when
 * it was filled again, this reads and locks what is missing of what was locked. Costs a walk of the
 * page tables where nothing is. *ret as pin_table_lock(). -ENOENT; -EFAULT: the file is still
 * shorter; -EIO … */
int pin_table_refresh(PinTable *table, uint64_t dev, uint64_t ino, PinInfo *ret);

/* Unmaps one file. -ENOENT: no such file. */
int pin_table_release(PinTable *table, uint64_t dev, uint64_t ino);

/* Calls @visit for every file; stops at, and returns, its first value that is not 0. */
int pin_table_visit(const PinTable *table, int (*visit)(const PinInfo *info, void *userdata),
                    void *userdata);
