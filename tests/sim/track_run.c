/* SPDX-License-Identifier: MIT */
#include "sim/track_run.h"

#include <inttypes.h>

#include "control/floor.h"
#include "unit/test.h"

const LimitConfig track_config = {
    .mode = LIMIT_TRACK,
    .max = LIMIT_NONE,
    .pressure = LIMIT_PRESSURE_DEFAULT,
};

void track_run_init(TrackRun *run, const Law *law, const LimitConfig *config, uint64_t number,
                    ScenarioKind kind)
{
    *run = (TrackRun){ .scenario = scenario_new(number, kind), .high = INFINITY };
    run->units[0] = run->scenario.unit;
    run->host = (Host){ .size = INFINITY, .units = run->units, .n_units = 1 };
    run->law = law_run_new(law, config);
}

static void count_turn(TrackRun *run)
{
    double high = run->units[0].high;
    int direction = (high > run->high) - (high < run->high);

    if (direction * run->direction < 0) {
        unsigned within = 1;
        for (unsigned i = 1; i < TRACK_TURNS && i <= run->turns; i++)
            within += run->host.now - run->turned[(run->turns - i) % TRACK_TURNS] < 60;
        run->turned[run->turns++ % TRACK_TURNS] = run->host.now;
        run->most_turns = within > run->most_turns ? within : run->most_turns;
    }
    if (direction != 0)
        run->direction = direction;
    run->high = high;
}

/* What may be swapped out is not in the floor. */
static uint64_t floor_of(const TrackRun *run, const Sample *sample)
{
    bool swaps = run->law.state.config.reclaim == LIMIT_RECLAIM_ALL;
    uint64_t room = (uint64_t)run->units[0].swap - sample->swap_current;

    uint64_t floor = sub_u64(limit_floor(sample, 0),
                             swaps ? min_u64(sample->inactive_anon, room) : 0);

    return max_u64(floor, max_u64(sample->min, run->law.state.config.min));
}

static void judge(const TrackRun *run, const LimitDecision *d)
{
    const Unit *unit = &run->units[0];
    Sample sample = unit_sample(unit, run->host.now);
    bool limited = d->want != LIMIT_NONE;

    /* The decision was taken before anything was reclaimed: that lowers no floor, but of what was
     * swapped out. */
    uint64_t swapped = run->law.state.config.reclaim == LIMIT_RECLAIM_ALL ? d->reclaim : 0;
    if (limited && add_u64(d->want, swapped) < floor_of(run, &sample))
        fail_msg("plant %" PRIu64 ", %.2f s: %" PRIu64 " is below the floor (%s)",
                 run->scenario.number, run->host.now, d->want, limit_reason_to_string(d->reason));
    if (!unit->has_psi && (limited || d->reclaim > 0))
        fail_msg("plant %" PRIu64 ": tightened without PSI", run->scenario.number);
}

void track_run_until(TrackRun *run, double seconds)
{
    LimitDecision decision;

    while (run->host.now < seconds) {
        scenario_step(&run->scenario, &run->units[0], run->host.now);
        if (!law_run_step(&run->law, &run->host, &decision))
            continue;
        if (run->law.law == &law_ours)
            judge(run, &decision);
        count_turn(run);
        run->full = fmax(run->full, run->units[0].full.avg10);
        run->looks++;
        run->tightened += decision.reclaim > 0;
        run->let_go += decision.reason == LIMIT_REASON_STALL;
    }
}
