/* SPDX-License-Identifier: MIT */
#include "unit/test.h"

#include <errno.h>
#include <json-c/json.h>
#include <locale.h>
#include <string.h>

#include "cli/inspect-report.h"
#include "cli/text.h"

static const Residency all_known = {
    .resident = 8192,
    .dirty = 4096,
    .writeback = 0,
    .evicted = 12288,
    .recently_evicted = 4096,
    .has_resident = true,
    .has_counters = true,
};
static const Residency by_mincore = { .resident = 4096, .has_resident = true };
static const Residency secret = { 0 };

static void add(InspectReport *report, const char *path, ino_t ino, uint64_t size,
                const Residency *residency)
{
    CensusFile file = { .dev = 1, .ino = ino, .size = size, .residency = *residency };

    assert_int_equal(inspect_report_add(report, path, &file), 0);
}

static char *render(const InspectReport *report, OutputOptions options)
{
    char *text = NULL;
    size_t size = 0;

    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(inspect_report_render(report, out, &options), 0);
    fclose(out);
    return text;
}

static void test_total_counts_a_file_once(void **state)
{
    cleanup(inspect_report_clear) InspectReport report = { 0 };
    InspectTotal total;

    add(&report, "/a", 1, 16384, &all_known);
    add(&report, "/b", 2, 5, &by_mincore);
    add(&report, "/also-a", 1, 16384, &all_known);
    CensusFile other = { .dev = 2, .ino = 1, .size = 7, .residency = secret };
    assert_int_equal(inspect_report_add(&report, "/other", &other), 0);

    assert_int_equal(inspect_report_total(&report, &total), 0);
    assert_int_equal(total.files, 3);
    assert_int_equal(total.size, 16384 + 5 + 7);
    assert_int_equal(total.sum.resident, 8192 + 4096);
    assert_int_equal(total.covered, 8192 + 5);
    assert_int_equal(total.sum.dirty, 4096);
    assert_int_equal(total.sum.evicted, 12288);
    assert_int_equal(total.unknown, 1);
}

static void test_grows(void **state)
{
    cleanup(inspect_report_clear) InspectReport report = { 0 };
    InspectTotal total;

    for (ino_t i = 0; i < 1000; i++)
        add(&report, "/x", i, 1, &by_mincore);
    assert_int_equal(inspect_report_total(&report, &total), 0);
    assert_int_equal(total.files, 1000);
    assert_int_equal(total.size, 1000);
}

static void test_json(void **state)
{
    cleanup(inspect_report_clear) InspectReport report = { 0 };

    add(&report, "/a", 1, 16384, &all_known);
    add(&report, "/b\xff", 2, 5, &by_mincore);
    add(&report, "/c", 3, 6, &secret);
    CLEANUP_FREE char *text = render(&report, (OutputOptions){ .json = JSON_SHORT });
    assert_string_equal(
        text, "{\"files\":["
              "{\"path\":\"/a\",\"size\":16384,\"resident\":8192,\"dirty\":4096,\"writeback\":0,"
              "\"evicted\":12288,\"recently_evicted\":4096},"
              "{\"path\":\"/b\\\\xff\",\"size\":5,\"resident\":4096,\"dirty\":null,"
              "\"writeback\":null,\"evicted\":null,\"recently_evicted\":null},"
              "{\"path\":\"/c\",\"size\":6,\"resident\":null,\"dirty\":null,\"writeback\":null,"
              "\"evicted\":null,\"recently_evicted\":null}],"
              "\"total\":{\"files\":3,\"size\":16395,\"resident\":12288,\"dirty\":4096,"
              "\"unknown\":1}}\n");
}

static void check_total(const InspectReport *report, const char *expected)
{
    CLEANUP_FREE char *text = render(report, (OutputOptions){ .json = JSON_PRETTY });
    cleanup(json_object_putp) struct json_object *root = json_tokener_parse(text);
    struct json_object *total;

    assert_true(json_object_object_get_ex(root, "total", &total));
    assert_string_equal(json_object_to_json_string_ext(total, JSON_C_TO_STRING_PLAIN), expected);
}

/* "Not known" is null, and not 0. */
static void test_json_unknown_total(void **state)
{
    cleanup(inspect_report_clear) InspectReport none = { 0 }, unknown = { 0 }, uncounted = { 0 };

    check_total(&none, "{\"files\":0,\"size\":0,\"resident\":0,\"dirty\":0,\"unknown\":0}");
    add(&unknown, "/a", 1, 9, &secret);
    check_total(&unknown,
                "{\"files\":1,\"size\":9,\"resident\":null,\"dirty\":null,\"unknown\":1}");
    add(&uncounted, "/a", 1, 9, &by_mincore);
    check_total(&uncounted,
                "{\"files\":1,\"size\":9,\"resident\":4096,\"dirty\":null,\"unknown\":0}");
}

static void test_table(void **state)
{
    cleanup(inspect_report_clear) InspectReport report = { 0 };

    add(&report, "/a\x1b[2J", 1, 16384, &all_known);
    add(&report, "/b", 2, 5, &by_mincore);
    add(&report, "/c", 3, 6, &secret);
    add(&report, "/empty", 4, 0, &by_mincore);
    CLEANUP_FREE char *text = render(&report, (OutputOptions){ .legend = true });
    assert_string_equal(
        text, "SIZE RESIDENT         SHARE DIRTY WRITEBACK EVICTED RECENTLY PATH\n"
              " 16K       8K ####....  50%    4K         0     12K       4K /a\\x1b[2J\n"
              "   5       4K ######## 100%     -         -       -        - /b\n"
              "   6        -             -     -         -       -        - /c\n"
              "   0       4K                   -         -       -        - /empty\n"
              " 16K      16K ####....  50%    4K         0     12K       4K total (4 files)\n");
}

static void test_table_bytes_without_legend(void **state)
{
    cleanup(inspect_report_clear) InspectReport report = { 0 }, nothing = { 0 };

    add(&report, "/a", 1, 16384, &all_known);
    CLEANUP_FREE char *text = render(&report, (OutputOptions){ .bytes = true, .unicode = true });
    assert_true(strncmp(text, "16384 ", 6) == 0);
    assert_non_null(strstr(text, " /a\n"));
    assert_non_null(strstr(text, " ▇▇▇▇░░░░  50% "));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);

    CLEANUP_FREE char *empty = render(&nothing, (OutputOptions){ .legend = true });
    assert_string_equal(empty, "");
}

static void test_full_disk(void **state)
{
    cleanup(inspect_report_clear) InspectReport report = { 0 };
    FILE *full = fopen("/dev/full", "w");

    assert_non_null(full);
    setvbuf(full, NULL, _IONBF, 0);
    add(&report, "/a", 1, 16384, &all_known);
    assert_int_equal(inspect_report_render(&report, full, &(OutputOptions){ .json = JSON_SHORT }),
                     -EIO);
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_total_counts_a_file_once),
        cmocka_unit_test(test_grows),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_unknown_total),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_table_bytes_without_legend),
        cmocka_unit_test(test_full_disk),
    };

    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
