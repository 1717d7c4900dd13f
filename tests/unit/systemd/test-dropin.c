/* SPDX-License-Identifier: MIT */
#include "systemd/units.h"
#include "unit/kernel/scratch.h"
#include "unit/test.h"
#include "util/units.h"

#define RAM     (8 * GIB)
#define RUNTIME "/run/systemd/transient/a.service.d/50-MemoryHigh.conf"

/* Of a unit with this file, and this drop-in behind what there is besides. */
static uint64_t said(const char *fragment, const char *drop_in, const char *besides, bool theirs)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    char path[PATH_MAX], conf[PATH_MAX];
    char *drop_ins[] = { (char *)besides, NULL, NULL };
    UnitDetails details = { .fragment = path, .drop_ins = drop_ins };

    snprintf(path, sizeof(path), "/proc/self/fd/%d/a.service", scratch.fd);
    snprintf(conf, sizeof(conf), "/proc/self/fd/%d/a.conf", scratch.fd);
    scratch_put(&scratch, "a.service", fragment);
    if (drop_in) {
        scratch_put(&scratch, "a.conf", drop_in);
        drop_ins[besides ? 1 : 0] = conf;
    }
    return unit_files_memory_high(&details, RAM, theirs);
}

static void the_last_one_counts(void **state)
{
    static const struct {
        const char *fragment, *drop_in;
        uint64_t expected;
    } cases[] = {
        { "[Service]\nExecStart=/bin/a\n", NULL, LIMIT_NONE },
        { "[Service]\nMemoryHigh=200M\n", NULL, 200 * MIB },
        { "[Service]\nMemoryHigh=200M\n", "[Service]\n \tMemoryHigh =\t1G \r\n", GIB },
        { "[Service]\nMemoryHigh=1G\nMemoryHigh=4096", NULL, 4096 },
        { "[Service]\nMemoryHigh=1G\n", "[Service]\nMemoryHigh=\n", LIMIT_NONE },
        { "[Service]\nMemoryHigh=1G\n", "[Service]\nMemoryHigh=infinity\n", LIMIT_NONE },
        { "[Service]\nMemoryHigh=25%\n", NULL, RAM / 4 },
        /* Neither of these is one. */
        { "[Service]\nStartupMemoryHigh=1G\nMemoryHighest=1G\n#MemoryHigh=1G\n", NULL, LIMIT_NONE },
        { "[Service]\nMemoryHigh=1G\n", "[Service]\nMemoryHigh=much\n", GIB },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++)
        assert_int_equal(said(cases[i].fragment, cases[i].drop_in, NULL, false), cases[i].expected);
}

/* The drop-in of run time is not looked into. */
static void what_was_set_at_run_time(void **state)
{
    const char *file = "[Service]\nMemoryHigh=200M\n", *more = "[Service]\nMemoryHigh=100M\n";

    assert_int_equal(said(file, NULL, RUNTIME, false), 200 * MIB);
    assert_int_equal(said(file, NULL, RUNTIME, true), LIMIT_NONE);
    assert_int_equal(said(file, more, RUNTIME, true), 100 * MIB);
}

static void files_that_are_gone(void **state)
{
    char *drop_ins[] = { (char *)"/nonexistent/a.conf", NULL };
    const UnitDetails details = { .fragment = "", .drop_ins = drop_ins };

    assert_int_equal(unit_files_memory_high(&details, RAM, false), LIMIT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_one_counts),
        cmocka_unit_test(what_was_set_at_run_time),
        cmocka_unit_test(files_that_are_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
