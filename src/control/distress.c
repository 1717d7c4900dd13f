/* SPDX-License-Identifier: MIT */
/* Distress is judged by the growth of counters within a sliding window, not by averages: the
 * kernel's avg10 needs seconds to rise and half a minute to forget. Looks rarely stand exactly one
 * window apart, so the growth is taken twice: since the look before the window, in proportion, and
 * since the first look within the window, in full. The latter is what sees the stall that made a
 * trigger fire early in a window. */

#include "control/distress.h"

#include <string.h>

/* The corner cases of counters, all in one place: nothing to compare with, or a clock or a counter
 * that went backwards. A look without PSI says nothing of its counter. */
static bool history_is_broken(const DistressState *state, const DistressPoint *now)
{
    if (state->n_points == 0)
        return true;

    const DistressPoint *last = &state->points[state->n_points - 1];
    return now->at_usec < last->at_usec || now->refaults < last->refaults ||
           (now->has_psi && last->has_psi && now->memory_some_usec < last->memory_some_usec);
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

/* Has the growth reached what @per_second, over at least the window, allows? */
static bool reaches(uint64_t growth, uint64_t per_second, uint64_t window, uint64_t elapsed)
{
    return per_second != DISTRESS_NEVER &&
           (unsigned __int128)growth * USEC_PER_SEC >=
               (unsigned __int128)per_second * max_u64(elapsed, window);
}

/* The last point is the newest. */
static DistressReason judge(const DistressConfig *config, const DistressPoint *points, size_t n)
{
    const DistressPoint *now = &points[n - 1];
    DistressReason reason = DISTRESS_NONE;

    for (size_t i = 0; i < n - 1 && i < 2; i++) {
        const DistressPoint *then = &points[i];
        uint64_t elapsed = now->at_usec - then->at_usec;

        /* A part per million of time is a microsecond per second. */
        if (then->has_psi && now->has_psi &&
            reaches(now->memory_some_usec - then->memory_some_usec, config->memory_pressure,
                    config->window_usec, elapsed))
            return DISTRESS_MEMORY_PRESSURE;
        if (reaches(now->refaults - then->refaults, config->refaults, config->window_usec, elapsed))
            reason = DISTRESS_REFAULTS;
    }
    return reason;
}

DistressReason distress_update(DistressState *state, const DistressConfig *config,
                               const Sample *sample)
{
    DistressPoint now = {
        .at_usec = sample->at_usec,
        .has_psi = sample->memory_psi.valid,
        .memory_some_usec = sample->memory_psi.some_usec,
        .refaults = sample->refault_file,
    };

    if (history_is_broken(state, &now)) {
        *state = (DistressState){ .points = { now }, .n_points = 1 };
        return state->reason;
    }

    remember(state, &now, config->window_usec);
    DistressReason reason = judge(config, state->points, state->n_points);
    if (reason != DISTRESS_NONE) {
        state->reason = reason;
        state->last_bad_usec = now.at_usec;
    } else if (now.at_usec - state->last_bad_usec >= DISTRESS_CALM_USEC) {
        state->reason = DISTRESS_NONE;
    }
    return state->reason;
}

uint64_t distress_stall_usec(const DistressConfig *config)
{
    return config->window_usec * config->memory_pressure / 1000000;
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
