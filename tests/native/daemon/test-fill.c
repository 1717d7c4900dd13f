/* SPDX-License-Identifier: MIT */
/* The real pagewarden-hold --fill, in a control group that is a folder with a file: that it is told
 * the process, the kernel does not see. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "daemon/pin_fill.h"
#include "kernel/residency.h"
#include "native/native.h"
#include "unit/hold/descriptors.h"
#include "unit/kernel/scratch.h"

static PinFill *a_fill(const Scratch *scratch)
{
    PinFill *fill = pin_fill_new(scratch->fd, "/shop", NULL, NULL, NULL);

    assert_non_null(fill);
    fill->program = HOLD_BINARY;
    return fill;
}

static uint64_t resident(int fd, uint64_t offset, uint64_t length)
{
    Residency residency;

    assert_int_equal(residency_of_range(fd, offset, length, &residency), 0);
    return residency.resident;
}

/* True when something is left of what it read. */
static bool read_and_end(void)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int a = make_file(&scratch, "a", 4 * MIB);
    CLEANUP_CLOSE int b = make_file(&scratch, "b", 100);
    size_t before = count_descriptors(0);
    char pid[32];

    make_cold(a, 4 * MIB);
    scratch_put(&scratch, "shop/cgroup.procs", "");
    PinFill *fill = a_fill(&scratch);
    assert_int_equal(pin_fill_add(fill, a, MIB, 2 * MIB, false), 0);
    assert_int_equal(pin_fill_add(fill, b, 0, 100, true), 0);
    assert_int_equal(pin_fill_add(fill, b, 0, 101, false), 0); /* it has no more than 100 */
    fill->job.run(&fill->job);
    assert_int_equal(fill->error, 0);
    assert_int_equal(fill->errors[0], 0);
    assert_int_equal(fill->errors[1], 0);
    assert_int_equal(fill->errors[2], -EINVAL);
    bool is_read = resident(a, MIB, 2 * MIB) > 0;
    /* It was put into the group, and has ended. */
    int n = atoi(scratch_get(&scratch, "shop/cgroup.procs", pid, sizeof(pid)));
    assert_true(n > 0);
    assert_int_equal(kill(n, 0), -1);
    assert_int_equal(errno, ESRCH);
    pin_fill_free(fill);
    assert_int_equal(count_descriptors(0), before);
    return is_read;
}

static void it_reads_and_is_gone(void **state)
{
    assert_true(in_one_of_some_tries(read_and_end()));
}

static void what_goes_wrong_is_told(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int a = make_file(&scratch, "a", 100);
    static const struct {
        const char *program;
        int error;
    } cases[] = { { "/nowhere", -ENOENT }, { "/bin/true", -EPIPE } };

    PinFill *none = a_fill(&scratch);
    assert_int_equal(pin_fill_add(none, a, 0, 100, false), 0);
    none->job.run(&none->job);
    assert_int_equal(none->error, -ENOENT);
    assert_string_equal(pin_fill_error_text(none->error),
                        "the service that it is to be charged to has no control group now");
    pin_fill_free(none);

    scratch_put(&scratch, "shop/cgroup.procs", "");
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        PinFill *fill = a_fill(&scratch);
        fill->program = cases[i].program;
        assert_int_equal(pin_fill_add(fill, a, 0, 100, false), 0);
        fill->job.run(&fill->job);
        assert_true(fill->error == cases[i].error || fill->error == -ECONNRESET);
        pin_fill_free(fill);
    }
}

/* The controller ends, or the service does. */
static void one_that_nobody_waits_for_is_killed(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int a = make_file(&scratch, "a", 100);
    char pid[32], hangs[PATH_MAX + 8];

    scratch_put(&scratch, "shop/cgroup.procs", "");
    scratch_put(&scratch, "hangs", "#!/bin/sh\nexec sleep 1000\n");
    must(fchmodat(scratch.fd, "hangs", 0755, 0));
    snprintf(hangs, sizeof(hangs), "%s/hangs", scratch.path);
    PinFill *fill = a_fill(&scratch);
    fill->program = hangs;
    assert_int_equal(pin_fill_add(fill, a, 0, 100, false), 0);
    job_abandon(&fill->job);
    fill->job.run(&fill->job);
    assert_int_equal(fill->error, -ECANCELED);
    int n = atoi(scratch_get(&scratch, "shop/cgroup.procs", pid, sizeof(pid)));
    assert_true(n > 0);
    assert_int_equal(kill(n, 0), -1);
    pin_fill_free(fill);
}

