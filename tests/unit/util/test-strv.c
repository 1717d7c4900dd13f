/* SPDX-License-Identifier: MIT */
#include "util/strv.h"

#include "unit/test.h"

static void appended_strings_are_copies_in_order(void **state)
{
    cleanup(strv_freep) char **strv = NULL;
    char text[] = "one";

    assert_int_equal(strv_length(strv), 0);
    assert_int_equal(strv_append(&strv, text), 0);
    text[0] = 'X';
    assert_int_equal(strv_append(&strv, "two"), 0);
    assert_int_equal(strv_length(strv), 2);
    assert_string_equal(strv[0], "one");
    assert_string_equal(strv[1], "two");
    assert_null(strv[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appended_strings_are_copies_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
