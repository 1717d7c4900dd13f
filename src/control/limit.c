/* SPDX-License-Identifier: MIT */
/* Each mode has its law. Whatever stalls under a limit is let go, and for longer each time: a limit
 * that is wrong stays wrong. */

#include "control/limit.h"

#include <stddef.h>

#include "control/floor.h"

/* More than half of the time since the last sample nothing in the unit could run for want of
 * memory. Whoever streams at its limit reclaims its own pages for that, and goes on; it is a stall
 * where nothing is reclaimed, or what is needed. */
static bool stalls(LimitState *state, const LimitContext *context, const Sample *sample)
{
    uint64_t taken = sub_u64(sample->pgsteal, state->last_taken);
    uint64_t needed = sub_u64(sample->activate_file, state->last_activated);
    bool hangs = context->pressed && taken == 0;
    uint64_t least = hangs ? LIMIT_PRESSED_USEC : LIMIT_STALL_USEC;
    uint64_t elapsed = sub_u64(sample->at_usec, state->last_usec);
    uint64_t full = sub_u64(sample->memory_psi.full_usec, state->last_full_usec);
    bool first = state->last_usec == 0;

    if (!sample->memory_psi.valid || (!first && elapsed < least))
        return false;
    state->last_usec = sample->at_usec;
    state->last_full_usec = sample->memory_psi.full_usec;
    state->last_taken = sample->pgsteal;
    state->last_activated = sample->activate_file;
    return !first && full > elapsed / 2 && needed * 2 >= taken;
}

static LimitDecision keep(const FixedState *state, LimitReason reason)
{
    return (LimitDecision){ .want = state->limit, .reason = reason };
}

/* The floor wavers by a few pages all the time: a limit that is there follows it up at once, but
 * down by no less than a step. */
static bool rests_on(const FixedState *state, uint64_t floor)
{
    return state->at_floor && state->limit >= floor && state->limit - floor < LIMIT_STEP_MIN;
}

static LimitDecision yield(LimitState *state, const LimitConfig *config, const Sample *sample,
                           bool distress, bool held)
{
    const YieldService service = {
        .distress = distress ? DISTRESS_REFAULTS : DISTRESS_NONE,
        .domain = YIELD_HOST,
        .state = &state->served,
    };
    const YieldNeed need = {
        .at_usec = sample->at_usec,
        .running = true,
        .services = &service,
        .n_services = 1,
    };
    YieldUnit unit = {
        .config = config,
        .sample = sample,
        .domains = YIELD_HOST,
        .held = held,
        .state = &state->yield,
    };

    yield_decide(&state->law, &need, &unit, 1);
    return unit.decision;
}

/* Why a limit that is not there yet does not come, and one that is there goes: LIMIT_REASON_OFF,
 * there is nothing against it. */
static LimitReason why_not(const LimitContext *context, const Sample *sample, bool held,
                           bool limited)
{
    if (!sample->memory_psi.valid)
        return LIMIT_REASON_NO_PSI; /* nobody would see that the unit stalls under it */
    if (held)
        return LIMIT_REASON_STALL;
    return context->pins_short && !limited ? LIMIT_REASON_SHORT : LIMIT_REASON_OFF;
}

static LimitDecision fixed(FixedState *state, const LimitContext *context, const Sample *sample,
                           uint64_t value, bool held)
{
    uint64_t floor = limit_floor(sample, 0);
    LimitReason why = why_not(context, sample, held, state->limit > 0);

    if (why != LIMIT_REASON_OFF) {
        state->limit = 0;
        state->at_floor = false;
        return (LimitDecision){ .want = LIMIT_NONE, .reason = why };
    }
    if (!rests_on(state, floor) || state->limit <= value) {
        state->limit = max_u64(value, floor);
        state->at_floor = floor > value;
    }
    return keep(state, state->at_floor ? LIMIT_REASON_FLOOR : LIMIT_REASON_FIXED);
}

static LimitDecision decide_by_mode(LimitState *state, const LimitConfig *config,
                                    const LimitContext *context, const Sample *sample, bool held)
{
    switch (config->mode) {
    case LIMIT_OFF:
        break;
    case LIMIT_FIXED:
        return fixed(&state->fixed, context, sample, config->value, held);
    case LIMIT_TRACK:
        return track_decide(&state->track, config, context, sample);
    case LIMIT_BRAKE:
        return brake_decide(&state->brake, config->value, context, sample,
                            why_not(context, sample, held, state->brake.limit > 0));
    case LIMIT_YIELD:
        return yield(state, config, sample, context->distress, held);
    }
    return (LimitDecision){ .want = LIMIT_NONE, .reason = LIMIT_REASON_OFF };
}

