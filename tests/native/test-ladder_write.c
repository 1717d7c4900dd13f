/* SPDX-License-Identifier: MIT */
/* What is dirty, or was and did not reach the disk. */
#include "evict/ladder.h"

#include "native/climbing.h"

/* All that is dirty stays as it is, and is told. True when some of it was there. */
static bool evict_dirty(void)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    const size_t size = 64 * MIB;
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", size);

    evict(fd);
    bool was_there = told.before > 0;
    if (told.has_dirty)
        assert_true(told.dirty <= told.after);
    assert_int_equal(told.written, 0);
    assert_true(file_is_whole(fd, size));

    must(fsync(fd));
    evict(fd);
    assert_int_equal(told.after, 0);
    assert_int_equal(told.dirty, 0);
    assert_true(file_is_whole(fd, size));
    return was_there;
}

static void dirty_pages_stay(void **state)
{
    assert_true(in_one_of_some_tries(evict_dirty()));
}

static bool is_all_dirty(int fd)
{
    Residency residency;

    return residency_of(fd, SIZE, &residency) == 0 && residency.dirty == SIZE;
}

/* Runs @body with a file of SIZE that nobody has begun to write; it says CHILD_SKIPS when somebody
 * did meanwhile, as the kernel may at any moment. */
static bool with_a_dirty_file(void (*body)(void *))
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);

    int status = is_all_dirty(fd) ? run_child(body, &fd) : CHILD_SKIPS;
    assert_true(file_is_whole(fd, SIZE));
    if (status != CHILD_SKIPS)
        assert_int_equal(status, 0);
    return status == 0;
}

static bool is_dirty_behind(int fd, uint64_t begin)
{
    Residency residency;

    return residency_of_range(fd, begin, SIZE - begin, &residency) == 0 && residency.dirty > 0;
}

static void advice_on_dirty_pages(void *argument)
{
    int fd = *(int *)argument;

    /* Were it given, its answer would be EIO. */
    seccomp_answer(__NR_fadvise64, EIO);
    check(climb(fd) == 0);
    if (!is_all_dirty(fd))
        _exit(CHILD_SKIPS);
    check(told.has_dirty && told.dirty == SIZE);
    check(told.failed == EVICT_NO_RUNG && told.error == 0);
}

/* Advice on dirty pages would begin to write them, at once and all. */
static void what_is_dirty_is_not_even_advised(void **state)
{
    if (!has_counters())
        skip();
    assert_true(in_one_of_some_tries(with_a_dirty_file(advice_on_dirty_pages)));
}

/* True unless others wrote all of it. */
static bool write_and_evict(void)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    const size_t size = 24 * MIB + 5 * 4096;
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", size);

    options.allowed.write_back = true;
    evict(fd);
    assert_int_equal(told.failed, EVICT_NO_RUNG);
    assert_int_equal(told.after, 0);
    assert_int_equal(evict_outcome_evicted(&told), told.before);
    assert_int_equal(resident(fd, size), 0);
    assert_true(file_is_whole(fd, size));
    return told.evicted[EVICT_WRITE_BACK] > 0 && (told.written > 0 || !told.has_dirty);
}

static void dirty_pages_are_written_first(void **state)
{
    assert_true(in_one_of_some_tries(write_and_evict()));
}

static void write_with_a_bad_disk(void *argument)
{
    int fd = *(int *)argument;
    Residency residency;

    options.allowed.write_back = true;
    seccomp_answer(__NR_ioctl, EIO); /* FIEMAP: the disk did not take it */
    check(climb(fd) == 0);
    check(residency_of(fd, SIZE, &residency) == 0);
    /* Advised, and so written before; or written by us, and evicted by others. */
    if (told.before < SIZE || told.evicted[EVICT_ADVISE] > 0 || residency.resident != told.after)
        _exit(CHILD_SKIPS);
    check(told.failed == EVICT_WRITE_BACK && told.error == -EIO);
}

static void what_cannot_be_written_is_told(void **state)
{
    if (!has_counters())
        skip();
    assert_true(in_one_of_some_tries(with_a_dirty_file(write_with_a_bad_disk)));
}

