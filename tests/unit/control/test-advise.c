/* SPDX-License-Identifier: MIT */
#include "control/advise.h"

#include "unit/test.h"

static void a_look_is_paid_for(void **state)
{
    assert_int_equal(advise_interval(1000000, 0), 1000000);
    assert_int_equal(advise_interval(1000000, 10000), 1000000);
    assert_int_equal(advise_interval(1000000, 20000), 2000000);
    assert_int_equal(advise_interval(0, 30), 3000);
    assert_int_equal(advise_interval(1, UINT64_MAX), UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_look_is_paid_for) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
