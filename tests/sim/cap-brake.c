/* SPDX-License-Identifier: MIT */
/* The brake beside a cap on the page cache: what comes in between two looks stops at it, and what
 * is no page cache does not meet it for long. */
#include "control/cache_brake.h"
#include "sim/cap_run.h"
#include "unit/test.h"
#include "util/cleanup.h"

#define CAP    64e6
#define PLANTS 1000

static void init(CapRun *run, bool brake)
{
    cap_run_init(run, CAP);
    run->brake = brake;
}

/* Bytes that the cache may have: while nothing else grows, no limit is further above. */
static double most(double cap)
{
    return cap + 1.5 * (double)brake_margin((uint64_t)cap);
}

/* Reads now and then, faster than anybody looks. Returns the bytes that it ever had in cache. */
static double bursts_of_reads(CapRun *run, double rate)
{
    double highest = 0;

    for (unsigned i = 0; i < 10; i++) {
        run->unit.stream_rate = rate;
        for (unsigned k = 0; k < 60; k++) {
            cap_run_step(run);
            highest = fmax(highest, i == 0 ? 0 : unit_file(&run->unit));
        }
        run->unit.stream_rate = 0;
        cap_run_for(run, 9.7); /* it begins between two looks */
    }
    return highest;
}

static void a_fast_reader(void **state)
{
    for (double rate = 200e6; rate < 4e9; rate *= 2) {
        CapRun with, without;
        init(&with, true);
        init(&without, false);
        double braked = bursts_of_reads(&with, rate), bare = bursts_of_reads(&without, rate);
        printf("reads of %.0f MB/s: %.1f MB, without a brake %.1f; stalled for %.2f of 30 s\n",
               rate / 1e6, braked / 1e6, bare / 1e6, with.stalled);
        assert_true(braked <= most(CAP));
        assert_true(bare > CAP + rate / 4);
        assert_true(with.stalled < 0.2 * 30);
        assert_int_equal(with.given_up + with.let_go + with.turns, 0);
    }
}

/* The cap is quicker, once it is looked at it: nobody meets the brake. */
static void a_steady_reader(void **state)
{
    CapRun run;

    init(&run, true);
    pages_set(&run.unit.pages[0], 20e6, 2, 20e6, 0);
    run.unit.stream_rate = 200e6;
    cap_run_for(&run, 2);
    double met = run.unit.faults_high;
    cap_run_for(&run, 120);
    assert_false(run.unit.faults_high > met);
    assert_true(run.braked_seconds > 120);
    assert_int_equal(run.turns, 0);
}

/* The disk does not keep up, and its pages are not to be had: who writes does not wait for that. */
static void a_writer(void **state)
{
    CapRun run;

    init(&run, true);
    for (unsigned i = 0; i < 2000; i++) {
        run.dirty = fmin(run.dirty + 0.5e6, 1e9);
        cap_run_step(&run);
        assert_true(isinf(run.unit.high) || run.unit.high >= unit_use(&run.unit) + run.dirty);
    }
    assert_true(isinf(run.unit.high));
}

/* Memory that is no cache comes within a moment, and goes. */
static void bursts_of_the_rest(void **state)
{
    double worst = 0;

    for (double rate = 50e6; rate < 4e9; rate *= 2)
        for (double size = 10e6; size < 4e9; size *= 3) {
            CapRun run;
            init(&run, true);
            run.unit.stream_rate = 20e6;
            run.unit.anon_rate = rate;
            for (unsigned i = 0; i < 10; i++) {
                double before = run.unit.memory_some;
                run.unit.anon_want = 50e6 + size;
                cap_run_for(&run, 40.25);
                worst = fmax(worst, run.unit.memory_some - before);
                run.unit.anon_want = 50e6;
                cap_run_for(&run, 9.6);
            }
            assert_true(run.braked_seconds > 50);
        }
    printf("bursts: stalled for at most %.0f ms\n", worst * 1e3);
    assert_true(worst <= 2 * STEP);
}

