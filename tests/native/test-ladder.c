/* SPDX-License-Identifier: MIT */
/* What is evicted by advice, and how a ladder is climbed, left and measured. */
#include "evict/ladder.h"

#include "native/climbing.h"

/* Whether all of it was there. */
static bool evict_all(int fd)
{
    assert_true(file_is_whole(fd, SIZE));
    must(pread(fd, (char[8]){ 0 }, 5, SIZE));
    evict(fd);
    assert_int_equal(told.after, 0);
    assert_int_equal(told.evicted[EVICT_ADVISE], told.before);
    assert_int_equal(told.failed, EVICT_NO_RUNG);
    return told.before == SIZE + 4096;
}

static void clean_pages_go(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE + 5);

    must(fsync(fd));
    evict(fd);
    assert_true(in_one_of_some_tries(evict_all(fd)));
    assert_int_equal(evict_outcome_evicted(&told), SIZE + 4096);
    assert_int_equal(resident(fd, SIZE + 5), 0);
}

static void at_a_rate_all_goes_too(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    const size_t size = 16 * MIB;
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", size);
    void *pin = lock_part(fd, 0, size);
    uint64_t began = now_usec();

    /* Locked, and so in memory for certain, all of it is paid for. */
    must(fsync(fd));
    options.rate = 32 * MIB;
    evict(fd);
    assert_true(now_usec() - began >= 400 * USEC_PER_MSEC);
    assert_int_equal(told.after, size);
    munmap(pin, size);
    options.rate = GIB;
    evict(fd);
    assert_int_equal(told.after, 0);
    assert_int_equal(resident(fd, size), 0);
}

static void locked_pages_stay(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);
    void *pin = lock_part(fd, 0, SIZE);

    must(fsync(fd));
    for (int page_out = 0; page_out < 2; page_out++) {
        options.allowed.page_out = page_out;
        evict(fd);
        assert_int_equal(told.before, SIZE);
        assert_int_equal(told.after, SIZE);
        assert_int_equal(told.locked, SIZE);
        assert_int_equal(evict_outcome_evicted(&told), 0);
        assert_int_equal(told.failed, EVICT_NO_RUNG);
        assert_int_equal(resident(fd, SIZE), SIZE);
    }

    munmap(pin, SIZE);
    evict(fd);
    assert_int_equal(told.after, 0);
}

static void what_is_beside_a_lock_goes(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    const size_t size = 16 * MIB; /* folios of up to 2 MiB hang together */
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", size);
    void *pin = lock_part(fd, 0, MIB);

    must(fsync(fd));
    evict(fd);
    assert_true(told.after >= MIB);
    assert_true(told.after < size);
    assert_true(told.locked >= MIB);
    assert_int_equal(resident(fd, MIB), MIB);
    munmap(pin, MIB);
}

static atomic_bool cancelled;

static void an_empty_file(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int empty = make_file(&scratch, "empty", 0);

    evict(empty);
    assert_true(told.before == 0 && told.after == 0);
}

static void *cancel_soon(void *argument)
{
    usleep(600000);
    atomic_store(&cancelled, true);
    return NULL;
}

static void a_cancelled_one_ends(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);
    void *pin = lock_part(fd, 0, SIZE);

    must(fsync(fd));
    atomic_store(&cancelled, true);
    options.cancelled = &cancelled;
    assert_int_equal(climb(fd), -ECANCELED);
    assert_int_equal(n_told, 0);
    munmap(pin, SIZE);
}

/* 7 EiB, of which two bytes are there, by all rungs and at a rate: each step of it would take
 * years. */
#define HUGE_SIZE (7 * GIB * GIB)

static void evict_what_is_huge(void *argument)
{
    int fd = memfd_create("f", MFD_CLOEXEC);

    check(fd >= 0 && ftruncate(fd, (off_t)HUGE_SIZE) == 0);
    check(pwrite(fd, "x", 1, (off_t)(HUGE_SIZE / 2)) == 1);
    check(pwrite(fd, "x", 1, (off_t)(HUGE_SIZE - 1)) == 1);
    if (argument)
        seccomp_answer(CACHESTAT_NR, ENOSYS);
    options.allowed = (EvictAllowed){ .write_back = true, .page_out = true };
    options.rate = GIB;
    alarm(60);
    check(climb(fd) == 0);
    check(told.before == 2 * 4096 && told.after == 2 * 4096);
}

