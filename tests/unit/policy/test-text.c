/* SPDX-License-Identifier: MIT */
#include "policy/text.h"

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
        cmocka_unit_test(the_nearest_word_is_suggested),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
