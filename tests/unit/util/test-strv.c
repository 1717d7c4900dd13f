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
    assert_true(strv_has(strv, "one") && strv_has(strv, "two"));
    assert_false(strv_has(strv, "") || strv_has(strv, "tw") || strv_has(NULL, "one"));
}

static void a_copy_shares_nothing(void **state)
{
    char one[] = "one", two[] = "two";
    char *strv[] = { one, two, NULL }, *empty[] = { NULL };
    cleanup(strv_freep) char **copy = NULL;
    char **none = strv;

    assert_int_equal(strv_copy(strv, &copy), 0);
    one[0] = two[0] = 'X';
    assert_int_equal(strv_length(copy), 2);
    assert_string_equal(copy[0], "one");
    assert_string_equal(copy[1], "two");

    assert_int_equal(strv_copy(NULL, &none), 0);
    assert_null(none);
    none = strv;
    assert_int_equal(strv_copy(empty, &none), 0);
    assert_null(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appended_strings_are_copies_in_order),
        cmocka_unit_test(a_copy_shares_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
