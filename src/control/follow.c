/* SPDX-License-Identifier: MIT */
/* A change is looked at after a short delay, because it seldom comes alone. Then it depends on what
 * looking costs: it may take 5 % of one processor, and where changes go on for ever (a log that is
 * written to a thousand times a second) the looks come further and further apart, up to two
 * seconds. So a burst of 10,000 changes costs a few looks, however long it takes.
 *
 * Whoever looks may be wrong about what changed, or may not have been told: the period bounds that.
 */

#include "control/follow.h"

#include "util/units.h"

/* What makes a file takes longer than a system call: it is created, written, renamed. */
#define DELAY_USEC (50 * USEC_PER_MSEC)
/* Between two looks: */
#define SPACING_USEC     (200 * USEC_PER_MSEC)
#define SPACING_MAX_USEC (2 * USEC_PER_SEC) /* when changes do not end */
#define COST_FACTOR      20                 /* 5 % */
/* Without any change: what is not told of (a network's file systems, writes through mappings, what
 * was one watch too many) waits for this at most. */
#define PERIOD_USEC (10 * USEC_PER_SEC)

static uint64_t spacing(const FollowState *state)
{
    uint64_t usec = min_u64(SPACING_USEC << state->streak, SPACING_MAX_USEC);

    return min_u64(max_u64(usec, COST_FACTOR * min_u64(state->cost_usec, PERIOD_USEC)),
                   PERIOD_USEC);
}

void follow_note_change(FollowState *state, uint64_t now_usec)
{
    if (state->change_usec == 0)
        state->change_usec = now_usec;
}

uint64_t follow_begin(FollowState *state)
{
    uint64_t change = state->change_usec;

    /* Twice: a change that comes right after the pause is part of what made it that long. */
    if (change == 0 || sub_u64(change, state->ended_usec) > 2 * spacing(state))
        state->streak = 0;
    else if (SPACING_USEC << state->streak < SPACING_MAX_USEC)
        state->streak++;
    state->change_usec = 0;
    return change;
}

void follow_end(FollowState *state, uint64_t now_usec, uint64_t cost_usec)
{
    state->ended_usec = now_usec;
    state->cost_usec = cost_usec;
}

uint64_t follow_due(const FollowState *state)
{
    uint64_t latest = add_u64(state->ended_usec, PERIOD_USEC);

    if (state->change_usec == 0)
        return latest;
    return min_u64(latest, max_u64(add_u64(state->change_usec, DELAY_USEC),
                                   add_u64(state->ended_usec, spacing(state))));
}
