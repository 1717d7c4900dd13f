/* SPDX-License-Identifier: MIT */
#pragma once

/* Idle files that go because their unit is at its cap: whether the unit gets smaller by that. It
 * does not where others are charged for their pages, which are those who read them first. Pure. */

#include <stdbool.h>
#include <stdint.h>

#include "control/hold.h"
#include "control/sample.h"
#include "util/units.h"

/* So late at the earliest it is seen what came of it: where little happens the kernel sums up its
 * figures every two seconds. */
#define COLD_SETTLE_USEC (2 * USEC_PER_SEC)
/* Less than that says nothing: bytes. */
#define COLD_LEAST (1 * MIB)
/* In vain: the cap goes without them for so long, doubled each time. */
#define COLD_HOLD_MIN_USEC (60 * USEC_PER_SEC)
#define COLD_HOLD_MAX_USEC (3600 * USEC_PER_SEC)

/* One look at a unit's page cache. */
typedef struct CacheMark {
    uint64_t at_usec; /* of the sample */
    uint64_t cache;   /* bytes, see cap_cache() */
    uint64_t stolen;  /* bytes that reclaim took, since the cgroup began */
} CacheMark;

CacheMark cache_mark(const Sample *sample);

typedef struct ColdTrial {
    CacheMark asked;  /* some time before, so that it is known how fast the cache grows, */
    CacheMark begun;  /* and when the first file went */
    uint64_t evicted; /* bytes, whoever is charged for them */
} ColdTrial;

/* Whether most of what was evicted was the unit's, as far as that can be told; where it was not,
 * @hold begins. */
bool cold_judge(Hold *hold, const ColdTrial *trial, const CacheMark *after);
