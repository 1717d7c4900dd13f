/* SPDX-License-Identifier: MIT */
#include "policy/excerpt.h"

#include <locale.h>
#include <string.h>

#include "unit/test.h"
#include "util/cleanup.h"

static void check_bytes(const char *text, size_t size, size_t line, size_t column, bool unicode,
                        const char *expected)
{
    const Source source = { "p.yaml", text, size };
    CLEANUP_FREE char *excerpt = excerpt_format(&source, &(PolicyPlace){ 0, line, column },
                                                unicode);

    assert_non_null(excerpt);
    assert_string_equal(excerpt, expected);
}

static void check(const char *text, size_t line, size_t column, const char *expected)
{
    check_bytes(text, strlen(text), line, column, true, expected);
}

static void the_caret_is_below_the_column(void **state)
{
    static const char text[] = "version: 1\nrole: critcal\n\nmode: x";

    check(text, 1, 1, "    version: 1\n    ^\n");
    check(text, 2, 7, "    role: critcal\n          ^\n");
    check(text, 4, 7, "    mode: x\n          ^\n");
    check(text, 4, 8, "    mode: x\n           ^\n"); /* behind the last character */
    check(text, 4, 99, "    mode: x\n           ^\n");
}

static void where_there_is_no_line(void **state)
{
    check("a: 1\n\n  \n", 0, 0, "");
    check("a: 1\n\n  \n", 2, 1, "");
    check("a: 1\n\n  \n", 3, 1, "");
    check("a: 1\n\n  \n", 4, 1, "");
    check("a: 1\n\n  \n", 5, 1, "");
    check("", 1, 1, "");
    check_bytes(NULL, 0, 1, 1, true, "");
}

/* As the reader counts them. */
static void lines_end_as_for_the_reader(void **state)
{
    check("a: 1\r\nb: 2\r\n", 1, 4, "    a: 1\n       ^\n");
    check("a: 1\r\nb: 2\r\n", 2, 4, "    b: 2\n       ^\n");
    check("a: 1\rb: 2\r", 2, 1, "    b: 2\n    ^\n");
    check("a: 1\r\r\nb: 2", 3, 1, "    b: 2\n    ^\n");
    check("a\xc2\x85"
          "b\xe2\x80\xa8"
          "c\xe2\x80\xa9"
          "d",
          4, 1, "    d\n    ^\n");
    check("\xef\xbb\xbf"
          "a: 1\n",
          1, 4, "    a: 1\n       ^\n"); /* a byte order mark */
}

static void what_is_escaped_takes_its_columns(void **state)
{
    check("\ta: x", 1, 5, "    \\ta: x\n         ^\n");
    check("a: \x1b[2J x", 1, 9, "    a: \\x1b[2J x\n               ^\n");
    check("\xe2\x80\xae"
          "a: x",
          1, 5, "    \\u202ea: x\n             ^\n");
    check("\xff\xfe: x", 1, 5, "    \\xff\\xfe: x\n              ^\n");
    check_bytes("a\0: x", 5, 1, 5, true, "    a\\x00: x\n           ^\n");
}

static void characters_take_their_columns(void **state)
{
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        skip();
    check("größe: x", 1, 8, "    größe: x\n           ^\n");
    check("日本: x", 1, 5, "    日本: x\n          ^\n");
    check("e\xcc\x81: x", 1, 5, "    e\xcc\x81: x\n       ^\n"); /* a combining accent */
    check_bytes("日: x", 6, 1, 4, false, "    \\u65e5: x\n            ^\n");
    setlocale(LC_CTYPE, "C");
}

/* A line of 0123456789 again and again. */
static char *long_line(char text[static 301])
{
    for (size_t i = 0; i < 300; i++)
        text[i] = (char)('0' + i % 10);
    text[300] = '\0';
    return text;
}

static void long_lines_are_cut_around_the_column(void **state)
{
    char text[301], expected[400], spaces[101];

    memset(spaces, ' ', 100);
    spaces[100] = '\0';
    long_line(text);

    snprintf(expected, sizeof(expected), "    %.100s…\n    ^\n", text);
    check(text, 1, 1, expected);
    snprintf(expected, sizeof(expected), "    %.100s…\n    %.66s^\n", text, spaces);
    check(text, 1, 67, expected);
    snprintf(expected, sizeof(expected), "    …%.100s…\n     %.66s^\n", text + 1, spaces);
    check(text, 1, 68, expected);
    snprintf(expected, sizeof(expected), "    …%.100s\n     %.99s^\n", text + 200, spaces);
    check(text, 1, 300, expected);
    snprintf(expected, sizeof(expected), "    ...%.100s...\n       %.66s^\n", text + 33, spaces);
    check_bytes(text, 300, 1, 100, false, expected);
    text[EXCERPT_COLUMNS] = '\0';
    snprintf(expected, sizeof(expected), "    %s\n    %.99s^\n", text, spaces);
    check(text, 1, EXCERPT_COLUMNS, expected);
}

/* An escape or a wide character that would be cut in two is left out. */
static void characters_are_not_cut(void **state)
{
    char text[400] = "";

    for (size_t i = 0; i < 60; i++)
        strcat(text, "\x1b"); /* four columns each */
    const Source source = { "p.yaml", text, strlen(text) };
    for (size_t column = 1; column <= 60; column++) {
        CLEANUP_FREE char *excerpt = excerpt_format(&source, &(PolicyPlace){ 0, 1, column }, true);
        const char *caret = strchr(excerpt, '\n') + 1;
        size_t at = strlen(caret) - strlen("^\n"), before = 0;

        assert_int_equal(caret[at], '^');
        /* The caret is below the beginning of an escape; "…" is three bytes and one column. */
        if (strncmp(excerpt, "    …", 7) == 0)
            before = 2;
        assert_memory_equal(excerpt + at + before, "\\x1b", 4);
        assert_true((size_t)(caret - excerpt) <= 4 + 3 + EXCERPT_COLUMNS + 3 + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_caret_is_below_the_column),
        cmocka_unit_test(where_there_is_no_line),
        cmocka_unit_test(lines_end_as_for_the_reader),
        cmocka_unit_test(what_is_escaped_takes_its_columns),
        cmocka_unit_test(characters_take_their_columns),
        cmocka_unit_test(long_lines_are_cut_around_the_column),
        cmocka_unit_test(characters_are_not_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
