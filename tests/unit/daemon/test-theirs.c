/* SPDX-License-Identifier: MIT */
#include "daemon/theirs.h"

#include <errno.h>
#include <stdio.h>

#include "unit/test.h"
#include "util/strv.h"

static void until_they_are_cleared(void **state)
{
    Theirs theirs = { 0 };

    assert_false(theirs_has(&theirs, "a.service"));
    assert_int_equal(theirs_add(&theirs, "a.service"), 0);
    assert_int_equal(theirs_add(&theirs, "/pods/1"), 0);
    assert_int_equal(theirs_add(&theirs, "a.service"), 0);
    assert_int_equal(strv_length(theirs.units), 2);
    assert_true(theirs_has(&theirs, "a.service"));
    assert_true(theirs_has(&theirs, "/pods/1"));
    assert_false(theirs_has(&theirs, "a.servic"));
    theirs_clear(&theirs);
    assert_false(theirs_has(&theirs, "a.service"));
    assert_int_equal(theirs_add(&theirs, "a.service"), 0);
    theirs_clear(&theirs);
}

static void there_are_not_too_many(void **state)
{
    Theirs theirs = { 0 };
    char unit[32];

    for (unsigned i = 0; i <= THEIRS_MAX; i++) {
        snprintf(unit, sizeof unit, "%u.service", i);
        assert_int_equal(theirs_add(&theirs, unit), i < THEIRS_MAX ? 0 : -E2BIG);
    }
    assert_false(theirs_has(&theirs, unit));
    assert_int_equal(theirs_add(&theirs, "0.service"), 0);
    theirs_clear(&theirs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(until_they_are_cleared),
        cmocka_unit_test(there_are_not_too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
