/* SPDX-License-Identifier: MIT */
#pragma once

/* What memory.high of a governed unit should be. Pure: time is inside the sample; the actuator that
 * gets there is the daemon's. */

#include "control/decision.h"
#include "control/hold.h"
#include "control/track.h"

/* Between two steps down: what a step did shows within a tick. */
#define LIMIT_STEP_USEC USEC_PER_SEC
/* Between two steps up: slower than down, see limit.c. */
#define LIMIT_RETURN_USEC (2 * USEC_PER_SEC)
/* After a stall, see TRACK_HOLD_MIN_USEC. */
#define LIMIT_HOLD_USEC     TRACK_HOLD_MIN_USEC
#define LIMIT_HOLD_MAX_USEC TRACK_HOLD_MAX_USEC
/* Shorter looks at a stall say little. */
#define LIMIT_STALL_USEC (500 * USEC_PER_MSEC)
/* Smaller steps do not show. */
#define LIMIT_STEP_MIN (16 * MIB)

/* All zero is the state of a unit never squeezed. */
typedef struct LimitState {
    LimitMode mode; /* whose state it is: another one begins anew */
    bool squeezed;
    bool at_floor;           /* the limit is the floor, or was when it was set */
    uint64_t limit;          /* bytes, while squeezed or fixed */
    uint64_t cache_limit;    /* bytes, of the cap on the page cache; 0: none in force */
    uint64_t use_before;     /* memory.current when squeezing began */
    uint64_t next_usec;      /* no step before */
    uint64_t last_usec;      /* the sample before: */
    uint64_t last_full_usec; /* its "full" total */
    Hold stall;              /* let go: for how long */
    TrackState track;
} LimitState;

/* What memory.high should be now. */
LimitDecision limit_decide(LimitState *state, const LimitConfig *config,
                           const LimitContext *context, const Sample *sample);
