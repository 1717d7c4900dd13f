/* SPDX-License-Identifier: MIT */
#include "control/trigger.h"

#include "unit/test.h"
#include "util/units.h"

#define STALL  (40 * USEC_PER_MSEC)
#define WINDOW (500 * USEC_PER_MSEC)

static bool look(TriggerCheck *check, Sample *sample, uint64_t msec, uint64_t stalled_msec)
{
    sample->at_usec += msec * USEC_PER_MSEC;
    sample->memory_psi.some_usec += stalled_msec * USEC_PER_MSEC;
    return trigger_is_dead(check, STALL, WINDOW, sample);
}

static Sample begin(TriggerCheck *check)
{
    Sample sample = { .at_usec = 1000, .memory_psi.valid = true };

    *check = (TriggerCheck){ 0 };
    assert_false(look(check, &sample, 1000, 5000));
    return sample;
}

static void one_that_does_not_fire(void **state)
{
    TriggerCheck check;
    Sample sample = begin(&check);

    assert_false(look(&check, &sample, 1000, 300));
    assert_true(look(&check, &sample, 1000, 300));
}

/* Whether all of it was in one window, or how late the event comes, is not known. */
static void one_that_had_little_to_tell(void **state)
{
    TriggerCheck check;
    Sample sample = begin(&check);

    for (unsigned i = 0; i < 100; i++)
        assert_false(look(&check, &sample, 1000, 110));
    assert_false(look(&check, &sample, 1000, 300));
    check.fired = true;
    assert_false(look(&check, &sample, 1000, 300));
    assert_false(look(&check, &sample, 1000, 300));
    assert_true(look(&check, &sample, 1000, 300));
}

static void however_often_it_is_looked(void **state)
{
    TriggerCheck check;
    Sample sample = begin(&check);
    unsigned looks = 0;

    while (!look(&check, &sample, 100, 30))
        looks++;
    assert_in_range(looks, 18, 21);
    /* And seldom. */
    sample = begin(&check);
    assert_false(look(&check, &sample, 60000, 4000));
    assert_false(look(&check, &sample, 60000, 6000));
    assert_true(look(&check, &sample, 60000, 6000));
}

/* Another cgroup, or one without pressure figures. */
static void figures_that_begin_anew(void **state)
{
    TriggerCheck check;
    Sample sample = begin(&check);

    assert_false(look(&check, &sample, 1000, 300));
    sample.memory_psi = (PsiTotals){ 0 };
    assert_false(look(&check, &sample, 1000, 0));
    sample.memory_psi.valid = true;
    assert_false(look(&check, &sample, 1000, 10000));
    sample.memory_psi.some_usec = 0;
    assert_false(look(&check, &sample, 1000, 300));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_does_not_fire),
        cmocka_unit_test(one_that_had_little_to_tell),
        cmocka_unit_test(however_often_it_is_looked),
        cmocka_unit_test(figures_that_begin_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
