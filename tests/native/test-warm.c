/* SPDX-License-Identifier: MIT */
#include "kernel/warm.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "kernel/residency.h"
#include "native/native.h"
#include "native/seccomp.h"
#include "util/io.h"

#define CACHESTAT_NR 451

#define SIZE  (6 * MIB + 5)
#define PAGED (6 * MIB + 4096)

static const WarmOptions plainly;

static int cold_file(const Scratch *scratch)
{
    int fd = make_file(scratch, "f", SIZE);

    make_cold(fd, SIZE);
    return fd;
}

static uint64_t resident(int fd)
{
    Residency r;

    assert_int_equal(residency_of(fd, SIZE, &r), 0);
    return r.resident;
}

static bool all_is_read(int fd)
{
    WarmOutcome out;

    make_cold(fd, SIZE);
    assert_int_equal(warm_range(fd, 0, SIZE, &plainly, &out), 0);
    assert_true(out.measured);
    assert_int_equal(out.before, 0);
    return out.read == PAGED && out.after == PAGED && resident(fd) == PAGED;
}

static void what_is_missing_is_read(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = cold_file(&scratch);

    assert_true(in_one_of_some_tries(all_is_read(fd)));
}

static void what_is_there_is_not_read(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = cold_file(&scratch);
    void *pin = lock_part(fd, 0, SIZE);
    WarmOutcome out;

    assert_int_equal(warm_range(fd, 0, SIZE, &plainly, &out), 0);
    assert_int_equal(out.before, PAGED);
    assert_int_equal(out.after, PAGED);
    assert_int_equal(out.read, 0);
    munmap(pin, SIZE);
}

static bool the_range_is_read(int fd)
{
    Residency there;
    WarmOutcome out;

    make_cold(fd, SIZE);
    assert_int_equal(warm_range(fd, 2 * MIB + 7, MIB - 7, &plainly, &out), 0);
    assert_true(resident(fd) < 3 * MIB); /* the kernel may have read on */
    assert_int_equal(residency_of_range(fd, 2 * MIB, MIB, &there), 0);
    return there.resident == MIB;
}

static void only_the_range_is_read(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = cold_file(&scratch);

    assert_true(in_one_of_some_tries(the_range_is_read(fd)));
}

static void the_end_of_the_file_is_no_error(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = cold_file(&scratch);
    WarmOutcome out;

    assert_int_equal(warm_range(fd, 0, 4 * SIZE, &plainly, &out), 0);
    assert_int_equal(warm_range(fd, 0, 0, &plainly, &out), 0);
    assert_int_equal(out.after, 0);
    assert_int_equal(warm_range(fd, INT64_MAX, 1, &plainly, &out), -EINVAL);
}

static void a_cancelled_one_reads_nothing(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = cold_file(&scratch);
    atomic_bool cancelled = true;
    WarmOptions options = { .rate = 1, .cancelled = &cancelled };
    WarmOutcome out;

    assert_int_equal(warm_range(fd, 0, SIZE, &options, &out), -ECANCELED);
    assert_int_equal(out.read, 0);
    assert_int_equal(resident(fd), 0);
}

static void note_step(uint64_t bytes, void *userdata)
{
    uint64_t *last = userdata;

    assert_true(bytes > *last);
    *last = bytes;
}

static void a_rate_takes_its_time(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = cold_file(&scratch);
    uint64_t last = 0;
    WarmOptions options = { .rate = 20 * MIB, .step = note_step, .userdata = &last };
    WarmOutcome out;

    uint64_t began = now_usec();
    assert_int_equal(warm_range(fd, 0, SIZE, &options, &out), 0);
    assert_true(now_usec() - began >= 290 * USEC_PER_MSEC); /* 6 MiB at 20 MiB/s */
    assert_int_equal(last, SIZE);
}

/* In a child with a kernel that answers @nr with @error: all is there all the same. */
typedef struct Lacking {
    int nr, error;
    bool measured;
    int fd;
} Lacking;

static void warm_without(void *argument)
{
    const Lacking *lacking = argument;
    WarmOutcome out;

    seccomp_answer(lacking->nr, lacking->error);
    check(warm_range(lacking->fd, 0, SIZE, &plainly, &out) == 0);
    check(out.measured == lacking->measured);
}

static bool all_is_read_without(Lacking *lacking)
{
    make_cold(lacking->fd, SIZE);
    assert_int_equal(run_child(warm_without, lacking), 0);
    return resident(lacking->fd) == PAGED;
}

static void a_kernel_that_lacks_something(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = cold_file(&scratch);
    Lacking lacking[] = {
        { CACHESTAT_NR, ENOSYS, true, fd },
        { CACHESTAT_NR, EPERM, false, fd },
        { SYS_fadvise64, EINVAL, true, fd },
    };

    for (size_t k = 0; k < ELEMENTS(lacking); k++)
        assert_true(in_one_of_some_tries(all_is_read_without(&lacking[k])));
}

static void fail_to_read(void *argument)
{
    WarmOutcome out;

    seccomp_answer(SYS_pread64, EIO);
    check(warm_range(*(int *)argument, 0, SIZE, &plainly, &out) == -EIO);
}

static void a_disk_that_fails(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = cold_file(&scratch);

    assert_int_equal(run_child(fail_to_read, &fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_missing_is_read),
        cmocka_unit_test(what_is_there_is_not_read),
        cmocka_unit_test(only_the_range_is_read),
        cmocka_unit_test(the_end_of_the_file_is_no_error),
        cmocka_unit_test(a_cancelled_one_reads_nothing),
        cmocka_unit_test(a_rate_takes_its_time),
        cmocka_unit_test(a_kernel_that_lacks_something),
        cmocka_unit_test(a_disk_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