/* Above what was before: to let go of it would tighten. */
static bool is_raised(const FixedState *state, const LimitContext *context)
{
    return context->before > 0 && state->limit >= context->before;
}

/* A limit of ours is felt: without one the unit stalls for its own reasons. `track` has its own eye
 * on that. */
static bool is_limited(const LimitState *state, const LimitContext *context, const Sample *sample)
{
    const YieldState *y = &state->yield;

    switch (state->mode) {
    case LIMIT_OFF:
    case LIMIT_TRACK:
        break;
    case LIMIT_FIXED:
        return state->fixed.limit > 0 && sample->high != LIMIT_NONE &&
               sample->high != context->before && !is_raised(&state->fixed, context);
    case LIMIT_BRAKE:
        return state->brake.limit > 0 && sample->high != LIMIT_NONE;
    case LIMIT_YIELD:
        return y->limited && !(y->ahead && add_u64(sample->current, FLOOR_MARGIN) < y->limit);
    }
    return false;
}

/* Whether the unit is let go because it stalls under a limit of ours. */
static bool begin(LimitState *state, const LimitConfig *config, const LimitContext *context,
                  const Sample *sample)
{
    if (state->mode != config->mode)
        *state = (LimitState){ .mode = config->mode };

    /* One that has outgrown its limit needs a higher one, which is what follows from the floor. */
    bool outgrown = limit_floor(sample, 0) > sample->high;
    bool stalled = stalls(state, context, sample) && !outgrown;
    if (state->mode == LIMIT_BRAKE)
        stalled |= brake_is_hit(&state->brake, config->value, sample);
    if (stalled && !context->observe && is_limited(state, context, sample) &&
        !hold_is_on(&state->stall, sample->at_usec))
        hold_begin(&state->stall, sample->at_usec, LIMIT_HOLD_USEC, LIMIT_HOLD_MAX_USEC);
    return hold_is_on(&state->stall, sample->at_usec);
}

LimitDecision limit_decide(LimitState *state, const LimitConfig *config,
                           const LimitContext *context, const Sample *sample)
{
    bool held = begin(state, config, context, sample);

    return decide_by_mode(state, config, context, sample, held);
}

YieldUnit limit_begin_yield(LimitState *state, const LimitConfig *config,
                            const LimitContext *context, const Sample *sample)
{
    bool held = begin(state, config, context, sample);

    return (YieldUnit){
        .config = config,
        .sample = sample,
        .held = held,
        .state = &state->yield,
    };
}

void limit_forget(LimitState *state)
{
    LimitState kept = { .mode = state->mode, .stall = state->stall };

    if (state->mode == LIMIT_TRACK)
        kept.track.stall = state->track.stall;
    *state = kept;
}

LimitView limit_view(const LimitState *state, uint64_t now)
{
    const TrackState *track = &state->track;

    if (state->mode != LIMIT_TRACK)
        return (LimitView){ .hold_usec = sub_u64(state->stall.until_usec, now) };
    return (LimitView){
        .hold_usec = sub_u64(track->stall.until_usec, now),
        .good = track->has_goal ? add_u64(track->fixed, track->goal) : 0,
    };
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
    case LIMIT_REASON_ROOM:
        return "room";
    case LIMIT_REASON_FREEZE:
        return "freeze";
    case LIMIT_REASON_DISTRESS:
        return "distress";
    case LIMIT_REASON_HOLD:
        return "hold";
    case LIMIT_REASON_AT_MIN:
        return "at-min";
    case LIMIT_REASON_RETURN:
        return "return";
    case LIMIT_REASON_NO_HELP:
        return "no-help";
    case LIMIT_REASON_INSIDE:
        return "critical-inside";
    case LIMIT_REASON_STALL:
        return "stall";
    case LIMIT_REASON_LEARN:
        return "learn";
    case LIMIT_REASON_PROBE:
        return "probe";
    case LIMIT_REASON_HARM:
        return "harm";
    case LIMIT_REASON_PRESSURE:
        return "pressure";
    case LIMIT_REASON_GROWTH:
        return "growth";
    case LIMIT_REASON_STEADY:
        return "steady";
    case LIMIT_REASON_IO:
        return "io";
    case LIMIT_REASON_SHORT:
        return "memory-short";
    case LIMIT_REASON_NO_PSI:
        return "no-psi";
    case LIMIT_REASON_SLOW_DISK:
        return "slow-disk";
    case LIMIT_REASON_BRAKE:
        return "brake";
    case LIMIT_REASON_NO_CAP:
        return "no-cap";
    case LIMIT_REASON_SWAP:
        return "swap";
    }
    return NULL;
}
