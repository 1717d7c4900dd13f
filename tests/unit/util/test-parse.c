/* SPDX-License-Identifier: MIT */
#include "util/parse.h"

#include <errno.h>

#include "unit/test.h"
#include "util/cleanup.h"
#include "util/units.h"

#define RAM (8 * GIB)

static void sizes_as_people_write_them(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        { "0", 0 },
        { "4096", 4096 },
        { "1K", KIB },
        { "512M", 512 * MIB },
        { "2G", 2 * GIB },
        { "3T", 3 * 1024 * GIB },
        { "10%", (uint64_t)(RAM / 10) },
        { "100%", RAM },
        { "18446744073709551615", UINT64_MAX },
    };

    for (size_t i = 0; i < ELEMENTS(good); i++) {
        uint64_t bytes = 1;
        assert_int_equal(parse_size(good[i].text, RAM, &bytes, NULL), 0);
        assert_true(bytes == good[i].bytes);
    }
}

static void sizes_refused(void **state)
{
    static const struct {
        const char *text;
        int error;
    } bad[] = {
        { "", -EINVAL },
        { "-1", -EINVAL },
        { "M", -EINVAL },
        { " 1", -EINVAL },
        { "+1", -EINVAL },
        { "1X", -EDOM },
        { "1m", -EDOM },
        { "1 M", -EDOM },
        { "1.5G", -EDOM },
        { "1MiB", -EDOM },
        { "101%", -ERANGE },
        { "16384P", -ERANGE },
        { "99999999999999999999", -ERANGE },
    };

    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        uint64_t bytes = 42;
        assert_int_equal(parse_size(bad[i].text, RAM, &bytes, NULL), bad[i].error);
        assert_int_equal(bytes, 42);
    }
}

static void lengths_of_files(void **state)
{
    static const char *const refused[] = {
        "",       "-1", "M", "1MB", "1m", "10%", "1.5G", " 1", "1 ", "1M1", "18446744073709551616",
        "16384P",
    };
    uint64_t bytes = 77;

    for (size_t i = 0; i < ELEMENTS(refused); i++)
        assert_true(parse_length(refused[i], &bytes) < 0);
    assert_int_equal(bytes, 77);
    assert_int_equal(parse_length("0", &bytes), 0);
    assert_int_equal(bytes, 0);
    assert_int_equal(parse_length("0000000000000000000000000000000000000017K", &bytes), 0);
    assert_int_equal(bytes, 17 * KIB);
    assert_int_equal(parse_length("16383P", &bytes), 0);
    assert_true(bytes == UINT64_C(16383) * 1024 * 1024 * GIB);
}

static void ranges_of_files(void **state)
{
    static const struct {
        const char *text;
        int error;
        uint64_t begin, end;
    } cases[] = {
        { "0-8M", 0, 0, 8 * MIB },
        { "1G-", 0, GIB, UINT64_MAX },
        { "0-", 0, 0, UINT64_MAX },
        { "4097-1025K", 0, 4097, 1025 * KIB },
        { "4K-1T", 0, 4096, 1024 * GIB },
        { "18446744073709551613-18446744073709551614", 0, UINT64_MAX - 2, UINT64_MAX - 1 },
        { "8M-8M", -ERANGE },
        { "8M-0", -ERANGE },
        { "", -EINVAL },
        { "-", -EINVAL },
        { "8M", -EINVAL },
        { "-8M", -EINVAL },
        { "0-8MB", -EINVAL },
        { "0M8-9M", -EINVAL },
        { "0-10%", -EINVAL },
        { "0 - 8M", -EINVAL },
        { "0-8M-16M", -EINVAL },
        { "0-99999999999T", -EINVAL },
    };

    char buffer[FORMAT_RANGE_MAX];

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        uint64_t begin = 77, end = 77;

        assert_int_equal(parse_range(cases[i].text, &begin, &end), cases[i].error);
        if (cases[i].error == 0 && (begin != cases[i].begin || end != cases[i].end))
            fail_msg("%s", cases[i].text);
        if (cases[i].error == 0)
            assert_string_equal(format_range(buffer, begin, end), cases[i].text);
        if (cases[i].error < 0 && (begin != 77 || end != 77))
            fail_msg("%s is refused, and stored", cases[i].text);
    }
}

static void an_unknown_unit_is_pointed_at(void **state)
{
    uint64_t value;
    const char *unit = NULL;

    assert_int_equal(parse_size("10Mb", RAM, &value, &unit), -EDOM);
    assert_string_equal(unit, "Mb");
    assert_int_equal(parse_duration("10sec", &value, &unit), -EDOM);
    assert_string_equal(unit, "sec");
}

