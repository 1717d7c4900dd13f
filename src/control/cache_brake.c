/* SPDX-License-Identifier: MIT */
/* memory.high knows no difference between page cache and the rest. So the brake stands above all
 * that is no page cache, as much as there is at each look, and there is none where the kernel could
 * swap instead. In the ordinary course of things the cap itself is quicker, and nobody meets the
 * brake but who reads more than the margin between two looks. */
#include "control/cache_brake.h"

#include "control/cache_cap.h"
#include "control/floor.h"

#define MARGIN_SHARE 8 /* of the cap */
/* A step up is a quarter of the margin above what is needed; a step down is worth as much. */
#define STEP_SHARE 4
/* A step up is ahead of what else the unit grows by: for so long, and by no more than the cap. */
#define AHEAD_USEC USEC_PER_SEC

uint64_t brake_margin(uint64_t max)
{
    return max_u64(max / MARGIN_SHARE, FLOOR_MARGIN);
}

static uint64_t other_of(const Sample *sample)
{
    return sub_u64(sample->current, cap_cache(sample));
}

static uint64_t needed(uint64_t max, const Sample *sample)
{
    uint64_t limit = add_u64(other_of(sample), add_u64(max, brake_margin(max)));

    return max_u64(limit, limit_floor(sample, 0));
}

static bool may_swap(const LimitContext *context, const Sample *sample)
{
    return context->swap_free > 0 && sample->swap_max > sample->swap_current;
}

/* Bytes that are no page cache. */
static uint64_t growth(const BrakeState *state, const Sample *sample)
{
    return sample_step(&state->last, sample) == SAMPLE_NEXT
               ? sub_u64(other_of(sample), state->other)
               : 0;
}

bool brake_is_hit(const BrakeState *state, uint64_t max, const Sample *sample)
{
    return growth(state, sample) >= brake_margin(max) &&
           sample->events_high > state->last.events_high;
}

static LimitDecision none(BrakeState *state, LimitReason why)
{
    state->limit = 0;
    return (LimitDecision){ .want = LIMIT_NONE, .reason = why };
}

static LimitReason why_none(const LimitContext *context, const Sample *sample)
{
    if (!context->capped)
        return LIMIT_REASON_NO_CAP;
    return may_swap(context, sample) ? LIMIT_REASON_SWAP : LIMIT_REASON_OFF;
}

/* What is too much the cap takes first: no limit is begun below the use, nor lowered there. */
static LimitDecision follow(BrakeState *state, uint64_t max, const Sample *sample, uint64_t ahead)
{
    uint64_t now = sample->at_usec, need = needed(max, sample);
    uint64_t step = brake_margin(max) / STEP_SHARE, settled = add_u64(need, step);
    LimitDecision decision = { .reason = LIMIT_REASON_BRAKE };

    if (state->limit == 0 && sample->current > need)
        return none(state, LIMIT_REASON_HOLD);
    if (state->limit > 0 && state->limit < need) {
        decision.reason = LIMIT_REASON_GROWTH;
        state->limit = add_u64(settled, ahead);
        state->changed_usec = now;
    } else if (state->limit == 0 ||
               (sub_u64(state->limit, settled) > step && sample->current <= settled &&
                now - state->changed_usec >= BRAKE_LOWER_USEC)) {
        state->limit = settled;
        state->changed_usec = now;
    }
    decision.want = state->limit;
    decision.next_usec = ahead > step ? now + BRAKE_LOOK_USEC : 0;
    return decision;
}

LimitDecision brake_decide(BrakeState *state, uint64_t max, const LimitContext *context,
                           const Sample *sample, LimitReason why)
{
    uint64_t now = sample->at_usec, elapsed = max_u64(now - state->last.at_usec, 1);
    uint64_t ahead = min_u64(mul_u64(growth(state, sample), AHEAD_USEC) / elapsed, max);

    state->last = sample_mark(sample);
    state->other = other_of(sample);
    if (why == LIMIT_REASON_OFF)
        why = why_none(context, sample);
    if (why != LIMIT_REASON_OFF) {
        state->against_usec = now;
        return none(state, why);
    }
    if (state->against_usec > 0 && now - state->against_usec < BRAKE_CALM_USEC)
        return none(state, LIMIT_REASON_HOLD);
    return follow(state, max, sample, ahead);
}
