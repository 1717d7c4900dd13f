/* SPDX-License-Identifier: MIT */
/* What is to stay of a file stays. */
#include "evict/ladder.h"

#include "native/climbing.h"

static void parts_that_stay(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    const size_t size = 16 * MIB;
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", size);
    Residency part;

    must(fsync(fd));
    options.bounds.first = 3 * MIB + 1;
    evict(fd);
    assert_true(told.before <= size - options.bounds.first);
    assert_int_equal(residency_of_range(fd, 4 * MIB, size - 4 * MIB, &part), 0);
    assert_int_equal(part.resident, 0);
    assert_int_equal(told.beside, told.after);

    assert_true(file_is_whole(fd, size));
    options.bounds.first = 0;
    options.bounds.last = 5 * MIB - 1;
    evict(fd);
    assert_int_equal(residency_of_range(fd, 0, 10 * MIB, &part), 0);
    assert_int_equal(part.resident, 0);
    assert_int_equal(told.beside, told.after);

    options.bounds.last = 2 * size;
    evict(fd);
    assert_int_equal(told.before, 0);
}

/* Whether what stays is all in memory after the eviction. The kernel takes what nothing holds as it
 * likes, but not each time. */
static bool stays_outside(int fd, uint64_t size, uint64_t begin, uint64_t end)
{
    for (int tries = 0; tries < 5; tries++) {
        assert_true(file_is_whole(fd, size));
        evict(fd);
        if (resident_between(fd, 0, begin) == begin &&
            resident_between(fd, end, size) >= size - end)
            return true;
    }
    return false;
}

/* All of it but for folios that reach over its ends, and nothing else. */
static void only_a_range_goes(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    const uint64_t size = 16 * MIB + 5;
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", size);

    must(fsync(fd));
    options.bounds = (EvictBounds){ .begin = 3 * MIB + 1, .end = 13 * MIB - 1 };
    assert_true(stays_outside(fd, size, 3 * MIB + 4096, 13 * MIB - 4096));
    assert_int_equal(resident_between(fd, 4 * MIB, 12 * MIB), 0);
    assert_int_equal(told.beside, told.after);

    /* The end of the file is no border where the range reaches so far. */
    options.bounds = (EvictBounds){ .begin = 12 * MIB, .end = 20 * MIB };
    assert_true(stays_outside(fd, size, 12 * MIB, size));
    assert_int_equal(resident_between(fd, 14 * MIB, size), 0);

    options.bounds = (EvictBounds){ 2 * MIB, UINT64_MAX, .last = 15 * MIB };
    evict(fd);
    assert_int_equal(told.before, 0);
    options.bounds = (EvictBounds){ 17 * MIB, UINT64_MAX };
    evict(fd);
    assert_int_equal(told.before, 0);
}

/* It has grown since it was looked at. */
static void what_grows_beyond_a_range_stays(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    const uint64_t size = 8 * MIB;
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", size);
    Ladder *ladder;
    struct stat st;
    bool stays = false;

    must(fsync(fd));
    must(fstat(fd, &st));
    st.st_size = 4 * MIB;
    options.bounds.end = 6 * MIB;
    assert_int_equal(ladder_new(&options, &ladder), 0);
    for (int tries = 0; tries < 5 && !stays; tries++) {
        int copy = must(dup(fd));

        assert_true(file_is_whole(fd, size));
        assert_int_equal(ladder_evict(ladder, "f", &copy, &st), 0);
        assert_int_equal(ladder_finish(ladder), 0);
        assert_int_equal(resident_between(fd, 0, 2 * MIB), 0);
        stays = resident_between(fd, 6 * MIB, size) == 2 * MIB;
        safe_close(copy);
    }
    assert_true(stays);
    ladder_free(ladder);
}

/* All rungs leave it, and climb for the rest; each byte that is left has a reason. */
static void what_is_spared_stays(void **state)
{
    static const ResidentRange spared[] = { { 4 * MIB, MIB }, { 8 * MIB, 4 * MIB } };
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    const size_t size = 16 * MIB;
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", size);
    void *one = lock_part(fd, 4 * MIB, MIB), *two = lock_part(fd, 8 * MIB, 4 * MIB);
    void *rest = lock_part(fd, 14 * MIB, MIB);
    Ladder *ladder;
    struct stat st;
    int copy = must(dup(fd));

    must(fstat(fd, &st));
    options.allowed.write_back = true;
    n_told = 0;
    assert_int_equal(ladder_new(&options, &ladder), 0);
    assert_int_equal(ladder_evict_between(ladder, "f", &copy, &st, spared, 2), 0);
    assert_int_equal(ladder_finish(ladder), 0);
    assert_int_equal(n_told, 1);
    expect_adds_up();
    assert_int_equal(told.error, 0);
    assert_true(told.before <= size - 5 * MIB);
    assert_true(told.locked >= MIB && told.locked <= told.after);
    assert_int_equal(told.dirty, 0);
    assert_int_equal(told.unknown, 0);
    assert_int_equal(resident(fd, 2 * MIB), 0);
    assert_true(file_is_whole(fd, size));
    ladder_free(ladder);
    if (copy >= 0)
        close(copy);
    munmap(one, MIB);
    munmap(two, 4 * MIB);
    munmap(rest, MIB);
}

/* Locked, mapped and dirty parts of a file so large that two threads share it, of each one in
 * either half; all else goes, and nothing counts twice. True unless others wrote or evicted some.
 */
static bool evict_mixed(int fd, size_t size)
{
    const uint64_t part = 2 * MIB; /* no folio is larger */

    assert_true(file_is_whole(fd, size));
    for (uint64_t at = 40 * MIB; at < size; at += 80 * MIB) {
        char page[4096];

        for (uint64_t i = at; i < at + part; i += sizeof page) {
            must(pread(fd, page, sizeof page, (off_t)i));
            must(pwrite(fd, page, sizeof page, (off_t)i));
        }
    }
    evict(fd);
    assert_int_equal(told.failed, EVICT_NO_RUNG);
    assert_int_equal(told.written, 0);
    assert_int_equal(told.evicted[EVICT_ADVISE], evict_outcome_evicted(&told));
    assert_true(told.after >= 2 * part);
    return told.before == page_floor(size, 4096) + 4096 &&
           told.evicted[EVICT_ADVISE] == told.before - told.after && told.after == 6 * part &&
           told.dirty == 2 * part && told.locked == 2 * part && told.mapped == 2 * part;
}

static void what_two_threads_leave_is_told_once(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    const size_t size = 160 * MIB + 5, part = 2 * MIB;
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", size);
    void *locked[] = { lock_part(fd, 20 * MIB, part), lock_part(fd, 140 * MIB, part) };
    void *mapped[] = { lock_part(fd, 60 * MIB, part), lock_part(fd, 100 * MIB, part) };

    if (!has_counters())
        skip();
    for (int i = 0; i < 2; i++)
        must(munlock(mapped[i], part));
    for (int two = 0; two < 2; two++) {
        options.hurry = two;
        options.explanations = UINT_MAX;
        must(fsync(fd));
        assert_true(in_one_of_some_tries(evict_mixed(fd, size)));
    }
    for (int i = 0; i < 2; i++) {
        munmap(locked[i], part);
        munmap(mapped[i], part);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(parts_that_stay),
        TEST(only_a_range_goes),
        TEST(what_grows_beyond_a_range_stays),
        TEST(what_is_spared_stays),
        TEST(what_two_threads_leave_is_told_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
