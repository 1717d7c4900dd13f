/* SPDX-License-Identifier: MIT */
#pragma once

/* Which files were read into memory and not locked (lock: none), so that each version of a file is
 * read once, and then is the kernel's to keep or to drop. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Files that are remembered, 32 bytes each. More are not warmed. */
#define WARMED_MAX 131072

typedef struct Warmed {
    uint64_t dev, ino;
    uint64_t version;       /* warmed_version() */
    uint64_t resident : 63; /* bytes of the part that were in memory right afterwards */
    bool kept : 1;          /* internal */
} Warmed;

typedef struct WarmSet {
    Warmed *entries;
    size_t n, room;
    bool sorted;
    uint64_t sum; /* of what was resident */
} WarmSet;

/* Of a file, and of the part of it that was read: any one change makes it another. Bytes, and
 * nanoseconds. */
uint64_t warmed_version(uint64_t size, uint64_t mtime, uint64_t offset, uint64_t length);

/* Leaves an empty set. */
void warmed_clear(WarmSet *set);

/* -ENOMEM. */
int warmed_copy(const WarmSet *set, WarmSet *ret);

/* -ENOSPC: WARMED_MAX; -ENOMEM. */
int warmed_add(WarmSet *set, const Warmed *warmed);

/* Whether this file was added, of the same version; then it stays when those are dropped
 * that nobody has asked for since this was done last. */
bool warmed_keep(WarmSet *set, const Warmed *key);
void warmed_drop_others(WarmSet *set);
