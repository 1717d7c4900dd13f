/* SPDX-License-Identifier: MIT */
#include "policy/text.h"

#include <locale.h>
#include <string.h>

#include "unit/test.h"
#include "util/cleanup.h"

static void quotes_are_harmless(void **state)
{
    static const struct {
        const char *text;
        const char *quoted;
    } cases[] = {
        { "", "\"\"" },
        { "512MB", "\"512MB\"" },
        { "Größe €", "\"Größe €\"" },
        { "a\nb\tc", "\"a\\nb\\tc\"" },
        { "\x1b]0;x\x07", "\"\\x1b]0;x\\x07\"" },
        { "\xc2\x9b"
          "2J",
          "\"\\x9b2J\"" }, /* CSI as one character of Latin-1 */
        { "a\xe2\x80\xae"
          "b",
          "\"a\\u202eb\"" },                         /* writes backwards */
        { "a\xf3\xa0\x80\x81", "\"a\\U000e0001\"" }, /* an invisible tag */
        { "\xff\xfe", "\"\\xff\\xfe\"" },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++)
        assert_string_equal(QUOTE(cases[i].text), cases[i].quoted);
}

static void long_quotes_are_cut(void **state)
{
    char text[4 * 100 + 1] = "", quoted[QUOTE_MAX];

    memset(text, 'x', QUOTE_CHARACTERS);
    assert_int_equal(strlen(quote(quoted, text)), QUOTE_CHARACTERS + 2);

    memset(text, 'x', 100);
    assert_int_equal(strlen(quote(quoted, text)), QUOTE_CHARACTERS + 2 + strlen("…"));
    assert_string_equal(quoted + QUOTE_CHARACTERS, "x…\"");

    /* The longest escapes fit. */
    for (size_t i = 0; i < 100; i++)
        memcpy(text + 4 * i, "\xf3\xa0\x80\x81", 4);
    assert_true(strlen(quote(quoted, text)) < QUOTE_MAX);
    assert_int_equal(strlen(quoted), QUOTE_CHARACTERS * 10 + 2 + strlen("…"));
}

static void controls_are_noticed(void **state)
{
    assert_false(text_has_control(""));
    assert_false(text_has_control("/srv/Größe"));
    assert_true(text_has_control("a\n"));
    assert_true(text_has_control("a\x7f"));
    assert_true(text_has_control("\xc2\x85"));
}

static void check_shown(const char *text, bool unicode, const char *expected, size_t expected_taken)
{
    char shown[TEXT_SHOWN_MAX];

    assert_int_equal(text_show(text, strlen(text), unicode, shown), expected_taken);
    assert_string_equal(shown, expected);
}

static void one_character_is_shown(void **state)
{
    check_shown("ab", true, "a", 1);
    check_shown("é", true, "é", 2);
    check_shown("é", false, "\\xe9", 2);
    check_shown("€", false, "\\u20ac", 3);
    check_shown("🐘", false, "\\U0001f418", 4);
    check_shown("\xe2\x82", true, "\\xe2", 1); /* what is no character, byte by byte */
    check_shown("\xef\xbf\xbe", true, "\\ufffe", 3);
}

static void columns_are_those_of_a_terminal(void **state)
{
    assert_int_equal(text_columns(""), 0);
    assert_int_equal(text_columns("abc"), 3);
    assert_int_equal(text_columns("é日"), 2); /* nothing is known of them in this locale */
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        skip();
    assert_int_equal(text_columns("é日"), 3);
    assert_int_equal(text_columns("e\xcc\x81"), 1);
    setlocale(LC_CTYPE, "C");
}

static void breaks_are_those_of_libyaml(void **state)
{
    assert_true(text_is_break('\n', 'x'));
    assert_true(text_is_break('\r', 'x'));
    assert_true(text_is_break('\r', '\0'));
    assert_false(text_is_break('\r', '\n'));
    assert_true(text_is_break(0x85, 'x'));
    assert_true(text_is_break(0x2028, 'x'));
    assert_true(text_is_break(0x2029, 'x'));
    assert_false(text_is_break(0x0c, 'x'));
}

static const char *nearest(const char *typed)
{
    static const char *const words[] = { "budget", "files", "order", "pin", "min", "max" };
    Suggestion suggestion = { 0 };

    for (size_t i = 0; i < ELEMENTS(words); i++)
        suggestion_offer(&suggestion, typed, words[i]);
    return suggestion.word;
}

static void the_nearest_word_is_suggested(void **state)
{
    assert_string_equal(nearest("bugdet"), "budget"); /* swapped */
    assert_string_equal(nearest("buget"), "budget");  /* left out */
    assert_string_equal(nearest("budgett"), "budget");
    assert_string_equal(nearest("Budget"), "budget");
    assert_string_equal(nearest("fil"), "files");
    assert_string_equal(nearest("pn"), "pin");
    assert_string_equal(nearest("mni"), "min");
    assert_null(nearest("bxxxet")); /* three letters are another word */
    assert_null(nearest("mxy"));    /* two of three as well */
    assert_null(nearest(""));
    assert_null(nearest("a word that is far longer than any key is"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes_are_harmless),
        cmocka_unit_test(long_quotes_are_cut),
        cmocka_unit_test(controls_are_noticed),
        cmocka_unit_test(one_character_is_shown),
        cmocka_unit_test(columns_are_those_of_a_terminal),
        cmocka_unit_test(breaks_are_those_of_libyaml),
        cmocka_unit_test(the_nearest_word_is_suggested),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
