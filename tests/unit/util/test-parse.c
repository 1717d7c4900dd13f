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
        cmocka_unit_test(an_unknown_unit_is_pointed_at),
        cmocka_unit_test(durations),
        cmocka_unit_test(sizes_are_written_back),
        cmocka_unit_test(shares),
        cmocka_unit_test(rates),
        cmocka_unit_test(durations_and_shares_are_written_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
