/* SPDX-License-Identifier: MIT */
#include "unit/test.h"

#include <json-c/json.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/text.h"

static void check_escape(const char *text, bool unicode, const char *expected)
{
    CLEANUP_FREE char *escaped = escape_text(text, unicode);

    assert_non_null(escaped);
    assert_string_equal(escaped, expected);
}

static void test_escape_leaves_names(void **state)
{
    check_escape("", true, "");
    check_escape("/var/lib/a b\\x41'\"", true, "/var/lib/a b\\x41'\"");
    check_escape("naïve €/日本/🐘", true, "naïve €/日本/🐘");
}

static void test_escape_controls(void **state)
{
    check_escape("a\nb\tc", true, "a\\nb\\tc");
    check_escape("\x1b[31m\x07\x7f", true, "\\x1b[31m\\x07\\x7f");
    check_escape("\xc2\x9b"
                 "2J",
                 true, "\\xc2\\x9b2J"); /* C1: CSI in one character */
    check_escape("a\xe2\x80\xae"
                 "b",
                 true,
                 "a\\xe2\\x80\\xae"
                 "b");                                     /* right-to-left override */
    check_escape("\xe2\x81\xa6", true, "\\xe2\\x81\\xa6"); /* isolate */
    check_escape("\xe2\x80\xa8", true, "\\xe2\\x80\\xa8"); /* line separator */
}

static void test_escape_bad_utf8(void **state)
{
    check_escape("a\xff"
                 "b",
                 true,
                 "a\\xff"
                 "b");
    check_escape("\xc0\xaf", true, "\\xc0\\xaf");          /* overlong slash */
    check_escape("\xed\xa0\x80", true, "\\xed\\xa0\\x80"); /* surrogate */
    check_escape("\xe2\x82", true, "\\xe2\\x82");          /* cut short */
}

static void test_escape_without_unicode(void **state)
{
    check_escape("caf\xc3\xa9", false, "caf\\xc3\\xa9");
    check_escape("plain", false, "plain");
}

static void check_json(const char *text, const char *expected)
{
    cleanup(json_object_putp) struct json_object *object = json_text(text);

    assert_non_null(object);
    assert_string_equal(json_object_get_string(object), expected);
}

static void test_json_text_is_utf8(void **state)
{
    check_json("", "");
    check_json("/a\n\x1b", "/a\n\x1b"); /* JSON has its own escapes for these */
    check_json("naïve 🐘", "naïve 🐘");
    check_json("a\xff\xfe/b", "a\\xff\\xfe/b");
    check_json("cut\xe2\x82", "cut\\xe2\\x82");
}

static void check_share(uint64_t part, uint64_t whole, const char *expected)
{
    char buffer[SHARE_TEXT_MAX];

    assert_string_equal(format_share(buffer, part, whole, false), expected);
}

static void test_share(void **state)
{
    check_share(0, 0, "");
    check_share(4096, 0, "");
    check_share(0, 100, "........   0%");
    check_share(100, 100, "######## 100%");
    check_share(200, 100, "######## 100%");
    check_share(50, 100, "####....  50%");
    /* Neither all nor nothing, however near. */
    check_share(1, UINT64_MAX, "#.......   1%");
    check_share(999999, 1000000, "#######.  99%");
}

static void test_share_fits(void **state)
{
    char buffer[SHARE_TEXT_MAX];

    assert_string_equal(format_share(buffer, 1, 1, true), "▇▇▇▇▇▇▇▇ 100%");
    assert_string_equal(format_share(buffer, 0, 1, true), "░░░░░░░░   0%");
}

static void test_bytes(void **state)
{
    char buffer[FORMAT_SIZE_MAX];

    assert_string_equal(format_bytes(buffer, 1536, false), "1.5K");
    assert_string_equal(format_bytes(buffer, 1536, true), "1536");
    assert_string_equal(format_bytes(buffer, UINT64_MAX, true), "18446744073709551615");
}

static void test_suggest(void **state)
{
    static const char *const names[] = { "status", "inspect", "verify", "reload", NULL };

    assert_string_equal(suggest_name("stauts", names), "status");
    assert_string_equal(suggest_name("stats", names), "status");
    assert_string_equal(suggest_name("in", names), "inspect");
    assert_string_equal(suggest_name("verfy", names), "verify");
    assert_null(suggest_name("", names));
    assert_null(suggest_name("frobnicate", names));
    assert_null(suggest_name("a-word-that-is-much-longer-than-any-name-of-ours", names));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape_leaves_names),
        cmocka_unit_test(test_escape_controls),
        cmocka_unit_test(test_escape_bad_utf8),
        cmocka_unit_test(test_escape_without_unicode),
        cmocka_unit_test(test_json_text_is_utf8),
        cmocka_unit_test(test_share),
        cmocka_unit_test(test_share_fits),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_suggest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