/* Clean as it seems: somebody else has had it written. */
static void evict_what_the_disk_lacks(void *argument)
{
    int fd = *(int *)argument;

    seccomp_answer(__NR_ioctl, EIO); /* FIEMAP: the disk did not take it */
    for (unsigned i = 0; i < 4; i++) {
        options.allowed.write_back = i & 1;
        options.bounds = EVICT_WHOLE_FILE;
        options.bounds.last = i & 2 ? MIB : 0;
        n_told = 0;
        check(climb(fd) == 0 && n_told == 1);
        check(told.before > 0 && told.after >= told.before && told.memory == 0);
        check(told.failed == EVICT_WRITE_BACK && told.error == -EIO);
    }
}

static void what_others_wrote_in_vain_stays(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);

    must(fsync(fd));
    /* Locked, lest somebody else takes it: still the disk is asked first. */
    void *pin = lock_part(fd, 0, SIZE);
    assert_int_equal(run_child(evict_what_the_disk_lacks, &fd), 0);
    munmap(pin, SIZE);
}

/* And asked once more, the disk says nothing of it. */
static void evict_what_is_barred(void *argument)
{
    int fd = *(int *)argument;

    options.barred = barred_new();
    barred_add(options.barred, fd);
    seccomp_answer(__NR_fadvise64, ENOTSUP); /* if it were advised nevertheless */
    for (unsigned i = 0; i < 4; i++) {
        options.allowed.write_back = i & 1;
        options.bounds.last = i & 2 ? MIB : 0;
        check(climb(fd) == 0);
        check(told.failed == EVICT_WRITE_BACK && told.error == -EIO);
        check(told.before > 0 && told.after == told.before);
        check(told.refused + told.beside == told.after);
    }
}

static void what_is_barred_stays(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);

    must(fsync(fd));
    void *pin = lock_part(fd, 0, SIZE);
    assert_int_equal(run_child(evict_what_is_barred, &fd), 0);
    munmap(pin, SIZE);
}

static void ask_in_vain(void *argument)
{
    int fd = *(int *)argument;

    options.barred = barred_new();
    seccomp_answer(__NR_ioctl, EIO); /* FIEMAP: the disk did not take it */
    check(climb(fd) == 0);
    check(told.failed == EVICT_WRITE_BACK);
    check(barred_holds(options.barred, fd));
}

static void ask_for_it_in_vain(void *argument)
{
    int fd = *(int *)argument;

    options.barred = barred_new();
    options.allowed.write_back = true;
    seccomp_answer(__NR_sync_file_range, EROFS);
    check(climb(fd) == 0);
    if (!told.has_dirty || told.dirty < told.after || told.after == 0)
        _exit(CHILD_SKIPS); /* others wrote it */
    check(told.failed == EVICT_WRITE_BACK && told.error == -EROFS);
    check(barred_holds(options.barred, fd));
}

static void what_the_disk_refuses_is_barred(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);
    void *pin = lock_part(fd, 0, SIZE);

    must(fsync(fd));
    assert_int_equal(run_child(ask_in_vain, &fd), 0);
    if (has_counters())
        assert_true(in_one_of_some_tries(with_a_dirty_file(ask_for_it_in_vain)));
    munmap(pin, SIZE);
}

static void ask_without_memory(void *argument)
{
    int fd = *(int *)argument;

    options.barred = barred_new();
    seccomp_answer(__NR_ioctl, ENOMEM);
    check(climb(fd) == -ENOMEM);
    check(!barred_holds(options.barred, fd));
}

static void ask_for_it_without_memory(void *argument)
{
    int fd = *(int *)argument;

    options.barred = barred_new();
    options.allowed.write_back = true;
    seccomp_answer(__NR_sync_file_range, ENOMEM);
    int r = climb(fd);
    if (r != -ENOMEM)
        _exit(CHILD_SKIPS); /* others wrote it */
    check(!barred_holds(options.barred, fd));
}

/* What was to be written first may have failed, and the mark of what failed before is gone. */
static void ask_of_what_is_dirty_without_memory(void *argument)
{
    int fd = *(int *)argument;

    options.barred = barred_new();
    seccomp_answer(__NR_ioctl, ENOMEM);
    check(barred_ask(options.barred, fd) == -ENOMEM);
    if (!is_all_dirty(fd))
        _exit(CHILD_SKIPS);
    check(barred_holds(options.barred, fd));
}

