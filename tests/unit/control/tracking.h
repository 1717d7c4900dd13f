/* SPDX-License-Identifier: MIT */
#pragma once

/* A unit under `track` that is looked at once a second, and whatever is asked for is taken. */

#include "control/track.h"
#include "unit/test.h"

#define AT0 (1000 * USEC_PER_SEC)

static const LimitConfig usual = {
    .mode = LIMIT_TRACK,
    .max = LIMIT_NONE,
    .pressure = LIMIT_PRESSURE_DEFAULT,
};
static const LimitContext nothing = { 0 };

/* 100 MiB of anonymous memory and 900 of cache, most of it inactive. */
static inline Sample unit(void)
{
    return (Sample){
        .at_usec = AT0,
        .page = 4096,
        .current = 1000 * MIB,
        .high = LIMIT_NONE,
        .max = LIMIT_NONE,
        .anon = 100 * MIB,
        .inactive_anon = 100 * MIB,
        .file = 900 * MIB,
        .active_file = 100 * MIB,
        .inactive_file = 800 * MIB,
        .memory_psi.valid = true,
        .io_psi.valid = true,
    };
}

/* Time passes, and what was asked for is taken. */
static inline LimitDecision look(TrackState *state, const LimitConfig *config,
                                 const LimitContext *context, Sample *sample, uint64_t msec)
{
    sample->at_usec += msec * USEC_PER_MSEC;
    LimitDecision d = track_decide(state, config, context, sample);
    uint64_t taken = min_u64(d.reclaim, sample->inactive_file);

    sample->inactive_file -= taken;
    sample->file -= taken;
    sample->current -= taken;
    sample->pgsteal += taken / 4096;
    sample->pgscan += taken / 4096;
    return d;
}

static inline LimitDecision usual_look(TrackState *state, Sample *sample)
{
    return look(state, &usual, &nothing, sample, 1000);
}

/* Until a limit is in force. */
static inline LimitDecision until_limited(TrackState *state, Sample *sample)
{
    LimitDecision d = { .want = LIMIT_NONE };

    for (unsigned i = 0; i < 20 && d.want == LIMIT_NONE; i++)
        d = usual_look(state, sample);
    assert_true(d.want != LIMIT_NONE);
    return d;
}

static inline void stall(Sample *sample)
{
    sample->memory_psi.some_usec += 60 * USEC_PER_MSEC;
    sample->memory_psi.full_usec += 60 * USEC_PER_MSEC;
    sample->events_high += 3;
}
