/* SPDX-License-Identifier: MIT */
/* `yield` in its simplest honest form. While a critical service is in distress, the unit's limit
 * falls by an eighth of what it has a second; when distress is over it rises by a quarter every two
 * seconds, until it no longer means anything, and is given back. Down is faster than up, because
 * what a critical service lost comes back only as fast as it is read, and up does not end in a
 * jump.
 *
 * A unit that stalls itself is let go at once and left alone for a while, whoever else suffers. */

#include "control/limit.h"

#include <stddef.h>

#include "control/floor.h"

static LimitDecision let_go(LimitState *state, LimitReason reason)
{
    state->squeezed = state->at_floor = false;
    state->next_usec = 0;
    return (LimitDecision){ .want = LIMIT_NONE, .reason = reason };
}

/* More than half of the time since the last sample nothing in the unit could run for want of
 * memory. */
static bool stalls(LimitState *state, const Sample *sample)
{
    uint64_t elapsed = sub_u64(sample->at_usec, state->last_usec);
    uint64_t full = sub_u64(sample->memory_psi.full_usec, state->last_full_usec);
    bool first = state->last_usec == 0;

    if (!sample->memory_psi.valid || (!first && elapsed < LIMIT_STALL_USEC))
        return false;
    state->last_usec = sample->at_usec;
    state->last_full_usec = sample->memory_psi.full_usec;
    return !first && full > elapsed / 2;
}

static LimitDecision keep(const LimitState *state, LimitReason reason)
{
    return (LimitDecision){ .want = state->limit, .reason = reason };
}

/* The floor wavers by a few pages all the time: a limit that is there follows it up at once, but
 * down by no less than a step. */
static bool rests_on(const LimitState *state, uint64_t floor)
{
    return state->at_floor && state->limit >= floor && state->limit - floor < LIMIT_STEP_MIN;
}

static LimitDecision squeeze(LimitState *state, const Sample *sample, uint64_t floor)
{
    if (!state->squeezed) {
        state->squeezed = true;
        state->at_floor = false;
        state->limit = state->use_before = sample->current;
    } else if (sample->at_usec < state->next_usec) {
        return keep(state, LIMIT_REASON_HOLD);
    }

    state->next_usec = sample->at_usec + LIMIT_STEP_USEC;
    if (rests_on(state, floor))
        return keep(state, LIMIT_REASON_AT_MIN);

    uint64_t step = max_u64(state->limit / 8, LIMIT_STEP_MIN);
    state->limit = max_u64(sub_u64(state->limit, step), floor);
    state->at_floor = state->limit == floor;
    return keep(state, state->at_floor ? LIMIT_REASON_AT_MIN : LIMIT_REASON_DISTRESS);
}

static LimitDecision give_back(LimitState *state, const Sample *sample)
{
    if (!state->squeezed)
        return (LimitDecision){ .want = LIMIT_NONE, .reason = LIMIT_REASON_CALM };
    if (sample->at_usec < state->next_usec)
        return keep(state, LIMIT_REASON_HOLD);

    state->at_floor = false;
    state->limit = add_u64(state->limit, max_u64(state->limit / 4, LIMIT_STEP_MIN));
    state->next_usec = sample->at_usec + LIMIT_RETURN_USEC;
    if (state->limit >= state->use_before)
        return let_go(state, LIMIT_REASON_CALM);
    return keep(state, LIMIT_REASON_RETURN);
}

static LimitDecision yield(LimitState *state, const LimitConfig *config, const Sample *sample,
                           bool distress)
{
    uint64_t floor = limit_floor(sample, config->min);

    if (stalls(state, sample) && state->squeezed) {
        LimitDecision decision = let_go(state, LIMIT_REASON_STALL);
        state->next_usec = sample->at_usec + LIMIT_HOLD_USEC;
        return decision;
    }
    /* What cannot be reclaimed may have grown: that does not wait for a step. */
    if (state->squeezed)
        state->limit = max_u64(state->limit, floor);
    if (!distress)
        return give_back(state, sample);
    if (!state->squeezed && sample->at_usec < state->next_usec)
        return (LimitDecision){ .want = LIMIT_NONE, .reason = LIMIT_REASON_STALL };
    /* Nothing to gain from a unit that has no more than its floor. */
    if (!state->squeezed && sample->current <= floor)
        return (LimitDecision){ .want = LIMIT_NONE, .reason = LIMIT_REASON_AT_MIN };
    return squeeze(state, sample, floor);
}

static LimitDecision fixed(LimitState *state, const Sample *sample, uint64_t value)
{
    uint64_t floor = limit_floor(sample, 0);

    if (state->squeezed) /* by an earlier policy */
        (void)let_go(state, LIMIT_REASON_FIXED);
    if (stalls(state, sample) && sample->high != LIMIT_NONE)
        state->next_usec = sample->at_usec + LIMIT_HOLD_USEC;
    if (sample->at_usec < state->next_usec)
        return (LimitDecision){ .want = LIMIT_NONE, .reason = LIMIT_REASON_STALL };
    if (!rests_on(state, floor) || state->limit <= value) {
        state->limit = max_u64(value, floor);
        state->at_floor = floor > value;
    }
    return keep(state, state->at_floor ? LIMIT_REASON_FLOOR : LIMIT_REASON_FIXED);
}

LimitDecision limit_decide(LimitState *state, const LimitConfig *config, const Sample *sample,
                           bool distress)
{
    switch (config->mode) {
    case LIMIT_OFF:
    case LIMIT_TRACK:
        return let_go(state, LIMIT_REASON_OFF);
    case LIMIT_FIXED:
        return fixed(state, sample, config->value);
    case LIMIT_YIELD:
        return yield(state, config, sample, distress);
    }
    return let_go(state, LIMIT_REASON_OFF);
}

const char *limit_reason_to_string(LimitReason reason)
{
    switch (reason) {
    case LIMIT_REASON_OFF:
        return "off";
    case LIMIT_REASON_FIXED:
        return "fixed";
    case LIMIT_REASON_FLOOR:
        return "floor";
    case LIMIT_REASON_CALM:
        return "calm";
    case LIMIT_REASON_DISTRESS:
        return "distress";
    case LIMIT_REASON_HOLD:
        return "hold";
    case LIMIT_REASON_AT_MIN:
        return "at-min";
    case LIMIT_REASON_RETURN:
        return "return";
    case LIMIT_REASON_STALL:
        return "stall";
    }
    return NULL;
}
