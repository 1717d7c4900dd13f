/* SPDX-License-Identifier: MIT */
#include "unit/test.h"

#include <errno.h>
#include <string.h>

#include "cli/rows.h"

static char *print(const Rows *rows)
{
    char *text = NULL;
    size_t size = 0;

    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(rows_print(rows, out), 0);
    fclose(out);
    return text;
}

static void add(Rows *rows, const char *a, const char *b, const char *c)
{
    assert_int_equal(rows_add(rows, (const char *const[]){ a, b, c }), 0);
}

static void test_aligns(void **state)
{
    cleanup(rows_clear) Rows rows = { .n_columns = 3 };

    add(&rows, "SIZE", "BAR", "PATH");
    add(&rows, "12345", "▇░", "/a b");
    add(&rows, "–", NULL, "/ü");
    add(&rows, "", "x", "");
    CLEANUP_FREE char *text = print(&rows);
    assert_string_equal(text, " SIZE BAR PATH\n"
                              "12345  ▇░ /a b\n"
                              "    –     /ü\n"
                              "        x \n");
}

static void test_many(void **state)
{
    cleanup(rows_clear) Rows rows = { .n_columns = 3 };
    char number[16];
    unsigned lines = 0;

    for (unsigned i = 0; i < 10000; i++) {
        snprintf(number, sizeof number, "%u", i);
        add(&rows, number, "", number);
    }
    CLEANUP_FREE char *text = print(&rows);
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) && *line; lines++) {
        snprintf(number, sizeof number, "%4u", lines);
        assert_int_equal(strncmp(line, number, 4), 0);
    }
    assert_int_equal(lines, 10000);
}

static void test_nothing(void **state)
{
    cleanup(rows_clear) Rows rows = { .n_columns = 3 };
    CLEANUP_FREE char *text = print(&rows);

    assert_string_equal(text, "");
}

static void test_full_disk(void **state)
{
    cleanup(rows_clear) Rows rows = { .n_columns = 3 };
    FILE *full = fopen("/dev/full", "w");

    assert_non_null(full);
    setvbuf(full, NULL, _IONBF, 0);
    add(&rows, "1", "2", "3");
    assert_int_equal(rows_print(&rows, full), -EIO);
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aligns),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_full_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
