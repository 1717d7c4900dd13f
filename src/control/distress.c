/* SPDX-License-Identifier: MIT */
/* Distress is judged by the growth of counters within a sliding window, not by averages: the
 * kernel's avg10 needs seconds to rise and half a minute to forget. The growth is compared with
 * what the window allows in all, so that a trigger that fires early in a window is judged by the
 * same amount of stall. */

#include "control/distress.h"

#include <string.h>

/* The corner cases of counters, all in one place: nothing to compare with, a clock or a counter
 * that went backwards, or a gap so long that the history says nothing of the window. */
static bool history_is_broken(const DistressState *state, const DistressPoint *now)
{
    if (state->n_points == 0)
        return true;

    const DistressPoint *last = &state->points[state->n_points - 1];
    return now->at_usec < last->at_usec || now->memory_some_usec < last->memory_some_usec ||
           now->refaults < last->refaults;
}

static void drop_oldest(DistressState *state)
{
    state->n_points--;
    memmove(state->points, state->points + 1, state->n_points * sizeof(DistressPoint));
}

/* Keeps the newest point at least a window old, and all younger ones. */
static void remember(DistressState *state, const DistressPoint *now, uint64_t window_usec)
{
    while (state->n_points >= 2 && state->points[1].at_usec + window_usec <= now->at_usec)
        drop_oldest(state);
    if (state->n_points == DISTRESS_HISTORY)
        drop_oldest(state);
    state->points[state->n_points++] = *now;
}

static DistressReason judge(const DistressConfig *config, const DistressPoint *then,
                            const DistressPoint *now, bool has_psi)
{
    /* A base older than the window (samples are a tick apart) allows in proportion. */
    uint64_t elapsed = max_u64(now->at_usec - then->at_usec, config->window_usec);
    unsigned __int128 stall = now->memory_some_usec - then->memory_some_usec;
    unsigned __int128 refaults = now->refaults - then->refaults;

    if (has_psi &&
        stall * config->window_usec >= (unsigned __int128)config->memory_some_usec * elapsed)
        return DISTRESS_MEMORY_PRESSURE;
    if (refaults * config->window_usec >= (unsigned __int128)config->refaults * elapsed)
        return DISTRESS_REFAULTS;
    return DISTRESS_NONE;
}

DistressReason distress_update(DistressState *state, const DistressConfig *config,
                               const Sample *sample)
{
    DistressPoint now = {
        .at_usec = sample->at_usec,
        .memory_some_usec = sample->memory_psi.valid ? sample->memory_psi.some_usec : 0,
        .refaults = sample->refault_file,
    };

    if (history_is_broken(state, &now)) {
        *state = (DistressState){ .points = { now }, .n_points = 1 };
        return state->reason;
    }

    remember(state, &now, config->window_usec);
    DistressReason reason = judge(config, &state->points[0], &now, sample->memory_psi.valid);
    if (reason != DISTRESS_NONE) {
        state->reason = reason;
        state->last_bad_usec = now.at_usec;
    } else if (now.at_usec - state->last_bad_usec >= DISTRESS_CALM_USEC) {
        state->reason = DISTRESS_NONE;
    }
    return state->reason;
}

const char *distress_reason_to_string(DistressReason reason)
{
    switch (reason) {
    case DISTRESS_NONE:
        return "calm";
    case DISTRESS_MEMORY_PRESSURE:
        return "memory pressure";
    case DISTRESS_REFAULTS:
        return "refaults";
    }
    return NULL;
}
