/* SPDX-License-Identifier: MIT */
/* Locked pages are the only cache that the kernel cannot take back. So before it kills for want of
 * memory, pins have to go; early, because whoever lets go needs to run for it; no more than is
 * needed, because what went has to be read again.
 *
 * Three signs, each with what the others miss. Too little is left: sure, but with a fast consumer
 * late. It falls so fast that nothing will be left in a moment: but not far above the reserve,
 * where a program that starts does it too. Tasks stall: where swap is left, memory that is not
 * available is no shortage by itself, but waiting for it is; and a stall alone may be that of a
 * service with a limit of its own.
 *
 * What is let go counts as available at once, so that the goal is reached by subtraction and not by
 * trial. Between where it begins and where pins come back lies more than half of the reserve, and a
 * time. */

#include "control/shortage.h"

ShortageLines shortage_lines(uint64_t total, uint64_t reserve)
{
    uint64_t low = max_u64(reserve / 2, total / SHORTAGE_LOW_SHARE);

    low = min_u64(low, SHORTAGE_LOW_MAX);
    return (ShortageLines){
        .low = low,
        .goal = low + low / 2,
        .back = max_u64(reserve, 2 * low) + low / 2,
        .far = 2 * max_u64(reserve, 2 * low),
    };
}

/* What can be had without letting go of a pin. */
static uint64_t spare_of(const ShortageSample *sample)
{
    return add_u64(sample->available, sample->swap_free);
}

/* Since the look before. */
typedef struct Trend {
    uint64_t fall; /* bytes within SHORTAGE_AHEAD_USEC */
    bool is_stalled;
} Trend;

/* A look too soon after the last one tells no trend, and is no mark for the next. The counter of
 * stalls never falls, but for a machine that was suspended. */
static Trend follow(ShortageState *state, const ShortageSample *sample)
{
    uint64_t elapsed = sub_u64(sample->at_usec, state->looked_usec);
    uint64_t kept = add_u64(spare_of(sample), sample->locked);
    Trend trend = { 0 };

    if (state->looked_usec > 0 && elapsed < SHORTAGE_LOOK_USEC)
        return trend;
    if (state->looked_usec > 0) {
        double ahead = (double)SHORTAGE_AHEAD_USEC / (double)elapsed;
        trend.fall = (uint64_t)((double)sub_u64(state->kept, kept) * ahead);
        trend.is_stalled = sample->psi.valid &&
                           sub_u64(sample->psi.some_usec, state->stalled_usec) >
                               elapsed / SHORTAGE_STALL_PART;
    }
    state->looked_usec = sample->at_usec;
    state->kept = kept;
    state->stalled_usec = sample->psi.some_usec;
    return trend;
}

static ShortageReason judge(ShortageState *state, const ShortageSample *sample,
                            const ShortageLines *lines, uint64_t pending, uint64_t *ret_release)
{
    Trend trend = follow(state, sample);
    uint64_t spare = add_u64(spare_of(sample), pending);
    uint64_t available = add_u64(sample->available, pending);

    *ret_release = 0;
    if (spare < lines->low) {
        *ret_release = sub_u64(lines->goal, spare);
        return SHORTAGE_LOW;
    }
    if (spare < lines->far && sub_u64(spare, trend.fall) < lines->low) {
        *ret_release = sub_u64(add_u64(lines->low, trend.fall), spare);
        return SHORTAGE_FALLING;
    }
    if (trend.is_stalled && available < lines->goal) {
        if (sample->at_usec >= state->next_usec) {
            *ret_release = max_u64(sample->total / SHORTAGE_STEP_SHARE, SHORTAGE_STEP_MIN);
            state->next_usec = sample->at_usec + SHORTAGE_STEP_USEC;
        }
        return SHORTAGE_STALLED;
    }
    return SHORTAGE_NONE;
}

static void begin(ShortageState *state, uint64_t now)
{
    bool again = state->ended_usec > 0 &&
                 now - state->ended_usec < SHORTAGE_AGAIN_FACTOR * state->hold_usec;

    state->is_short = true;
    state->hold_usec = again ? min_u64(2 * state->hold_usec, SHORTAGE_HOLD_MAX_USEC)
                             : SHORTAGE_HOLD_FIRST_USEC;
}

ShortageDecision shortage_decide(ShortageState *state, const ShortageSample *sample,
                                 uint64_t reserve, uint64_t pending)
{
    ShortageLines lines = shortage_lines(sample->total, reserve);
    ShortageDecision decision = { 0 };

    decision.reason = judge(state, sample, &lines, pending, &decision.release);
    decision.is_near = state->is_short || spare_of(sample) < sample->total / 2;
    if (decision.reason != SHORTAGE_NONE) {
        if (!state->is_short)
            begin(state, sample->at_usec);
        state->calm_usec = 0;
        return decision;
    }
    if (!state->is_short)
        return decision;
    /* Pins come back into memory, not into swap. */
    if (sample->available < lines.back) {
        state->calm_usec = 0;
        return decision;
    }
    if (state->calm_usec == 0)
        state->calm_usec = sample->at_usec;
    decision.again_usec = state->calm_usec + state->hold_usec;
    if (sample->at_usec >= decision.again_usec) {
        state->is_short = false;
        state->ended_usec = sample->at_usec;
    }
    return decision;
}

const char *shortage_reason_to_string(ShortageReason reason)
{
    switch (reason) {
    case SHORTAGE_NONE:
        return "none";
    case SHORTAGE_LOW:
        return "next to nothing is available";
    case SHORTAGE_FALLING:
        return "what is available falls fast";
    case SHORTAGE_STALLED:
        return "tasks stall for memory";
    }
    return NULL;
}

size_t shortage_next_to_go(const ShortageHolding *holdings, size_t n)
{
    size_t next = n;

    for (size_t i = 0; i < n; i++) {
        const ShortageHolding *h = &holdings[i];
        if (h->keep || h->locked == 0)
            continue;
        if (next == n || h->rank < holdings[next].rank ||
            (h->rank == holdings[next].rank && h->locked > holdings[next].locked))
            next = i;
    }
    return next;
}

size_t shortage_next_to_return(const ShortageHolding *holdings, size_t n)
{
    size_t next = n;

    for (size_t i = 0; i < n; i++) {
        const ShortageHolding *h = &holdings[i];
        if (!h->withheld)
            continue;
        if (next == n || h->rank > holdings[next].rank ||
            (h->rank == holdings[next].rank && h->locked > holdings[next].locked))
            next = i;
    }
    return next;
}
