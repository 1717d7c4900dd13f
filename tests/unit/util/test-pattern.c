/* SPDX-License-Identifier: MIT */
#include "util/pattern.h"

#include <errno.h>

#include "unit/test.h"
#include "util/strv.h"

static void wildcards_are_seen(void **state)
{
    assert_false(pattern_has_wildcard("/srv/shop/data"));
    assert_false(pattern_has_wildcard("/srv/\\*"));
    assert_true(pattern_has_wildcard("/srv/{a,b}"));
    assert_true(pattern_has_wildcard("/srv/a?"));
}

static void braces(void **state)
{
    cleanup(strv_freep) char **readings = NULL;

    assert_int_equal(pattern_expand_braces("/a/{b,c{d,e}}/{,f}", &readings), 0);
    assert_int_equal(strv_length(readings), 6);
    assert_string_equal(readings[0], "/a/b/");
    assert_string_equal(readings[1], "/a/b/f");
    assert_string_equal(readings[2], "/a/cd/");
    assert_string_equal(readings[5], "/a/ce/f");
}

static void braces_refused(void **state)
{
    char **readings = NULL;

    assert_int_equal(pattern_expand_braces("/a/{b", &readings), -EINVAL);
    assert_int_equal(pattern_expand_braces("/a/b}", &readings), -EINVAL);
    assert_int_equal(
        pattern_expand_braces("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", &readings),
        -E2BIG);
    assert_null(readings);
}

static void the_longest_literal_part_is_the_most_specific(void **state)
{
    assert_int_equal(pattern_literal_length("shop.service"), 12);
    assert_int_equal(pattern_literal_length("shop*.service"), 12);
    assert_int_equal(pattern_literal_length("*"), 0);
    assert_int_equal(pattern_literal_length("a[bc]d"), 2);
    assert_int_equal(pattern_literal_length("a\\*"), 2);
    assert_int_equal(pattern_literal_length("a[]b]d"), 2);
    assert_int_equal(pattern_literal_length("a[[:digit:]]d"), 2);
    assert_int_equal(pattern_literal_length("a[b"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wildcards_are_seen),
        cmocka_unit_test(braces),
        cmocka_unit_test(braces_refused),
        cmocka_unit_test(the_longest_literal_part_is_the_most_specific),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
