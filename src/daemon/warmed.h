/* SPDX-License-Identifier: MIT */
#pragma once

/* Which files were read into memory and not locked (lock: none), so that each version of a file is
 * read once, and then is the kernel's to keep or to drop. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Files that are remembered, 56 bytes each. More are not warmed. */
#define WARMED_MAX 131072

typedef struct Warmed {
    uint64_t dev, ino;
    uint64_t size, mtime;    /* bytes, nanoseconds: another version of it */
    uint64_t offset, length; /* bytes: the part */
    uint64_t resident;       /* bytes of the part that were in memory right afterwards */
} Warmed;

typedef struct WarmSet {
    Warmed *entries;
    size_t n, room;
    bool sorted;
    uint64_t sum; /* of what was resident */
} WarmSet;

/* Leaves an empty set. */
void warmed_clear(WarmSet *set);

/* -ENOMEM. */
int warmed_copy(const WarmSet *set, WarmSet *ret);

/* -ENOSPC: WARMED_MAX; -ENOMEM. */
int warmed_add(WarmSet *set, const Warmed *warmed);

/* What was added of this file, if it was of the same version and part. NULL: nothing. */
const Warmed *warmed_find(WarmSet *set, const Warmed *key);
