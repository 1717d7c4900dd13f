/* SPDX-License-Identifier: MIT */
/* Each law does what its own actuator does: senpai and oomd's first mode write memory.high below
 * the use, which reclaims within the write; oomd's second mode writes memory.reclaim alone. */
#include "sim/laws.h"

#include <math.h>

#include "control/floor.h"

#define INTERVAL 1.0

static LimitDecision ours(LawState *state, const Sample *sample, const Unit *unit)
{
    const LimitContext context = {
        .swap_free = (uint64_t)(unit->swap - unit->pages[ANON].shadow),
        .slow_disk = disk_is_slow(&state->disk, sample),
    };

    return limit_decide(&state->ours, &state->config, &context, sample);
}

/* senpai.py: 10 ms of stall in 6 s; up by the square of the surplus at once, down by no more than
 * 1 % at the end of each grace of 6 ticks. */
static LimitDecision senpai_with(LawState *state, const Sample *sample, uint64_t floor)
{
    const double target = 10000;
    uint64_t grown = sample->memory_psi.some_usec - state->total_usec;

    state->total_usec = sample->memory_psi.some_usec;
    if (state->limit == 0) { /* begins at the use */
        state->limit = sample->current;
        state->grace = 6;
        return (LimitDecision){ .want = state->limit };
    }
    state->integral += grown;
    double surplus = (double)state->integral / target, limit = (double)state->limit;
    if (surplus > 1) {
        limit += limit * fmin(pow(surplus / 20, 2), 1);
    } else if (--state->grace == 0) {
        double slack = target / fmax((double)state->integral, 1) / 10;
        limit -= limit * fmin(slack * slack * 0.01, 0.01);
    } else {
        return (LimitDecision){ .want = state->limit };
    }
    state->integral = 0;
    state->grace = 6;
    state->limit = max_u64((uint64_t)limit, floor);
    return (LimitDecision){ .want = state->limit };
}

static LimitDecision senpai(LawState *state, const Sample *sample, const Unit *unit)
{
    return senpai_with(state, sample, 0);
}

/* oomd: limit_min_bytes is 100 MiB, and there is no swap here. */
static uint64_t oomd_floor(const Sample *sample)
{
    uint64_t file = sample->active_file + sample->inactive_file;

    return max_u64(sample->min, 100 * MIB + sub_u64(sample->current, file));
}

static LimitDecision oomd(LawState *state, const Sample *sample, const Unit *unit)
{
    return senpai_with(state, sample, oomd_floor(sample));
}

/* Every 6 s 1 % of what is above the floor, while the averages of memory and of I/O are under 0.1
 * %. */
static LimitDecision oomd_reclaim(LawState *state, const Sample *sample, const Unit *unit)
{
    LimitDecision decision = { .want = LIMIT_NONE };
    double now = (double)sample->at_usec / 1e6;

    if (now - state->looked < 6)
        return decision;
    state->looked = now;
    if (fmax(unit->some.avg10, unit->some.avg60) < 0.1 &&
        fmax(unit->io.avg10, unit->io.avg60) < 0.1)
        decision.reclaim = sub_u64(sample->current, oomd_floor(sample)) / 100;
    return decision;
}

/* What somebody who knows the working set of the beginning would write into the unit. */
static LimitDecision fixed(LawState *state, const Sample *sample, const Unit *unit)
{
    if (state->limit == 0) {
        double set = unit_fixed(unit) + unit->pages[0].size + unit->pages[1].size;
        state->limit = (uint64_t)(set * 1.1);
    }
    return (LimitDecision){ .want = state->limit };
}

static LimitDecision none(LawState *state, const Sample *sample, const Unit *unit)
{
    return (LimitDecision){ .want = LIMIT_NONE };
}

const Law law_none = { "no limit", false, none };
const Law law_ours = { "pagewarden, track", true, ours };
const Law law_senpai = { "senpai.py", false, senpai };
const Law law_oomd = { "oomd Senpai, memory.high", false, oomd };
const Law law_oomd_reclaim = { "oomd Senpai, memory.reclaim", false, oomd_reclaim };
const Law law_static = { "static, 1.1 × the first working set", false, fixed };

LawRun law_run_new(const Law *law, const LimitConfig *config)
{
    return (LawRun){ .law = law, .state.config = *config, .want = LIMIT_NONE };
}

/* As the kernel does it: an event when the stall within a window reaches the threshold, one a
 * window. */
static bool trigger_fires(LawRun *run, const Unit *unit, double now)
{
    const double window = (double)TRACK_WINDOW_USEC / 1e6, stall = (double)TRACK_STALL_USEC / 1e6;

    if (!run->law->uses_trigger || !unit->has_psi || isinf(unit->high))
        return false;
    if (now - run->window >= window) {
        run->window = now;
        run->stall = unit->memory_some;
        run->armed = true;
    }
    if (!run->armed || unit->memory_some - run->stall < stall)
        return false;
    run->armed = false;
    return true;
}

/* As decision.h asks for it; the others write what they want whatever is in use. */
static void apply(LawRun *run, Unit *unit, const LimitDecision *decision)
{
    double high = decision->want == LIMIT_NONE ? INFINITY : (double)decision->want;
    bool changes = decision->want != run->want;

    run->want = decision->want;
    if (changes && isinf(high))
        unit_set_high(unit, high);
    if (decision->reclaim > 0 && run->state.config.reclaim == LIMIT_RECLAIM_ALL)
        (void)unit_reclaim_all(unit, (double)decision->reclaim);
    else if (decision->reclaim > 0)
        (void)unit_reclaim(unit, (double)decision->reclaim);
    if (changes && !isinf(high))
        unit_set_high(unit, run->law == &law_ours ? fmax(high, unit_use(unit)) : high);
}

bool law_run_step(LawRun *run, Host *host, LimitDecision *ret)
{
    Unit *unit = &host->units[0];

    host_step(host);
    if (!trigger_fires(run, unit, host->now) && host->now < run->next)
        return false;
    Sample sample = unit_sample(unit, host->now);
    *ret = run->law->look(&run->state, &sample, unit);
    run->next = host->now + INTERVAL;
    if (ret->next_usec > sample.at_usec)
        run->next = fmin(run->next, host->now + (double)(ret->next_usec - sample.at_usec) / 1e6);
    apply(run, unit, ret);
    return true;
}
