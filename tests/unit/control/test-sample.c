/* SPDX-License-Identifier: MIT */
#include "control/sample.h"

#include "unit/test.h"
#include "util/cleanup.h"
#include "util/units.h"

static Sample usual(void)
{
    return (Sample){
        .at_usec = 50 * USEC_PER_SEC,
        .pgscan = 100,
        .pgsteal = 100,
        .pgmajfault = 100,
        .refault_anon = 100,
        .refault_file = 100,
        .events_high = 100,
        .memory_psi = { .valid = true, .some_usec = 100, .full_usec = 100 },
        .io_psi = { .valid = true, .some_usec = 100, .full_usec = 100 },
    };
}

static SampleStep step(const Sample *before, const Sample *now)
{
    const SampleMark mark = sample_mark(before);

    return sample_step(&mark, now);
}

static SampleGrowth growth_of(const Sample *before, const Sample *now)
{
    const SampleMark mark = sample_mark(before);

    return sample_growth(&mark, now);
}

static void the_first_one_begins(void **state)
{
    Sample none = { 0 }, now = usual();

    assert_int_equal(step(&none, &now), SAMPLE_RESET);
}

static void later_or_at_the_same_instant(void **state)
{
    Sample before = usual(), now = usual();

    assert_int_equal(step(&before, &now), SAMPLE_NEXT);
    now.at_usec++;
    assert_int_equal(step(&before, &now), SAMPLE_NEXT);
    now.at_usec -= 2;
    assert_int_equal(step(&before, &now), SAMPLE_STALE);
}

static void any_counter_that_falls_is_another_cgroup(void **state)
{
    static const size_t counters[] = {
        offsetof(Sample, pgscan),           offsetof(Sample, pgsteal),
        offsetof(Sample, refault_anon),     offsetof(Sample, refault_file),
        offsetof(Sample, events_high),      offsetof(Sample, memory_psi.some_usec),
        offsetof(Sample, io_psi.some_usec),
    };

    for (size_t i = 0; i < ELEMENTS(counters); i++) {
        Sample before = usual(), now = usual();

        *(uint64_t *)((char *)&now + counters[i]) = 99;
        assert_int_equal(step(&before, &now), SAMPLE_RESET);
        *(uint64_t *)((char *)&now + counters[i]) = 101;
        assert_int_equal(step(&before, &now), SAMPLE_NEXT);
    }
}

/* Of a unit that has hardly begun they have not fallen yet. */
static void another_cgroup_with_the_same_counters(void **state)
{
    Sample before = usual(), now = usual();

    now.cgroup = before.cgroup + 1;
    assert_int_equal(step(&before, &now), SAMPLE_RESET);
}

static void pressure_that_is_not_known_does_not_count(void **state)
{
    Sample before = usual(), now = usual();

    now.memory_psi = now.io_psi = (PsiTotals){ 0 };
    assert_int_equal(step(&before, &now), SAMPLE_NEXT);
    SampleGrowth growth = growth_of(&before, &now);
    assert_int_equal(growth.memory_some_usec, 0);
    assert_int_equal(growth.io_some_usec, 0);
    assert_int_equal(step(&now, &before), SAMPLE_NEXT);
    assert_int_equal(growth_of(&now, &before).memory_some_usec, 0);
}

static void what_grew(void **state)
{
    Sample before = usual(), now = usual();

    now.at_usec += 7;
    now.pgscan += 1;
    now.pgsteal += 2;
    now.refault_file += 1;
    now.refault_anon += 2;
    now.events_high += 4;
    now.memory_psi.some_usec += 5;
    now.io_psi.some_usec += 8;
    SampleGrowth growth = growth_of(&before, &now);
    assert_int_equal(growth.usec, 7);
    assert_int_equal(growth.scanned, 1);
    assert_int_equal(growth.taken, 2);
    assert_int_equal(growth.refaults, 3);
    assert_int_equal(growth.high_events, 4);
    assert_int_equal(growth.memory_some_usec, 5);
    assert_int_equal(growth.io_some_usec, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_one_begins),
        cmocka_unit_test(later_or_at_the_same_instant),
        cmocka_unit_test(any_counter_that_falls_is_another_cgroup),
        cmocka_unit_test(another_cgroup_with_the_same_counters),
        cmocka_unit_test(pressure_that_is_not_known_does_not_count),
        cmocka_unit_test(what_grew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
