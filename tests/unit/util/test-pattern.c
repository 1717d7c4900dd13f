/* SPDX-License-Identifier: MIT */
#include "util/pattern.h"

#include <errno.h>
#include <string.h>

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

static void flaws(void **state)
{
    static const struct {
        const char *glob;
        PatternFlaw flaw;
        const char *part;
    } cases[] = {
        { "", PATTERN_NO_FLAW, "" },
        { "a*?]-\\\\", PATTERN_NO_FLAW, "" },
        { "[]a][[:alpha:]_][!\\]]", PATTERN_NO_FLAW, "" },
        { "a\\", PATTERN_LONE_BACKSLASH, "\\" },
        { "a[b\\]c", PATTERN_OPEN_SET, "[b\\]c" },
        { "a[:x:]b", PATTERN_BARE_CLASS, "[:x:]" },
        { "a[b[:x:]c]", PATTERN_UNKNOWN_CLASS, "[:x:]" },
        { "a[b[:x]c", PATTERN_UNKNOWN_CLASS, "[:x]" },
        { "a[b-cd-c]e", PATTERN_BACKWARDS_RANGE, "d-c" },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        PatternSpan glob = { cases[i].glob, strchr(cases[i].glob, '\0') };
        PatternSpan part = { glob.end, glob.end };

        assert_int_equal(pattern_find_flaw(glob, &part), cases[i].flaw);
        assert_int_equal(part.end - part.begin, strlen(cases[i].part));
        assert_memory_equal(part.begin, cases[i].part, strlen(cases[i].part));
    }
}

static void classes_have_names(void **state)
{
    size_t n = 0;

    while (pattern_class_name(n))
        n++;
    assert_int_equal(n, 12);
    assert_string_equal(pattern_class_name(0), "alnum");
    assert_string_equal(pattern_class_name(11), "xdigit");
}

static void braces_of_a_single_choice(void **state)
{
    static const struct {
        const char *pattern;
        const char *braces; /* NULL: there are none */
    } cases[] = {
        { "/srv/{a..c}/x", "{a..c}" },
        { "{}", "{}" },
        { "{a,b}{c}", "{c}" },
        { "{a,{b}}", "{b}" },
        { "{{a,b}}", "{{a,b}}" },
        { "{a\\,b}", "{a\\,b}" },
        { "{a,b{c,d}}", NULL },
        { "{,}", NULL },
        { "\\{a\\}", NULL },
        { "{a", NULL },
        { "a}", NULL },
        { "", NULL },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        PatternSpan span = { NULL, NULL };

        assert_int_equal(pattern_find_single_choice(cases[i].pattern, &span), !!cases[i].braces);
        if (!cases[i].braces)
            continue;
        assert_int_equal(span.end - span.begin, strlen(cases[i].braces));
        assert_memory_equal(span.begin, cases[i].braces, strlen(cases[i].braces));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(braces_of_a_single_choice),
        cmocka_unit_test(wildcards_are_seen),
        cmocka_unit_test(braces),
        cmocka_unit_test(braces_refused),
        cmocka_unit_test(the_longest_literal_part_is_the_most_specific),
        cmocka_unit_test(flaws),
        cmocka_unit_test(classes_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
