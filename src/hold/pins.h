/* SPDX-License-Identifier: MIT */
#pragma once

/* The files that one process has mapped and locked. */

#include <pagewarden/hold-protocol.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

typedef struct PinTable PinTable;

int pin_table_new(PinTable **ret);

/* Unmaps, and so unlocks, everything. Takes NULL, returns NULL. */
PinTable *pin_table_free(PinTable *table);

DEFINE_CLEANUP(PinTable *, pin_table_free)

/* What of a file is to be held. */
typedef struct PinPart {
    uint64_t offset; /* bytes, whole pages */
    uint64_t length; /* bytes */
    HoldLock lock;   /* HOLD_LOCK_NOW or HOLD_LOCK_ON_FAULT */
    bool all;        /* all of it is locked next, and may be read already */
} PinPart;

typedef struct PinInfo {
    uint64_t dev, ino;
    uint64_t offset; /* bytes: where the mapped part begins */
    uint64_t length; /* bytes mapped */
    uint64_t locked; /* bytes locked; HOLD_LOCK_NOW: from the beginning */
    HoldLock lock;
    uint64_t since_usec; /* CLOCK_REALTIME: when it was opened first */
} PinInfo;

/* Maps @part of the regular file @fd, which stays the caller's; nothing is read or locked yet. A
 * file that is mapped already is extended, and what is locked of it stays so. *ret may be NULL.
 * -EINVAL: not a regular file, no longer that long, or not whole pages; -EEXIST: it is held from
 * another offset or in another way; else the error of mmap(2) or mlock2(2). */
int pin_table_open(PinTable *table, int fd, const PinPart *part, PinInfo *ret);

/* Locks the files that were opened since, and whose part said `all`, with few calls. What cannot be
 * locked so is left to pin_table_lock(), to be told by it. */
void pin_table_lock_opened(PinTable *table);

/* Reads and locks up to @bytes further bytes, whole pages, of a file that is locked without gaps.
 * *ret is what holds afterwards, on failure too. -ENOENT: no such file; -EINVAL: it is locked on
 * fault; -EFAULT: the file was truncated below; -EAGAIN, -ENOMEM, -EIO: see mlock(2) and
 * MADV_POPULATE_READ in madvise(2). */
int pin_table_lock(PinTable *table, uint64_t dev, uint64_t ino, uint64_t bytes, PinInfo *ret);

/* Locks the pages of a file that is locked on fault in [@offset, @offset + @length) of the file, as
 * far as they are mapped, and up to @bytes that are not locked yet. What of them is not in memory
 * is read: the caller knows what is. *ret and errors as pin_table_lock(); -EINVAL: the file is not
 * locked on fault. */
int pin_table_lock_resident(PinTable *table, uint64_t dev, uint64_t ino, uint64_t offset,
                            uint64_t length, uint64_t bytes, PinInfo *ret);

/* Truncating a file takes its pages out of every mapping, locked ones too, and nobody is told: when
 * it was filled again, this reads and locks what is missing of what was locked, in [@offset,
 * @offset +
 * @length) of the file (@length 0: everywhere), whole pages. Costs a walk of the page tables where
 * nothing is. *ret as pin_table_lock(). -ENOENT; -EFAULT: the file is still shorter; -EIO … */
int pin_table_refresh(PinTable *table, uint64_t dev, uint64_t ino, uint64_t offset, uint64_t length,
                      PinInfo *ret);

/* Unmaps one file. -ENOENT: no such file. */
int pin_table_release(PinTable *table, uint64_t dev, uint64_t ino);

/* Whether the file is there; then *ret (which may be NULL) tells of it. */
int pin_table_find(const PinTable *table, uint64_t dev, uint64_t ino, PinInfo *ret);

/* Calls @visit for every file; stops at, and returns, its first value that is not 0. */
int pin_table_visit(const PinTable *table, int (*visit)(const PinInfo *info, void *userdata),
                    void *userdata);

/* How many mappings the kernel has of all files. */
size_t pin_table_mappings(const PinTable *table);

/* Reads [@offset, @offset + @length) of the regular file @fd into memory and keeps nothing. Errors
 * as those of pin_table_open() and pin_table_lock(). */
int pin_warm(int fd, uint64_t offset, uint64_t length);
