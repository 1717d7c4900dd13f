/* SPDX-License-Identifier: MIT */
#include "util/utf8.h"

#include <errno.h>
#include <string.h>

#include "unit/test.h"
#include "util/cleanup.h"

static void decoding(void **state)
{
    static const struct {
        const char *bytes;
        int length;
        uint32_t character;
    } cases[] = {
        { "a", 1, 'a' },
        { "\xc3\xb6", 2, 0xf6 },
        { "\xe2\x82\xac", 3, 0x20ac },
        { "\xf0\x9f\x92\xbe", 4, 0x1f4be },
        { "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
        { "\x80", -EINVAL, 0 },             /* a continuation without its beginning */
        { "\xc3", -EINVAL, 0 },             /* cut */
        { "\xc3(", -EINVAL, 0 },            /* not continued */
        { "\xc0\xaf", -EINVAL, 0 },         /* "/", overlong */
        { "\xe0\x80\xaf", -EINVAL, 0 },     /* the same */
        { "\xed\xa0\x80", -EINVAL, 0 },     /* a surrogate */
        { "\xf4\x90\x80\x80", -EINVAL, 0 }, /* behind the last */
        { "\xf8\x88\x80\x80", -EINVAL, 0 }, /* five bytes */
        { "\xff", -EINVAL, 0 },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        uint32_t c = 0;
        assert_int_equal(utf8_decode(cases[i].bytes, strlen(cases[i].bytes), &c), cases[i].length);
        assert_int_equal(c, cases[i].character);
    }
}

static void what_is_not_utf8_is_escaped(void **state)
{
    static const struct {
        const char *text;
        const char *escaped;
    } cases[] = {
        { "", "" },
        { "/a\n\x1b\x7f", "/a\n\x1b\x7f" },
        { "na\xc3\xafve \xf0\x9f\x90\x98", "na\xc3\xafve \xf0\x9f\x90\x98" },
        { "\\xff", "\\xff" },
        { "a\xff\xfe/b", "a\\xff\\xfe/b" },
        { "cut\xe2\x82", "cut\\xe2\\x82" },
        { "\xff\xff\xff\xff", "\\xff\\xff\\xff\\xff" },
        { "\xed\xa0\x80", "\\xed\\xa0\\x80" },          /* a surrogate */
        { "\xef\xb7\x90", "\\xef\\xb7\\x90" },          /* U+FDD0 */
        { "\xef\xbf\xbf", "\\xef\\xbf\\xbf" },          /* U+FFFF */
        { "\xf4\x8f\xbf\xbe", "\\xf4\\x8f\\xbf\\xbe" }, /* U+10FFFE */
        { "\xef\xbf\xbd", "\xef\xbf\xbd" },             /* U+FFFD is a character */
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        CLEANUP_FREE char *escaped = utf8_escape(cases[i].text);
        assert_non_null(escaped);
        assert_string_equal(escaped, cases[i].escaped);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoding),
        cmocka_unit_test(what_is_not_utf8_is_escaped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
