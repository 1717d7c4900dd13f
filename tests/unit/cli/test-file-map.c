/* SPDX-License-Identifier: MIT */
#include "unit/test.h"

#include <string.h>

#include "cli/file-map.h"
#include "util/cleanup.h"

#define PAGE UINT64_C(4096)

static void draws(const ResidentRange *ranges, size_t n, uint64_t size, const char *expected)
{
    const FileMap map = { .ranges = (ResidentRange *)ranges, .n_ranges = n };
    char text[MAP_TEXT_MAX];

    assert_string_equal(file_map_draw(text, &map, size, PAGE, false), expected);
    assert_int_equal(strlen(text), MAP_CELLS);
}

static void test_small_files(void **state)
{
    static const ResidentRange first = { 0, PAGE }, last = { 2 * PAGE, PAGE };

    draws(NULL, 0, 0, "                                        ");
    draws(NULL, 0, 1, ".                                       ");
    draws(&first, 1, 5, "#                                       ");
    draws(&last, 1, 2 * PAGE + 1, "..#                                     ");
}

static void test_shades(void **state)
{
    /* 10 pages a column: all, 9, 5, 4, 1, nothing. */
    static const ResidentRange ranges[] = {
        { 0, 10 * PAGE },        { 10 * PAGE, 9 * PAGE }, { 22 * PAGE, 5 * PAGE },
        { 33 * PAGE, 4 * PAGE }, { 40 * PAGE, PAGE },     { 399 * PAGE, PAGE },
    };

    draws(ranges, ELEMENTS(ranges), 400 * PAGE, "#++--..................................-");
}

static void test_a_range_over_many_columns(void **state)
{
    static const ResidentRange all = { 0, 1000 * PAGE }, but_one = { 0, 999 * PAGE },
                               middle = { 250 * PAGE, 500 * PAGE };

    draws(&all, 1, 1000 * PAGE, "########################################");
    draws(&but_one, 1, 1000 * PAGE, "#######################################+");
    draws(&middle, 1, 1000 * PAGE, "..........####################..........");
}

/* 41 pages in 40 columns: one of them has two. */
static void test_unequal_parts(void **state)
{
    static const ResidentRange all = { 0, 41 * PAGE };

    draws(&all, 1, 41 * PAGE, "########################################");
    for (uint64_t page = 0; page < 41; page++) {
        const ResidentRange one = { page * PAGE, PAGE };
        const FileMap map = { .ranges = (ResidentRange *)&one, .n_ranges = 1 };
        char text[MAP_TEXT_MAX];
        file_map_draw(text, &map, 41 * PAGE, PAGE, false);
        assert_int_equal(strspn(text, ".") + 1 + strspn(strpbrk(text, "#+") + 1, "."), MAP_CELLS);
    }
}

static void test_unicode(void **state)
{
    static const ResidentRange ranges[] = { { 0, 10 * PAGE }, { 13 * PAGE, 2 * PAGE } };
    const FileMap map = { .ranges = (ResidentRange *)ranges, .n_ranges = 2 };
    char text[MAP_TEXT_MAX];

    file_map_draw(text, &map, 400 * PAGE, PAGE, true);
    assert_int_equal(strncmp(text, "█▒░░", strlen("█▒░░")), 0);
    assert_int_equal(strlen(text), MAP_CELLS * 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_files),
        cmocka_unit_test(test_shades),
        cmocka_unit_test(test_a_range_over_many_columns),
        cmocka_unit_test(test_unequal_parts),
        cmocka_unit_test(test_unicode),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
