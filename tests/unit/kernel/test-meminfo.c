/* SPDX-License-Identifier: MIT */
#include "kernel/meminfo.h"

#include <errno.h>
#include <fcntl.h>

#include "unit/kernel/scratch.h"
#include "unit/test.h"
#include "util/units.h"

#define REQUIRED "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 600 kB\n"

static void a_real_file(void **state)
{
    CLEANUP_CLOSE int proc = must(open(TEST_DATA "/proc", O_PATH | O_DIRECTORY));
    MemInfo info;

    assert_int_equal(meminfo_read(proc, &info), 0);
    assert_int_equal(info.total, 1006860 * KIB);
    assert_int_equal(info.free, 120344 * KIB);
    assert_int_equal(info.available, 612004 * KIB);
    assert_int_equal(info.cached, 531900 * KIB);
    assert_int_equal(info.dirty, 84 * KIB);
    assert_int_equal(info.unevictable, 262144 * KIB);
    assert_int_equal(info.mlocked, 262144 * KIB);
    assert_int_equal(info.swap_total, 524284 * KIB);
    assert_int_equal(info.swap_free, 524000 * KIB);
}

static void what_is_not_required_may_lack(void **state)
{
    MemInfo info;

    assert_int_equal(meminfo_parse(REQUIRED, &info), 0);
    assert_int_equal(info.available, 600 * KIB);
    assert_int_equal(info.mlocked, 0);
}

static void what_is_required_may_not(void **state)
{
    static const char *const texts[] = {
        "",
        "MemTotal: 1000 kB\nMemFree: 100 kB\n",
        "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 600",      /* cut */
        "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 600 MB\n", /* another unit */
        "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: lots\n",
        "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 18446744073709551615 kB\n",
        "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable:\n",
        "XMemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 600 kB\n",
    };

    for (size_t i = 0; i < ELEMENTS(texts); i++) {
        MemInfo info = { .total = 99 };
        if (meminfo_parse(texts[i], &info) != -EBADMSG)
            fail_msg("taken: \"%s\"", texts[i]);
        assert_int_equal(info.total, 99);
    }
}

static void no_file(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    MemInfo info;

    assert_int_equal(meminfo_read(proc.fd, &info), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_real_file),
        cmocka_unit_test(what_is_not_required_may_lack),
        cmocka_unit_test(what_is_required_may_not),
        cmocka_unit_test(no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
