/* SPDX-License-Identifier: MIT */
#pragma once

/* The brake beside a cap on the page cache (cache_cap.h): a memory.high above the cap and all that
 * is no page cache, for what comes in between two looks. Pure. */

#include "control/decision.h"

/* The cap has to be kept for so long before there is a brake again. */
#define BRAKE_CALM_USEC (10 * USEC_PER_SEC)
/* Between two steps down: at most six turns a minute. */
#define BRAKE_LOWER_USEC (20 * USEC_PER_SEC)
/* Until the next look while the unit grows by something else. */
#define BRAKE_LOOK_USEC (250 * USEC_PER_MSEC)

/* All zero is the state of a unit never looked at. */
typedef struct BrakeState {
    SampleMark last;       /* the look before, */
    uint64_t other;        /* and the bytes then that were no page cache */
    uint64_t limit;        /* bytes; 0: none */
    uint64_t changed_usec; /* up or down */
    uint64_t against_usec; /* when something was against it last; 0: never */
} BrakeState;

/* Bytes above the cap that are left to memory.reclaim: an eighth, and at least FLOOR_MARGIN. */
uint64_t brake_margin(uint64_t max);

/* What met the brake since the look before is something else than page cache: more of it than the
 * brake leaves to that. */
bool brake_is_hit(const BrakeState *state, uint64_t max, const Sample *sample);

/* @max: the cap, bytes. @why: why there can be no limit of any law; LIMIT_REASON_OFF: it can. */
LimitDecision brake_decide(BrakeState *state, uint64_t max, const LimitContext *context,
                           const Sample *sample, LimitReason why);
