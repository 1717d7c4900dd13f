/* SPDX-License-Identifier: MIT */
#pragma once

/* What memory.high of a governed unit should be. Pure: time is inside the sample; the actuator that
 * gets there is the daemon's. */

#include <stdbool.h>
#include <stdint.h>

#include "control/sample.h"
#include "util/units.h"

typedef enum LimitMode {
    LIMIT_OFF,
    LIMIT_FIXED,
    LIMIT_TRACK, /* follow the working set; not acted on yet */
    LIMIT_YIELD,
} LimitMode;

/* What probing may take. */
typedef enum LimitReclaim {
    LIMIT_RECLAIM_FILE,
    LIMIT_RECLAIM_ALL, /* swap too */
} LimitReclaim;

/* What a policy says of memory.high. */
typedef struct LimitConfig {
    LimitMode mode;
    uint64_t value;       /* LIMIT_FIXED: bytes */
    uint64_t min;         /* never below, bytes; 0: no more than the floor */
    uint64_t max;         /* LIMIT_TRACK: never above, bytes; LIMIT_NONE: no bound */
    uint64_t pressure;    /* LIMIT_TRACK: to hold, PSI some, parts per million */
    LimitReclaim reclaim; /* LIMIT_TRACK */
} LimitConfig;

#define LIMIT_PRESSURE_DEFAULT 1000 /* 0.1 % */

typedef enum LimitReason {
    LIMIT_REASON_OFF,   /* the policy leaves memory.high alone */
    LIMIT_REASON_FIXED, /* the policy's value */
    LIMIT_REASON_FLOOR, /* the policy's value is below what cannot be reclaimed: the floor instead
                         */
    LIMIT_REASON_CALM,  /* no critical service suffers */
    LIMIT_REASON_DISTRESS, /* one does: squeezed by a further step */
    LIMIT_REASON_HOLD,     /* squeezed, and waiting for the last step to show */
    LIMIT_REASON_AT_MIN,   /* squeezed as far as the policy or the floor allows */
    LIMIT_REASON_RETURN,   /* calm: given back by a further step */
    LIMIT_REASON_STALL,    /* the unit itself stalled: let go */
} LimitReason;

/* Between two steps down: what a step did shows within a tick. */
#define LIMIT_STEP_USEC USEC_PER_SEC
/* Between two steps up: slower than down, see limit.c. */
#define LIMIT_RETURN_USEC (2 * USEC_PER_SEC)
/* After a stall: PSI lags by about 2 s, and a second stall costs more than a missed chance. */
#define LIMIT_HOLD_USEC (30 * USEC_PER_SEC)
/* Shorter looks at a stall say little. */
#define LIMIT_STALL_USEC (500 * USEC_PER_MSEC)
/* Smaller steps do not show. */
#define LIMIT_STEP_MIN (16 * MIB)

/* All zero is the state of a unit never squeezed. */
typedef struct LimitState {
    bool squeezed;
    bool at_floor;           /* the limit is the floor, or was when it was set */
    uint64_t limit;          /* bytes, while squeezed or fixed */
    uint64_t use_before;     /* memory.current when squeezing began */
    uint64_t next_usec;      /* no step before */
    uint64_t last_usec;      /* the sample before: */
    uint64_t last_full_usec; /* its "full" total */
} LimitState;

typedef struct LimitDecision {
    uint64_t want; /* bytes; LIMIT_NONE: give the original back */
    LimitReason reason;
} LimitDecision;

/* What memory.high should be now. @distress: a critical service suffers. */
LimitDecision limit_decide(LimitState *state, const LimitConfig *config, const Sample *sample,
                           bool distress);

const char *limit_reason_to_string(LimitReason reason);
