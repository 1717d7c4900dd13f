/* SPDX-License-Identifier: MIT */
#pragma once

/* What memory.high of a governed unit should be. Pure: time is inside the sample; the actuator that
 * gets there is the daemon's. */

#include "control/cache_brake.h"
#include "control/decision.h"
#include "control/hold.h"
#include "control/track.h"
#include "control/yield.h"

/* After a stall, see TRACK_HOLD_MIN_USEC. */
#define LIMIT_HOLD_USEC     TRACK_HOLD_MIN_USEC
#define LIMIT_HOLD_MAX_USEC TRACK_HOLD_MAX_USEC
/* Shorter looks at a stall say little. But where nothing is reclaimed, and a trigger has fired, it
 * is no wait that ends by itself. */
#define LIMIT_STALL_USEC   (500 * USEC_PER_MSEC)
#define LIMIT_PRESSED_USEC (100 * USEC_PER_MSEC)
/* That trigger; `track` and the brake have another, see TRACK_STALL_USEC. */
#define LIMIT_TRIGGER_USEC (250 * USEC_PER_MSEC)
#define LIMIT_WINDOW_USEC  (500 * USEC_PER_MSEC)

typedef struct FixedState {
    bool at_floor;  /* the limit is the floor, or was when it was set */
    uint64_t limit; /* bytes; 0: none */
} FixedState;

/* All zero is the state of a unit never limited. */
typedef struct LimitState {
    LimitMode mode;          /* whose state it is: another one begins anew */
    uint64_t last_usec;      /* the sample before: */
    uint64_t last_full_usec; /* its "full" total, */
    uint64_t last_taken;     /* pages that were reclaimed by then, */
    uint64_t last_activated; /* and that came back and were in use */
    Hold stall;              /* let go: for how long */
    union {                  /* of @mode; the largest is the first, which is what { 0 } zeroes */
        TrackState track;
        FixedState fixed;
        BrakeState brake;
        struct {
            YieldState yield;
            YieldLaw law;       /* of a unit that is decided about alone, */
            YieldServed served; /* for one critical service */
        };
    };
} LimitState;

/* What memory.high should be now. Of a unit under `yield` as if it were the only one, and without a
 * measure of whether it helps: yield_decide() is for all of them together. */
LimitDecision limit_decide(LimitState *state, const LimitConfig *config,
                           const LimitContext *context, const Sample *sample);

/* The first half of the same, before yield_decide() about all such units: the caller says which
 * compete, and the decision is in what is returned. @config and @sample are borrowed by it. */
YieldUnit limit_begin_yield(LimitState *state, const LimitConfig *config,
                            const LimitContext *context, const Sample *sample);

/* What was decided is no longer so: limits that are not in force, or of a cgroup that is gone. How
 * long the unit is let go because it stalled stays. */
void limit_forget(LimitState *state);

/* What a law knows of its unit, for people. */
typedef struct LimitView {
    uint64_t hold_usec; /* it stalled: no limit for so long; 0: none such */
    uint64_t good; /* track: bytes that were enough, with what cannot be reclaimed; 0: not known */
} LimitView;

LimitView limit_view(const LimitState *state, uint64_t now_usec);
