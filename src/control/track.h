/* SPDX-License-Identifier: MIT */
#pragma once

/* `track`: memory.high follows the working set. Pure: time is inside the sample. */

#include "control/decision.h"
#include "control/hold.h"

/* A trigger on the unit's memory pressure ("some") that lets a limit go within a fraction of a
 * second: the daemon arms it while a limit is in force, and looks when it fires. */
#define TRACK_STALL_USEC  (40 * USEC_PER_MSEC)
#define TRACK_WINDOW_USEC (500 * USEC_PER_MSEC)

/* After a stall: from half a minute, because PSI lags by about 2 s and a second stall costs more
 * than a missed chance, to ten minutes. */
#define TRACK_HOLD_MIN_USEC (30 * USEC_PER_SEC)
#define TRACK_HOLD_MAX_USEC (600 * USEC_PER_SEC)

/* All zero is the state of a unit never looked at. */
typedef struct TrackState {
    SampleMark last; /* the look before */
    SampleMark ref;  /* a look a second or more before: what pressure is measured from */
    SampleMark felt; /* a look up to a window before: what a stall is measured from */
    Hold stall;
    uint64_t limit; /* bytes; 0: none in force */
    uint64_t raised_usec;
    bool has_goal;           /* what the unit needs is known, */
    uint64_t goal;           /* in bytes above what cannot be reclaimed */
    uint64_t inflow;         /* bytes a second that came in, at most, fading, */
    uint64_t inflow_usec;    /* measured from this look, */
    uint64_t inflow_taken;   /* with what had been taken by then: pages, */
    uint64_t inflow_current; /* and what there was: bytes */
    uint64_t acted_usec;
    uint64_t pressure; /* of the span before, parts per million */
    unsigned rising;   /* spans in a row in which it did not fall */

    bool probing;
    SampleMark before;  /* probing: the look at which it began, */
    uint64_t cache;     /* and what could be reclaimed then: bytes */
    uint64_t tried;     /* probing: bytes asked for */
    uint64_t step;      /* bytes of the next probe; 0: the least */
    uint64_t harm;      /* what was left by a probe that did harm, as goal; 0: none lately */
    uint64_t harm_step; /* bytes that it asked for */
    uint64_t harm_usec;
    Hold patience;         /* no probe before */
    uint64_t in_vain_usec; /* much was scanned for little: nothing is reclaimed before */

    uint64_t fixed; /* what cannot be reclaimed: bytes */
    uint64_t level; /* what cannot be reclaimed, as it has been lately: bytes */
    uint64_t burst; /* the most that it rose above that, fading: bytes */
} TrackState;

/* The floor of limit_floor(), and memory.min, and above them the recent burst. What the policy and
 * the swap allow to be swapped out is not in it. */
uint64_t track_floor(const TrackState *state, const LimitConfig *config,
                     const LimitContext *context, const Sample *sample);

LimitDecision track_decide(TrackState *state, const LimitConfig *config,
                           const LimitContext *context, const Sample *sample);