static void holes_take_no_time(void **state)
{
    bool old_kernel = true;

    assert_int_equal(run_child(evict_what_is_huge, NULL), 0);
    assert_int_equal(run_child(evict_what_is_huge, &old_kernel), 0);
}

static uint64_t so_far;

static void on_tick(const Ladder *ladder, void *userdata)
{
    uint64_t evicted, written;

    ladder_so_far(ladder, &evicted, &written);
    assert_int_equal(written, 0);
    so_far = max_u64(so_far, evicted);
}

/* What it has taken until then is told, at the end and before. */
static void a_part_is_told(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", 8 * MIB);
    pthread_t thread;

    must(fsync(fd));
    atomic_store(&cancelled, false);
    options.cancelled = &cancelled;
    options.rate = 8 * MIB;
    options.tick = on_tick;
    so_far = 0;
    void *pin = lock_part(fd, 6 * MIB, 2 * MIB); /* it ends no sooner */
    assert_true(file_is_whole(fd, 8 * MIB));
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
    int r = climb(fd);
    pthread_join(thread, NULL);
    assert_int_equal(r, -ECANCELED);
    assert_int_equal(n_told, 1);
    assert_int_equal(told.error, -ECANCELED);
    assert_in_range(evict_outcome_evicted(&told), 1, 6 * MIB);
    assert_in_range(so_far, 1, 6 * MIB);
    expect_adds_up();
    munmap(pin, 2 * MIB);
    atomic_store(&cancelled, true);
}

static void evict_without_cachestat(void *argument)
{
    int fd = *(int *)argument;

    seccomp_answer(CACHESTAT_NR, ENOSYS);
    check(climb(fd) == 0);
    check(told.before >= MIB && told.after >= MIB);
    check(!told.has_dirty && told.dirty == 0 && told.locked >= MIB);
}

static void measured_by_mincore(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);
    void *pin = lock_part(fd, 0, MIB);

    must(fsync(fd));
    /* The lock is the parent's, which maps it as well. */
    assert_int_equal(run_child(evict_without_cachestat, &fd), 0);
    munmap(pin, MIB);
}

/* Were the advice given nevertheless, its answer would be EIO. */
static void evict_as_a_stranger(void *argument)
{
    int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

    if (geteuid() == 0)
        check(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
    if (argument)
        seccomp_answer(CACHESTAT_NR, ENOSYS);
    seccomp_answer(__NR_fadvise64, EIO);
    check(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == EIO);
    check(climb(fd) == 0);
    check(told_error == -EPERM);
    check(told.before == 0 && told.after == 0);
}

static void what_cannot_be_measured_is_not_done(void **state)
{
    bool old_kernel = true;

    assert_int_equal(run_child(evict_as_a_stranger, NULL), 0);
    assert_int_equal(run_child(evict_as_a_stranger, &old_kernel), 0);
}

static void evict_with_a_failing_kernel(void *argument)
{
    int fd = *(int *)argument;

    seccomp_answer(__NR_fadvise64, EIO);
    check(climb(fd) == 0);
    check(told.failed == EVICT_ADVISE && told.error == -EIO);
    check(told.before == SIZE && told.after == SIZE);
}

static void failure_is_told(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);
    void *pin = lock_part(fd, 0, SIZE);

    must(fsync(fd));
    assert_int_equal(run_child(evict_with_a_failing_kernel, &fd), 0);
    munmap(pin, SIZE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(clean_pages_go),      TEST(at_a_rate_all_goes_too),
        TEST(locked_pages_stay),   TEST(what_is_beside_a_lock_goes),
        TEST(an_empty_file),       TEST(a_cancelled_one_ends),
        TEST(holes_take_no_time),  TEST(a_part_is_told),
        TEST(measured_by_mincore), TEST(what_cannot_be_measured_is_not_done),
        TEST(failure_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
