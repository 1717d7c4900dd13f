/* SPDX-License-Identifier: MIT */
/* `track` where there is more than a working set: with swap, on a slow disk, and beside a neighbour
 * below the same limit. */
#include <inttypes.h>
#include <limits.h>

#include "sim/track_run.h"
#include "unit/test.h"
#include "util/cleanup.h"

#define PLANTS (TRACK_PLANTS / 10)

/* Anonymous memory, a part of it idle, and swap for some of that. */
static void add_swap(TrackRun *run, double swap)
{
    Unit *unit = &run->units[0];
    double idle = dice_between(&run->scenario.dice, 0.2, 1) * unit->pages[0].size;

    pages_set(&unit->pages[ANON], idle, 0, idle, 0);
    unit->swap = swap;
}

static void idle_memory_is_swapped_out_where_the_policy_says_so(void **state)
{
    LimitConfig config = track_config;
    unsigned missed = 0;
    double swapped = 0, idle = 0, stalled = 0;

    config.reclaim = LIMIT_RECLAIM_ALL;
    for (uint64_t number = 1; number <= PLANTS; number++) {
        TrackRun run;

        track_run_init(&run, &law_ours, &config, number, STEADY);
        add_swap(&run, 1e12);
        track_run_until(&run, 90);
        missed += !scenario_has_converged(&run.units[0]);
        swapped += run.units[0].pages[ANON].shadow;
        idle += run.units[0].pages[ANON].size;
        stalled += run.units[0].memory_some / run.host.now / PLANTS;
    }
    printf("%d plants with swap: %.0f %% of what is idle swapped out, stalled for %.2f %%; %u are "
           "not within 10 %% of what they need after 90 s\n",
           PLANTS, 100 * swapped / idle, 100 * stalled, missed);
    assert_int_equal(missed, 0);
    assert_true(stalled < 0.01);
}

static void swap_is_left_alone_where_it_does_not(void **state)
{
    for (uint64_t number = 1; number <= PLANTS; number++) {
        TrackRun run;

        track_run_init(&run, &law_ours, &track_config, number, STEADY);
        add_swap(&run, 1e12);
        track_run_until(&run, 60);
        /* The limit takes no pages in the ordinary course of things. */
        assert_true(run.units[0].pages[ANON].shadow <= 0.01 * run.units[0].pages[ANON].size);
    }
}

static void swap_that_is_full_stalls_nobody(void **state)
{
    LimitConfig config = track_config;
    double worst = 0;

    config.reclaim = LIMIT_RECLAIM_ALL;
    for (uint64_t number = 1; number <= PLANTS; number++) {
        TrackRun run;

        track_run_init(&run, &law_ours, &config, number, LIVELY);
        add_swap(&run, 20 * MB);
        track_run_until(&run, scenario_seconds(&run.scenario));
        worst = fmax(worst, run.units[0].memory_some / run.host.now);
    }
    printf("%d plants with 20 MB of swap: the worst is stalled for %.1f %% of the time\n", PLANTS,
           100 * worst);
    assert_true(worst < 0.15);
}

/* As a spinning disk: what it costs to find that out is bounded, and then it ends. */
static void a_slow_disk_is_found_out(void **state)
{
    unsigned found = 0, limited = 0;
    double worst = 0;

    for (uint64_t number = 1; number <= PLANTS; number++) {
        TrackRun run;

        track_run_init(&run, &law_ours, &track_config, number, STEADY);
        run.units[0].read_latency = 8e-3;
        track_run_until(&run, 60);
        bool slow = run.law.state.disk.slow.until_usec > 0;
        found += slow;
        limited += slow && !isinf(run.units[0].high);
        worst = fmax(worst, run.units[0].memory_some);
    }
    printf("%d plants on a slow disk: %u found it out, the worst stalled for %.1f s\n", PLANTS,
           found, worst);
    assert_true(found > PLANTS / 2);
    assert_int_equal(limited, 0);
    assert_true(worst < 30);
}

/* Much is scanned for each page that is had: then little is asked for, but not nothing; and once
 * that is over it converges. */
static void what_is_scanned_in_vain_is_left_alone(void **state)
{
    unsigned plants = PLANTS / 5, missed = 0;
    unsigned most = 0, least = UINT_MAX;

    for (uint64_t number = 1; number <= plants; number++) {
        TrackRun run;
        Unit *unit = &run.units[0];

        track_run_init(&run, &law_ours, &track_config, number, STEADY);
        unit->in_vain = 20;
        track_run_until(&run, 300);
        most = run.tightened > most ? run.tightened : most;
        least = run.tightened < least ? run.tightened : least;
        unit->in_vain = 0;
        track_run_until(&run, 480);
        missed += !scenario_has_converged(unit);
    }
    printf("%u plants that are scanned in vain: %u to %u times in five minutes; %u did not "
           "converge within three after that\n",
           plants, least, most, missed);
    assert_true(most <= 100 && least >= 10);
    assert_int_equal(missed, 0);
}

/* Memory for what both need, and for a part of the rest. */
static void add_neighbour(TrackRun *run)
{
    Dice *dice = &run->scenario.dice;
    Unit *unit = &run->units[0], *neighbour = &run->units[1];
    double hot = dice_spread(dice, 50, 500) * MB;

    unit_init(neighbour, 4 * MB);
    pages_set(&neighbour->pages[0], hot, 1, hot, 0);
    neighbour->stream_rate = dice_spread(dice, 5, 100) * MB;
    run->host.n_units = 2;
    run->host.size = 1.1 * (scenario_need(unit) + scenario_need(neighbour)) +
                     dice_between(dice, 0, 1) * pages_resident(&unit->pages[2]);
}

static void a_neighbour_is_not_paid_for(void **state)
{
    double ours = 0, none = 0, worst = 0;
    unsigned squeezed = 0;

    for (uint64_t number = 1; number <= PLANTS; number++) {
        TrackRun run, bare;

        track_run_init(&run, &law_ours, &track_config, number, STEADY);
        add_neighbour(&run);
        track_run_until(&run, 100);
        track_run_init(&bare, &law_none, &track_config, number, STEADY);
        add_neighbour(&bare);
        track_run_until(&bare, 100);
        ours += run.units[0].memory_some / 100 / PLANTS;
        none += bare.units[0].memory_some / 100 / PLANTS;
        worst = fmax(worst, (run.units[0].memory_some - bare.units[0].memory_some) / 100);
        squeezed += run.units[0].high < 0.95 * scenario_working_set(&run.units[0]);
    }
    printf("%d plants beside a neighbour: stalled for %.2f %%, without a limit %.2f %%, the worst "
           "%.1f %% more; %u with a limit below the working set\n",
           PLANTS, 100 * ours, 100 * none, 100 * worst, squeezed);
    assert_true(ours < none + 0.01);
    assert_true(worst < 0.1);
    assert_int_equal(squeezed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_memory_is_swapped_out_where_the_policy_says_so),
        cmocka_unit_test(swap_is_left_alone_where_it_does_not),
        cmocka_unit_test(swap_that_is_full_stalls_nobody),
        cmocka_unit_test(a_slow_disk_is_found_out),
        cmocka_unit_test(what_is_scanned_in_vain_is_left_alone),
        cmocka_unit_test(a_neighbour_is_not_paid_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