static void what_is_of_the_moment_bars_nothing(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);
    void *pin = lock_part(fd, 0, SIZE);

    if (!has_counters())
        skip();
    must(fsync(fd));
    assert_int_equal(run_child(ask_without_memory, &fd), 0);
    assert_true(in_one_of_some_tries(with_a_dirty_file(ask_for_it_without_memory)));
    assert_true(in_one_of_some_tries(with_a_dirty_file(ask_of_what_is_dirty_without_memory)));
    munmap(pin, SIZE);
}

/* The head of a file is clean, and the rest is not; whether the disk has the head is asked about
 * the whole, and not without writing the rest. */
static void evict_the_clean_head(void *argument)
{
    int fd = *(int *)argument;

    options.bounds.end = MIB;
    seccomp_answer(__NR_ioctl, EIO); /* FIEMAP: the disk did not take it */
    check(climb(fd) == 0);
    if (!is_dirty_behind(fd, MIB))
        _exit(CHILD_SKIPS);
    check(told.failed == EVICT_NO_RUNG && told.written == 0);
    options.allowed.write_back = true;
    check(climb(fd) == 0);
    check(told.failed == EVICT_WRITE_BACK && told.error == -EIO);
    check(told.before == MIB && told.after == MIB);
    check(told.written > 0);
}

static bool evict_a_clean_head(void)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);
    void *pin = lock_part(fd, 0, SIZE);

    must(fsync(fd));
    must(pwrite(fd, pin, MIB, 2 * MIB));
    int status = run_child(evict_the_clean_head, &fd);
    munmap(pin, SIZE);
    if (status != CHILD_SKIPS)
        assert_int_equal(status, 0);
    return status == 0;
}

static void where_it_may_write_it_asks_of_a_part_too(void **state)
{
    if (!has_counters())
        skip();
    assert_true(in_one_of_some_tries(evict_a_clean_head()));
}

/* Asking would have the kernel write the rest at once. */
static bool write_a_range_at_a_rate(void)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);
    bool was_dirty = is_all_dirty(fd);
    uint64_t began = now_usec();

    options.allowed.write_back = true;
    options.bounds.end = MIB;
    options.rate = 4 * SIZE;
    evict(fd);
    assert_int_equal(told.failed, EVICT_NO_RUNG);
    assert_int_equal(resident_between(fd, 0, MIB) - told.beside, 0);
    if (!was_dirty || told.written < SIZE)
        return false;
    assert_true(now_usec() - began >= USEC_PER_SEC / 4);
    return true;
}

static void the_rest_of_a_file_is_written_at_the_rate(void **state)
{
    if (!has_counters())
        skip();
    assert_true(in_one_of_some_tries(write_a_range_at_a_rate()));
}

static atomic_bool cancelled;

/* Others may write it out before that: then there is nothing to see. */
static void a_cancelled_one_passes_over_nothing(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);
    Residency residency;

    assert_int_equal(residency_of(fd, SIZE, &residency), 0);
    if (!residency.has_counters || residency.dirty != SIZE)
        skip();
    atomic_store(&cancelled, true);
    options.cancelled = &cancelled;
    assert_int_equal(climb(fd), -ECANCELED);
}

/* Were it advised, the answer would be EIO. */
static void evict_what_may_be_dirty(void *argument)
{
    int fd = *(int *)argument;

    seccomp_answer(CACHESTAT_NR, ENOSYS);
    seccomp_answer(__NR_fadvise64, EIO);
    check(climb(fd) == 0);
    check(told.failed == EVICT_NO_RUNG && told.error == 0);
    check(told.before > 0 && told.unsure == told.after && told.unknown == 0);

    options.allowed.write_back = true;
    check(climb(fd) == 0);
    check(told.failed == EVICT_WRITE_BACK && told.error == -EIO && told.refused == told.after);
}

static void what_may_be_dirty_is_not_advised(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);

    assert_int_equal(run_child(evict_what_may_be_dirty, &fd), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(dirty_pages_stay),
        TEST(what_is_dirty_is_not_even_advised),
        TEST(dirty_pages_are_written_first),
        TEST(what_cannot_be_written_is_told),
        TEST(what_others_wrote_in_vain_stays),
        TEST(what_is_barred_stays),
        TEST(what_the_disk_refuses_is_barred),
        TEST(what_is_of_the_moment_bars_nothing),
        TEST(where_it_may_write_it_asks_of_a_part_too),
        TEST(the_rest_of_a_file_is_written_at_the_rate),
        TEST(what_may_be_dirty_is_not_advised),
        TEST(a_cancelled_one_passes_over_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