/* The brake rises ahead of what grows, in few steps, and comes down behind it. */
static void the_rest_grows(void **state)
{
    for (double rate = 1e6; rate <= 32e6; rate *= 2) {
        CapRun run;
        init(&run, true);
        run.unit.stream_rate = 20e6;
        run.unit.anon_rate = rate;
        run.unit.anon_want = 50e6 + 60 * rate;
        cap_run_for(&run, 60);
        run.unit.anon_want = 50e6;
        cap_run_for(&run, 2 * (double)BRAKE_LOWER_USEC / 1e6);
        assert_false(run.unit.faults_high > 0);
        assert_int_equal(run.let_go, 0);
        assert_true(run.changes < 100);
        assert_true(run.unit.high <= unit_fixed(&run.unit) + most(CAP));
    }
}

/* Hot, and twice as large as the cap: with the cap the brake is given up. */
static void above_the_cap(void **state)
{
    CapRun run;

    init(&run, true);
    pages_set(&run.unit.pages[0], 128e6, 1, 128e6, 0);
    cap_run_for(&run, 610);
    assert_in_range(run.given_up, 4, 6);
    assert_true(run.braked_seconds < 30);
    assert_true(run.stalled < 2);
}

typedef struct Totals {
    double braked, stalled_worst;
    double above, above_bare; /* times the cap that the cache was above it, at the worst */
    unsigned met, let_go;
} Totals;

static void roll_unit(CapRun *run, Dice *dice)
{
    Unit *unit = &run->unit;

    cap_run_init(run, dice_spread(dice, 16e6, 4e9));
    pages_set(&unit->pages[0], dice_spread(dice, 1e6, 4e9), dice_spread(dice, 0.01, 10), 0, 0);
    unit->tasks = dice_between(dice, 1, 16);
    unit->read_latency = dice_spread(dice, 50e-6, 500e-6);
    unit->anon_rate = dice_spread(dice, 10e6, 2e9);
    unit->min = dice_chance(dice, 0.2) ? dice_spread(dice, 1e6, 4e9) : 0;
    unit->has_psi = !dice_chance(dice, 0.05);
    unit->swap = dice_chance(dice, 0.05) ? 1e9 : 0;
}

static void live(CapRun *run, Dice dice)
{
    double fast = dice_spread(&dice, 10e6, 4e9), large = dice_spread(&dice, 1e6, 2e9);

    for (unsigned i = 0; i < 60; i++) {
        run->unit.stream_rate = dice_chance(&dice, 0.4) ? fast * dice_between(&dice, 0, 1) : 0;
        if (dice_chance(&dice, 0.3))
            run->unit.anon_want = 50e6 + large * dice_between(&dice, 0, 1);
        cap_run_for(run, dice_between(&dice, 0.1, 8));
    }
}

static void random_unit(unsigned i, Totals *totals)
{
    Dice dice = dice_new(i);
    CapRun with, without;

    roll_unit(&with, &dice);
    without = with;
    with.brake = true;
    live(&with, dice);
    live(&without, dice);
    double stalled = with.stalled / with.now, cap = (double)with.context.max;
    if (stalled > 0.06)
        fail_msg("unit %u: stalled for %.1f %% of the time", i, stalled * 100);
    totals->stalled_worst = fmax(totals->stalled_worst, stalled);
    totals->above += fmax(with.highest / cap - 1, 0) / PLANTS;
    totals->above_bare += fmax(without.highest / cap - 1, 0) / PLANTS;
    totals->braked += with.braked_seconds / with.now / PLANTS;
    totals->met += with.unit.faults_high > 0;
    totals->let_go += with.let_go;
}

static void many_units(void **state)
{
    Totals totals = { 0 };

    for (unsigned i = 0; i < PLANTS; i++)
        random_unit(i, &totals);
    printf(
        "braked for %.0f %% of the time, met by %u of %d, let go %u times; up to %.2f of the cap "
        "above it, without a brake %.2f; the worst unit stalled for %.1f %% of the time\n",
        totals.braked * 100, totals.met, PLANTS, totals.let_go, totals.above, totals.above_bare,
        totals.stalled_worst * 100);
    assert_true(totals.braked > 0.3);
    assert_true(totals.met > PLANTS / 4);
    assert_true(totals.let_go > PLANTS / 10);
    assert_true(totals.above < 0.85 * totals.above_bare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fast_reader),  cmocka_unit_test(a_steady_reader),
        cmocka_unit_test(a_writer),       cmocka_unit_test(bursts_of_the_rest),
        cmocka_unit_test(the_rest_grows), cmocka_unit_test(above_the_cap),
        cmocka_unit_test(many_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
