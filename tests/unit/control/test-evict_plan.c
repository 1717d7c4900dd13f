/* SPDX-License-Identifier: MIT */
#include "control/evict_plan.h"

#include "unit/test.h"
#include "util/cleanup.h"

#define IDLE 120

static void verdicts(void **state)
{
    static const struct {
        EvictFacts facts;
        EvictVerdict expected;
    } cases[] = {
        { { .resident = 4096, .idle_usec = IDLE }, EVICT_NOW },
        { { .resident = 1, .idle_usec = IDLE + 1 }, EVICT_NOW },
        { { .resident = 4096, .idle_usec = IDLE - 1 }, EVICT_NOT_IDLE },
        { { .resident = 4096 }, EVICT_NOT_IDLE },
        { { .resident = 0, .idle_usec = IDLE }, EVICT_NOT_RESIDENT },
        { { .resident = 4096, .in_use = true, .idle_usec = IDLE }, EVICT_IN_USE },
        { { .resident = 4096, .pinned = true, .idle_usec = IDLE }, EVICT_PINNED },
        /* The strongest reason is the one that is told. */
        { { .resident = 4096, .pinned = true, .in_use = true }, EVICT_PINNED },
        { { .resident = 0, .pinned = true }, EVICT_PINNED },
        { { .resident = 0, .in_use = true }, EVICT_IN_USE },
        { { .resident = 4096, .in_use = true }, EVICT_IN_USE },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++)
        if (evict_judge(&cases[i].facts, IDLE) != cases[i].expected)
            fail_msg("case %zu: %d", i, (int)evict_judge(&cases[i].facts, IDLE));
}

static void idle_at_once(void **state)
{
    EvictFacts facts = { .resident = 4096 };

    assert_int_equal(evict_judge(&facts, 0), EVICT_NOW);
    facts.in_use = true;
    assert_int_equal(evict_judge(&facts, 0), EVICT_IN_USE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(idle_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
