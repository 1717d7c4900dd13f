/* SPDX-License-Identifier: MIT */
#pragma once

/* Should this file leave the page cache now? */

#include <stdbool.h>
#include <stdint.h>

typedef enum EvictVerdict {
    EVICT_NOW,
    EVICT_NOT_RESIDENT, /* nothing of it is in memory */
    EVICT_PINNED,       /* some policy pins it */
    EVICT_IN_USE,       /* somebody has it open or mapped */
    EVICT_NOT_IDLE,     /* nobody has, but not for long enough */
} EvictVerdict;

typedef struct EvictFacts {
    uint64_t resident; /* bytes in memory */
    bool pinned;
    bool in_use;
    uint64_t idle_usec; /* for how long nobody has been seen to have it open */
} EvictFacts;

EvictVerdict evict_judge(const EvictFacts *facts, uint64_t idle_usec);