static void durations(void **state)
{
    uint64_t usec = 0;

    assert_int_equal(parse_duration("500ms", &usec, NULL), 0);
    assert_int_equal(usec, 500 * USEC_PER_MSEC);
    assert_int_equal(parse_duration("2d", &usec, NULL), 0);
    assert_int_equal(usec, 2 * 24 * 3600 * USEC_PER_SEC);
    assert_int_equal(parse_duration("30", &usec, NULL), -EDOM);
    assert_int_equal(parse_duration("-3s", &usec, NULL), -EINVAL);
    assert_int_equal(parse_duration("999999999999999d", &usec, NULL), -ERANGE);
    assert_int_equal(usec, 2 * 24 * 3600 * USEC_PER_SEC);
}

static void shares(void **state)
{
    uint64_t ppm = 0;
    const char *unit = NULL;

    assert_int_equal(parse_share("1%", &ppm, NULL), 0);
    assert_int_equal(ppm, 10000);
    assert_int_equal(parse_share("0.5%", &ppm, NULL), 0);
    assert_int_equal(ppm, 5000);
    assert_int_equal(parse_share("12.0625%", &ppm, NULL), 0);
    assert_int_equal(ppm, 120625);
    assert_int_equal(parse_share("100%", &ppm, NULL), 0);
    assert_int_equal(ppm, 1000000);
    assert_int_equal(parse_share("100.0001%", &ppm, NULL), -ERANGE);
    assert_int_equal(parse_share("101%", &ppm, NULL), -ERANGE);
    assert_int_equal(parse_share("1.00005%", &ppm, NULL), -EINVAL);
    assert_int_equal(parse_share("1.%", &ppm, NULL), -EINVAL);
    assert_int_equal(parse_share(".5%", &ppm, NULL), -EINVAL);
    assert_int_equal(parse_share("-1%", &ppm, NULL), -EINVAL);
    assert_int_equal(parse_share("0.5", &ppm, &unit), -EDOM);
    assert_string_equal(unit, "");
    assert_int_equal(ppm, 1000000);
}

static void rates(void **state)
{
    uint64_t rate = 0;
    const char *unit = NULL;

    assert_int_equal(parse_rate("50/s", &rate, NULL), 0);
    assert_int_equal(rate, 50);
    assert_int_equal(parse_rate("50/m", &rate, &unit), -EDOM);
    assert_string_equal(unit, "/m");
    assert_int_equal(parse_rate("99999999999999999999/s", &rate, NULL), -ERANGE);
    assert_int_equal(parse_byte_rate("16M/s", &rate, NULL), 0);
    assert_int_equal(rate, 16 * MIB);
    assert_int_equal(parse_byte_rate("200/s", &rate, NULL), 0);
    assert_int_equal(rate, 200);
    assert_int_equal(parse_byte_rate("16MB/s", &rate, &unit), -EDOM);
    assert_string_equal(unit, "MB/s");
    assert_int_equal(parse_byte_rate("99999999T/s", &rate, NULL), -ERANGE);
    assert_int_equal(rate, 200);
}

static void durations_and_shares_are_written_back(void **state)
{
    char buffer[FORMAT_DURATION_MAX];

    assert_string_equal(format_duration(buffer, 90 * USEC_PER_SEC), "90s");
    assert_string_equal(format_duration(buffer, 120 * USEC_PER_SEC), "2m");
    assert_string_equal(format_duration(buffer, 48 * 3600 * USEC_PER_SEC), "2d");
    assert_string_equal(format_duration(buffer, 1500), "1500us");
    assert_string_equal(format_ppm(buffer, 5000), "0.5%");
    assert_string_equal(format_ppm(buffer, 1000000), "100%");
    assert_string_equal(format_ppm(buffer, 1), "0.0001%");
    assert_string_equal(format_ppm(buffer, 0), "0%");
}

static void sizes_are_written_back(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        { 0, "0" },
        { 1023, "1023" },
        { KIB, "1K" },
        { 1536, "1.5K" },
        { 512 * MIB, "512M" },
        { 1024 * MIB - 1, "1024M" },
        { 5 * GIB + GIB / 4, "5.3G" },
        { UINT64_MAX, "16E" },
    };
    char buffer[FORMAT_SIZE_MAX];

    for (size_t i = 0; i < ELEMENTS(cases); i++)
        assert_string_equal(format_size(buffer, cases[i].bytes), cases[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_as_people_write_them),
        cmocka_unit_test(sizes_refused),
        cmocka_unit_test(lengths_of_files),
        cmocka_unit_test(ranges_of_files),
        cmocka_unit_test(an_unknown_unit_is_pointed_at),
        cmocka_unit_test(durations),
        cmocka_unit_test(sizes_are_written_back),
        cmocka_unit_test(shares),
        cmocka_unit_test(rates),
        cmocka_unit_test(durations_and_shares_are_written_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
