/* SPDX-License-Identifier: MIT */
/* Distress is judged by the growth of counters within a sliding window, not by averages: the
 * kernel's avg10 needs seconds to rise and half a minute to forget. Looks rarely stand exactly one
 * window apart, so the growth is taken twice: since the look before the window, in proportion, and
 * since the first look within the window, in full. The latter is what sees the stall that made a
 * trigger fire early in a window. What lies astride the looks neither sees in full: the kernel
 * does, so that its trigger is believed, unless they see hardly anything.
 *
 * Damage is what the service feels. The sign that comes before it is that reclaim takes its pages,
 * and that must be seen within a fraction of the window: pages that are gone come back only as fast
 * as they are read. Stolen is what reclaim took, and no more than the page cache shrank by: a
 * service that streams by itself has its pages reclaimed and does not shrink, and one that deletes
 * files shrinks and has none reclaimed. What goes while its own limits are run into, no neighbour
 * took; nor what its own law or cap takes, whoever asked for a threshold of stolen beside them.
 */

#include "control/distress.h"

#include <string.h>

static uint64_t trigger_window(const DistressConfig *config)
{
    return min_u64(config->window_usec, DISTRESS_TRIGGER_USEC);
}

static uint64_t stall_of(const DistressConfig *config)
{
    return config->window_usec * config->memory_pressure / 1000000;
}

/* The corner cases of counters, all in one place: nothing to compare with, or a clock or a counter
 * that went backwards. A look without PSI says nothing of its counter. */
static bool history_is_broken(const DistressState *state, const DistressPoint *now)
{
    if (state->n_points == 0)
        return true;

    const DistressPoint *last = &state->points[state->n_points - 1];
    return now->at_usec < last->at_usec || now->refaults < last->refaults ||
           now->major_faults < last->major_faults || now->taken < last->taken ||
           now->limit_events < last->limit_events ||
           (now->has_io_psi && last->has_io_psi && now->io_some_usec < last->io_some_usec) ||
           (now->has_psi && last->has_psi && now->memory_some_usec < last->memory_some_usec);
}

static void drop_oldest(DistressState *state)
{
    state->n_points--;
    memmove(state->points, state->points + 1, state->n_points * sizeof(DistressPoint));
}

/* Keeps the newest point at least a window old, and younger ones, not too close together: an older
 * one to compare with only sees more. */
