/* SPDX-License-Identifier: MIT */
/* The cap on the page cache in a closed loop: units that stream, units with a working set below or
 * above the cap, and a thousand that are made of dice. */
#include "sim/cap_run.h"
#include "unit/test.h"
#include "util/cleanup.h"

#define SECONDS 120
#define PLANTS  1000

/* A stream beside a small working set: the cache stays between the marks, but for what comes in
 * between two looks, and the working set stays where it is. */
static void a_steady_reader(void **state)
{
    CapRun run;

    cap_run_init(&run, 64e6);
    pages_set(&run.unit.pages[0], 20e6, 2, 20e6, 0);
    run.unit.stream_rate = 50e6;
    cap_run_for(&run, SECONDS);
    printf("steady reader: %.1f to %.1f MB, %u times, %.0f refaults\n", run.lowest / 1e6,
           run.highest / 1e6, run.trims, run.refaults);
    assert_int_equal(run.given_up, 0);
    /* The first second passes before anybody knows of it. */
    run.highest = 0;
    cap_run_for(&run, SECONDS);
    assert_true(run.highest <= 64e6 + 2 * 50e6 * STEP);
    assert_true(run.lowest >= 0.9 * 64e6 - 1e6);
    assert_int_equal(run.given_up, 0);
    /* From mark to mark, and no sooner. */
    assert_true(run.trims <= 2 * SECONDS * 50e6 / 6.4e6);
}

/* The disk does not keep up with what it writes, and it reads what it does not need again: that
 * goes all the same. */
static void a_writer(void **state)
{
    CapRun run;

    cap_run_init(&run, 64e6);
    run.dirty = 1e9;
    run.unit.stream_rate = 100e6;
    cap_run_for(&run, 1);
    run.highest = 0;
    cap_run_for(&run, 300);
    printf("writer: %.1f MB that is clean, %u times\n", run.highest / 1e6, run.trims);
    assert_int_equal(run.given_up, 0);
    assert_true(run.highest <= 64e6);
}

/* It rests where it is: a working set below the cap is not touched. */
static void below_the_cap(void **state)
{
    CapRun run;

    cap_run_init(&run, 64e6);
    pages_set(&run.unit.pages[0], 60e6, 1, 60e6, 0);
    cap_run_for(&run, SECONDS);
    assert_int_equal(run.trims, 0);
    assert_int_equal(run.given_up, 0);
}

/* What is no longer read goes once, and that was it. */
static void what_is_no_longer_read(void **state)
{
    CapRun run;

    cap_run_init(&run, 64e6);
    pages_set(&run.unit.pages[0], 30e6, 2, 30e6, 0);
    pages_set(&run.unit.pages[1], 400e6, 0, 400e6, AGES);
    cap_run_for(&run, SECONDS);
    assert_int_equal(run.trims, 1);
    assert_int_equal(run.given_up, 0);
    assert_true(unit_file(&run.unit) <= 64e6 && unit_file(&run.unit) >= 50e6);
}

/* Hot, and twice as large as the cap. */
static void above_the_cap(void **state)
{
    CapRun run;

    cap_run_init(&run, 64e6);
    pages_set(&run.unit.pages[0], 128e6, 1, 128e6, 0);
    cap_run_for(&run, 10);
    assert_int_equal(run.given_up, 1);
    cap_run_for(&run, 600);
    printf("hot set above the cap: given up %u times, %.0f of 610 s, %.1f s stalled in between\n",
           run.given_up, run.given_up_seconds, run.stalled);
    assert_in_range(run.given_up, 4, 6);
    assert_true(run.given_up_seconds > 0.9 * 610);
    /* And when it has shrunk, the cap is kept. */
    pages_set(&run.unit.pages[0], 30e6, 1, 30e6, 0);
    cap_run_for(&run, 1000);
    assert_true(run.last.reason == CAP_UNDER);
}

/* Read so rarely that nobody notices: the cap is kept, and brings what it should. */
static void cold_above_the_cap(void **state)
{
    CapRun run;

    cap_run_init(&run, 64e6);
    pages_set(&run.unit.pages[0], 128e6, 0.001, 128e6, 0);
    cap_run_for(&run, 600);
    assert_int_equal(run.given_up, 0);
    assert_true(unit_file(&run.unit) <= 65e6);
}

typedef struct Totals {
    double stalled_worst;
    unsigned kept, given_up;
} Totals;

static void random_plant(unsigned i, Totals *totals)
{
    Dice dice = dice_new(i);
    CapRun run;

    double cap = dice_spread(&dice, 16e6, 4e9);
    cap_run_init(&run, cap);
    pages_set(&run.unit.pages[0], dice_spread(&dice, 1e6, 4e9), dice_spread(&dice, 0.1, 10), 0, 0);
    if (dice_chance(&dice, 0.5))
        pages_set(&run.unit.pages[1], dice_spread(&dice, 1e6, 4e9), dice_spread(&dice, 1e-4, 0.1),
                  0, 0);
    if (dice_chance(&dice, 0.3))
        run.unit.stream_rate = dice_spread(&dice, 1e6, 500e6);
    run.unit.tasks = dice_between(&dice, 1, 16);
    run.unit.read_latency = dice_spread(&dice, 50e-6, 500e-6);
    cap_run_for(&run, SECONDS);
    double slack = 1.1 * (run.unit.stream_rate + run.unit.tasks / run.unit.read_latency * 4096);
    if (run.trims > 0 && run.highest > cap + slack)
        fail_msg("plant %u: %.1f MB of cache, and a cap of %.1f", i, run.highest / 1e6, cap / 1e6);
    double stalled = run.stalled / SECONDS;
    totals->stalled_worst = fmax(totals->stalled_worst, stalled);
    totals->given_up += run.given_up > 0;
    totals->kept += run.trims > 0 && run.given_up == 0;
    if (stalled > 0.06)
        fail_msg("plant %u: stalled for %.1f %% of the time", i, stalled * 100);
}

static void many_units(void **state)
{
    Totals totals = { 0 };

    for (unsigned i = 0; i < PLANTS; i++)
        random_plant(i, &totals);
    printf("%u caps kept, %u given up, the worst unit stalled for %.1f %% of the time\n",
           totals.kept, totals.given_up, totals.stalled_worst * 100);
    assert_true(totals.kept > PLANTS / 10);
    assert_true(totals.given_up > PLANTS / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_reader), cmocka_unit_test(a_writer),
        cmocka_unit_test(below_the_cap),   cmocka_unit_test(what_is_no_longer_read),
        cmocka_unit_test(above_the_cap),   cmocka_unit_test(cold_above_the_cap),
        cmocka_unit_test(many_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
