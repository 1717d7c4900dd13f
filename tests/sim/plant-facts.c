/* SPDX-License-Identifier: MIT */
/* The plant against what was measured on Linux 6.12 with MGLRU: where it loses pages that the
 * kernel keeps, or the other way round, the laws would be judged by a fairy tale. */
#include <math.h>
#include <stdio.h>

#include "sim/plant.h"
#include "unit/test.h"
#include "util/cleanup.h"

#define MB        1048576.0
#define FILE_SIZE (256 * MB)

/* 1 GiB; a service reads single random pages of a file that was read twice, and beside it files are
 * streamed for 40 s. What is left of the file, MB. */
static double washed(double reads_a_second, double neighbours_high)
{
    Unit units[2];
    Host host = { .size = 1024 * MB, .units = units, .n_units = 2 };

    unit_init(&units[0], 4 * MB);
    units[0].anon = units[0].anon_want = 120 * MB; /* and what else runs there */
    pages_set(&units[0].pages[0], FILE_SIZE, reads_a_second * 4096 / FILE_SIZE, FILE_SIZE,
              AGES / 2);
    unit_init(&units[1], 4 * MB);
    units[1].stream_rate = 140 * MB;
    unit_set_high(&units[1], neighbours_high);
    while (host.now < 40)
        host_step(&host);
    return pages_resident(&units[0].pages[0]) / MB;
}

static void a_neighbour_washes_out_what_is_read_now_and_then(void **state)
{
    double at_50 = washed(50, INFINITY), at_1000 = washed(1000, INFINITY);
    double at_4000 = washed(4000, INFINITY), limited = washed(50, 64 * MB);

    printf("of 256 MB left: %.0f at 50/s, %.0f at 1000/s, %.0f at 4000/s; %.0f beside a neighbour "
           "with memory.high=64M\n",
           at_50, at_1000, at_4000, limited);
    /* Measured: 10 to 67, 169, 255; 256. */
    assert_true(at_50 < 70);
    assert_true(at_1000 > 110 && at_1000 < 215);
    assert_true(at_4000 > 220);
    assert_true(limited > 255);
}

static Host alone(Unit *unit)
{
    unit_init(unit, 4 * MB);
    return (Host){ .size = INFINITY, .units = unit, .n_units = 1 };
}

static void reclaim_costs_nothing_until_the_pages_are_wanted(void **state)
{
    Unit unit;
    Host host = alone(&unit);

    pages_set(&unit.pages[0], 100 * MB, 0.01, 100 * MB, AGES);
    pages_set(&unit.pages[1], 400 * MB, 0, 400 * MB, AGES);
    assert_true(unit_reclaim(&unit, 250 * MB) > 249 * MB);
    assert_true(unit.memory_some < 1e-9 && unit.refaults < 1);
    for (unsigned i = 0; i < 100; i++)
        host_step(&host);
    assert_true(unit.refaults > 100);
    assert_true(unit.memory_some > 0.01 && unit.io_some > 0.01);
    assert_true(unit.taken / unit.scanned > 0.5);
}

static void a_limit_below_what_cannot_be_reclaimed_stalls(void **state)
{
    Unit unit;
    Host host = alone(&unit);

    unit.anon = unit.anon_want = 100 * MB;
    unit.anon_rate = 1000 * MB;
    unit_set_high(&unit, 110 * MB);
    unit.anon_want += 271 * MB;
    double before = unit.memory_full;
    while (host.now < 10)
        host_step(&host);
    printf("a burst of 271 MB under a limit: %.1f of 10 s stalled, %.0f MB had\n",
           unit.memory_full - before, unit.anon / MB - 100);
    assert_true(unit.memory_full - before > 9);
    assert_true(unit.anon < 200 * MB);
    /* Letting go ends it at once. */
    unit_set_high(&unit, INFINITY);
    before = unit.memory_full;
    while (host.now < 11)
        host_step(&host);
    assert_true(unit.memory_full - before < 0.01);
    assert_true(unit.anon > 370 * MB);
}

static void averages_lag(void **state)
{
    Unit unit;
    Host host = alone(&unit);

    pages_set(&unit.pages[0], 8000 * MB, 1, 0, 0);
    unit.pages[0].shadow = 8000 * MB;
    while (host.now < 1.9)
        host_step(&host);
    Sample sample = unit_sample(&unit, host.now);
    assert_true(sample.memory_psi.some_usec > 1000000);
    assert_true(sample.memory_psi.some_avg10 < 1);
    while (host.now < 6.2)
        host_step(&host);
    sample = unit_sample(&unit, host.now);
    assert_true(sample.memory_psi.some_avg10 > 25 && sample.memory_psi.some_avg10 < 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_neighbour_washes_out_what_is_read_now_and_then),
        cmocka_unit_test(reclaim_costs_nothing_until_the_pages_are_wanted),
        cmocka_unit_test(a_limit_below_what_cannot_be_reclaimed_stalls),
        cmocka_unit_test(averages_lag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