static void remember(DistressState *state, const DistressPoint *now, uint64_t window_usec)
{
    size_t n = state->n_points;

    if (n >= 2 && state->points[n - 1].at_usec - state->points[n - 2].at_usec <
                      window_usec / DISTRESS_SPACING)
        state->n_points--;
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

static DistressReason worse(DistressReason a, DistressReason b)
{
    return b == DISTRESS_NONE || (a != DISTRESS_NONE && a < b) ? a : b;
}

/* A part per million of time is a microsecond per second. */
static DistressReason damage(const DistressConfig *config, const DistressPoint *then,
                             const DistressPoint *now)
{
    uint64_t elapsed = now->at_usec - then->at_usec, window = config->window_usec;

    if (then->has_psi && now->has_psi &&
        reaches(now->memory_some_usec - then->memory_some_usec, config->memory_pressure, window,
                elapsed))
        return DISTRESS_MEMORY_PRESSURE;
    if (reaches(now->refaults - then->refaults, config->refaults, window, elapsed))
        return DISTRESS_REFAULTS;
    if (reaches(now->major_faults - then->major_faults, config->major_faults, window, elapsed))
        return DISTRESS_MAJOR_FAULTS;
    if (then->has_io_psi && now->has_io_psi &&
        reaches(now->io_some_usec - then->io_some_usec, config->io_pressure, window, elapsed))
        return DISTRESS_IO_PRESSURE;
    return DISTRESS_NONE;
}

static bool is_stolen_from(const DistressConfig *config, const DistressPoint *then,
                           const DistressPoint *now)
{
    uint64_t stolen = min_u64(now->stolen - then->stolen, sub_u64(then->file, now->file));
    uint64_t share = max_u64(then->file / DISTRESS_STOLEN_SHARE, DISTRESS_STOLEN_LEAST);

    return config->stolen != DISTRESS_NEVER &&
           reaches(stolen, min_u64(config->stolen, share), DISTRESS_STOLEN_USEC,
                   now->at_usec - then->at_usec);
}

/* What was stolen between two looks. Summed up, and not only compared over the whole span, where a
 * stream and then a deleted file would look like it. */
static uint64_t stolen_since(DistressState *state, const DistressConfig *config,
                             const DistressPoint *now)
{
    const DistressPoint *last = &state->points[state->n_points - 1];
    uint64_t taken = now->taken - last->taken, own = min_u64(state->own, taken);

    state->own = state->own_goes_on ? state->own - own : 0;
    if (config->stolen == DISTRESS_NEVER || now->limit_events != last->limit_events)
        return 0;
    return min_u64(taken - own, sub_u64(sub_u64(last->file, now->file), own));
}

/* It is the threshold, but where that is more than its window. */
static bool trigger_counts(const DistressConfig *config)
{
    return stall_of(config) <= trigger_window(config);
}

/* What it tells of reached back to its window, and no look sees all of that; but some of it they
 * do. Without, it fires for nothing: some kernels' first event does. */
static bool trigger_is_true(const DistressConfig *config, const DistressPoint *points, size_t n)
{
    const DistressPoint *then = &points[0], *now = &points[n - 1];

    return then->has_psi && now->has_psi &&
           now->memory_some_usec - then->memory_some_usec >= max_u64(stall_of(config) / 4, 1);
}

/* The last point is the newest. */
static DistressReason judge(const DistressConfig *config, const DistressPoint *points, size_t n)
{
    const DistressPoint *now = &points[n - 1];
    DistressReason reason = DISTRESS_NONE;

    for (size_t i = 0; i < n - 1 && i < 2; i++)
        reason = worse(reason, damage(config, &points[i], now));
    for (size_t i = 0; i < n - 1 && reason == DISTRESS_NONE; i++)
        if (is_stolen_from(config, &points[i], now))
            reason = DISTRESS_STOLEN;
    return reason;
}

DistressReason distress_update(DistressState *state, const DistressConfig *config,
                               const Sample *sample)
{
    DistressPoint now = {
        .at_usec = sample->at_usec,
        .has_psi = sample->memory_psi.valid,
        .memory_some_usec = sample->memory_psi.some_usec,
        .has_io_psi = sample->io_psi.valid,
        .io_some_usec = sample->io_psi.some_usec,
        .refaults = sample->refault_file,
        .major_faults = sample->pgmajfault,
        .taken = mul_u64(sample->pgsteal, sample->page),
        .file = sample->file,
        .limit_events = add_u64(sample->events_high, sample->events_max),
    };

    if (history_is_broken(state, &now)) {
        *state = (DistressState){ .points = { now }, .n_points = 1 };
        return state->reason;
    }

    bool fired = state->fired && now.has_psi && trigger_counts(config);
    state->fired = false;
    state->page = sample->page;
    const DistressPoint *last = &state->points[state->n_points - 1];
    uint64_t stolen = stolen_since(state, config, &now);
    now.stolen = last->stolen + stolen;
    state->lacks = add_u64(sub_u64(state->lacks, sub_u64(now.file, last->file)), stolen);
    remember(state, &now, config->window_usec);
    fired = fired && trigger_is_true(config, state->points, state->n_points);
    DistressReason reason = fired ? DISTRESS_MEMORY_PRESSURE
                                  : judge(config, state->points, state->n_points);
    if (reason != DISTRESS_NONE) {
        state->reason = reason;
        state->last_bad_usec = now.at_usec;
    } else if (now.at_usec - state->last_bad_usec >= DISTRESS_CALM_USEC) {
        state->reason = DISTRESS_NONE;
    }
    return state->reason;
}

void distress_note_trigger(DistressState *state)
{
    state->fired = true;
}

void distress_note_own(DistressState *state, uint64_t asked, bool goes_on)
{
    state->own = add_u64(state->own, asked);
    state->own_goes_on = goes_on;
}

DistressTrigger distress_trigger(const DistressConfig *config)
{
    uint64_t window = trigger_window(config), stall = stall_of(config);

    return (DistressTrigger){ .stall_usec = min_u64(stall, window), .window_usec = window };
}

uint64_t distress_stolen(const DistressState *state)
{
    return state->n_points > 0 ? state->points[state->n_points - 1].stolen : 0;
}

uint64_t distress_lacks(const DistressState *state)
{
    return state->lacks;
}

bool distress_meets_limit(const DistressState *state)
{
    return state->n_points > 0 &&
           state->points[state->n_points - 1].limit_events > state->points[0].limit_events;
}

/* Within the last second, or a little more. */
bool distress_recovers(const DistressState *state)
{
    size_t n = state->n_points, i = n;

    if (n == 0 || (state->reason != DISTRESS_REFAULTS && state->reason != DISTRESS_MAJOR_FAULTS))
        return false;
    const DistressPoint *now = &state->points[n - 1], *then = NULL;
    while (i-- > 0 && !then)
        if (now->at_usec - state->points[i].at_usec >= USEC_PER_SEC)
            then = &state->points[i];
    return then &&
           (now->taken - then->taken) * 2 <= mul_u64(now->refaults - then->refaults, state->page);
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
    case DISTRESS_MAJOR_FAULTS:
        return "major faults";
    case DISTRESS_IO_PRESSURE:
        return "I/O pressure";
    case DISTRESS_STOLEN:
        return "stolen pages";
    }
    return NULL;
}