/* True when all that it read is still there. */
static bool read_nothing_around(void)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int a = make_file(&scratch, "a", 4 * MIB);

    must(ftruncate(a, 0));
    must(ftruncate(a, 16 * MIB));
    CLEANUP_CLOSE int b = make_file(&scratch, "b", MIB);
    CLEANUP_FREE char *text = malloc(MIB);
    must((int)pread(b, text, MIB, 0));
    must((int)pwrite(a, text, MIB, 8 * MIB));
    make_cold(a, 16 * MIB);
    scratch_put(&scratch, "shop/cgroup.procs", "");
    PinFill *fill = a_fill(&scratch);
    assert_int_equal(pin_fill_add(fill, a, 8 * MIB, MIB, false), 0);
    fill->job.run(&fill->job);
    assert_int_equal(fill->error, 0);
    assert_int_equal(fill->errors[0], 0);
    pin_fill_free(fill);
    uint64_t all = resident(a, 0, 16 * MIB), part = resident(a, 8 * MIB, MIB);
    assert_in_range(all, part, MIB);
    return part == MIB;
}

/* A file system reads around what is asked for, and in a hole that is zeros. */
static void it_reads_nothing_around(void **state)
{
    assert_true(in_one_of_some_tries(read_nothing_around()));
}

/* True when something is left of the rest. */
static bool evict_a_part(void)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int a = make_file(&scratch, "a", 4 * MIB);

    must(fsync(a));
    PinFill *fill = pin_fill_new(scratch.fd, NULL, NULL, NULL, NULL);
    assert_non_null(fill);
    assert_int_equal(pin_fill_add(fill, a, MIB, MIB, true), 0);
    fill->job.run(&fill->job);
    assert_int_equal(fill->error, 0);
    assert_int_equal(resident(a, MIB, MIB), 0);
    pin_fill_free(fill);
    return resident(a, 0, 4 * MIB) > 0;
}

/* For the holder, which reads by itself. */
static void it_evicts_only(void **state)
{
    assert_true(in_one_of_some_tries(evict_a_part()));
}

/* True when it stayed: others may evict it. */
static bool evict_what_the_disk_refused(void)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(barred_freep) Barred *barred = barred_new();
    CLEANUP_CLOSE int a = make_file(&scratch, "a", MIB);

    must(fsync(a));
    barred_add(barred, a);
    PinFill *fill = pin_fill_new(scratch.fd, NULL, barred, NULL, NULL);
    assert_non_null(fill);
    assert_int_equal(pin_fill_add(fill, a, 0, MIB, true), 0);
    fill->job.run(&fill->job);
    pin_fill_free(fill);
    return resident(a, 0, MIB) == MIB;
}

static void what_the_disk_refused_stays(void **state)
{
    assert_true(in_one_of_some_tries(evict_what_the_disk_refused()));
}

/* It reads, and does nothing else. */
static void it_locks_nothing(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int a = make_file(&scratch, "a", 100);

    scratch_put(&scratch, "shop/cgroup.procs", "");
    PinFill *fill = a_fill(&scratch);
    assert_int_equal(pin_fill_add(fill, a, 0, 100, false), 0);
    fill->packet.items[0].lock = HOLD_LOCK_NOW;
    fill->packet.items[0].locked = 100;
    fill->job.run(&fill->job);
    assert_true(fill->error == -EPIPE || fill->error == -ECONNRESET);
    pin_fill_free(fill);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_reads_and_is_gone),
        cmocka_unit_test(what_goes_wrong_is_told),
        cmocka_unit_test(one_that_nobody_waits_for_is_killed),
        cmocka_unit_test(it_reads_nothing_around),
        cmocka_unit_test(it_evicts_only),
        cmocka_unit_test(what_the_disk_refused_stays),
        cmocka_unit_test(it_locks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
