/* SPDX-License-Identifier: MIT */
#include "control/yield_watch.h"

#include "unit/test.h"
#include "util/cleanup.h"

static void where_memory_is_short(void **state)
{
    YieldAncestor chain[] = {
        { "/shop.slice/web.slice/web.service", 100 * MIB, 400 * MIB },
        { "/shop.slice/web.slice", 300 * MIB, LIMIT_NONE },
        { "/shop.slice", 900 * MIB, 1000 * MIB },
    };

    assert_string_equal(yield_domain(chain, ELEMENTS(chain)), "/");
    chain[2].current = 990 * MIB;
    assert_string_equal(yield_domain(chain, ELEMENTS(chain)), "/shop.slice");
    chain[0].current = 390 * MIB; /* its own limit: nobody else's memory helps */
    assert_null(yield_domain(chain, ELEMENTS(chain)));
    assert_string_equal(yield_domain(chain, 0), "/");
}

static void it_looks_sooner_while_it_matters(void **state)
{
    YieldWatch watch = { .critical = true,
                         .background = true,
                         .free = GIB,
                         .total = 4 * GIB,
                         .interval_usec = USEC_PER_SEC };

    assert_int_equal(yield_look_usec(&watch), USEC_PER_SEC);
    watch.free = 100 * MIB;
    assert_int_equal(yield_look_usec(&watch), YIELD_LOOK_USEC);
    /* An eighth, or less, is free, though far from the brink. */
    watch.free = 511 * MIB;
    assert_false(yield_is_brink(&watch));
    assert_int_equal(yield_look_usec(&watch), YIELD_LOOK_USEC);
    watch.free = GIB;
    watch.reclaiming = true;
    assert_int_equal(yield_look_usec(&watch), YIELD_LOOK_USEC);
    watch.reclaiming = false;
    /* The brink is at 128 MiB above the mark. */
    watch.low = 384 * MIB;
    assert_false(yield_is_brink(&watch));
    watch.fall = 512 * MIB;
    assert_int_equal(yield_look_usec(&watch), USEC_PER_SEC / 2);
    watch.fall = 0;
    watch.free = 511 * MIB;
    assert_true(yield_is_brink(&watch));
    assert_int_equal(yield_look_usec(&watch), YIELD_LOOK_USEC);
    watch.background = false;
    assert_int_equal(yield_look_usec(&watch), USEC_PER_SEC);
    watch = (YieldWatch){ .background = true, .reclaiming = true, .interval_usec = 5 };
    assert_int_equal(yield_look_usec(&watch), 5);
    watch.critical = true;
    assert_int_equal(yield_look_usec(&watch), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_memory_is_short),
        cmocka_unit_test(it_looks_sooner_while_it_matters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
