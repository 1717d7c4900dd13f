/* SPDX-License-Identifier: MIT */
/* What processes map or lock, and what has no disk behind it. */
#include "evict/ladder.h"

#include "native/climbing.h"

static void mapped_pages_stay(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);

    must(fsync(fd));
    pid_t mapping = map_elsewhere(fd, SIZE);
    evict(fd);
    assert_int_equal(told.locked, 0);
    assert_int_equal(told.mapped, told.after);
    assert_int_equal(told.evicted[EVICT_PAGE_OUT], 0);
    unmap(mapping);
}

/* True when what it said to be left still was, which others may evict. */
static bool page_out(int fd)
{
    pid_t mapping = map_elsewhere(fd, SIZE);

    evict(fd);
    uint64_t left = resident(fd, SIZE);
    unmap(mapping);
    assert_int_equal(told.error, 0);
    assert_true(told.after <= 16 * 4096); /* "all (± 16 pages)" */
    assert_int_equal(told.mapped, told.after);
    return left == told.after;
}

static void mapped_pages_are_taken_out(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);

    if (geteuid() != 0)
        skip();
    must(fsync(fd));
    options.allowed.page_out = true;
    assert_true(in_one_of_some_tries(page_out(fd)));
}

/* The same of what two map. */
static bool page_out_of_two(int fd)
{
    pid_t one = map_elsewhere(fd, SIZE), two = map_elsewhere(fd, SIZE);

    evict(fd);
    uint64_t left = resident(fd, SIZE);
    unmap(one);
    unmap(two);
    assert_int_equal(told.mapped, told.after);
    return left == told.after;
}

/* By two names, both of which wait until it is known who maps them. */
static void what_is_gone_meanwhile_is_not_counted(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);
    Ladder *ladder;
    struct stat st;

    if (geteuid() != 0)
        skip();
    must(fsync(fd));
    must(fstat(fd, &st));
    options.allowed.page_out = true;
    pid_t mapping = map_elsewhere(fd, SIZE);
    n_told = 0;
    told_evicted = 0;
    assert_int_equal(ladder_new(&options, &ladder), 0);
    for (int i = 0; i < 2; i++) {
        int copy = must(dup(fd));
        assert_int_equal(ladder_evict(ladder, "f", &copy, &st), 0);
        assert_int_equal(copy, -1);
    }
    assert_int_equal(n_told, 0);
    assert_int_equal(ladder_finish(ladder), 0);
    assert_int_equal(n_told, 2);
    assert_true(told_evicted <= SIZE);
    assert_int_equal(resident(fd, SIZE), told.after);
    ladder_free(ladder);
    unmap(mapping);
}

/* What MADV_PAGEOUT leaves, saying success, is told as it is. */
static void what_two_map_is_told(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);

    if (geteuid() != 0)
        skip();
    must(fsync(fd));
    options.allowed.page_out = true;
    assert_true(in_one_of_some_tries(page_out_of_two(fd)));
}

/* In the place of /proc: a process that has @n mappings of the file; 0: that cannot be looked into.
 */
static void put_proc(const Scratch *scratch, const struct stat *st, unsigned n)
{
    char name[32];
    CLEANUP_FREE char *text = malloc(n * 64 + 1);
    size_t length = 0;

    assert_non_null(text);
    for (unsigned i = 0; i < n; i++)
        length += (size_t)sprintf(text + length, "%x000-%x000 r--s 00000000 %x:%x %ju f\n",
                                  2 * i + 1, 2 * i + 2, major(st->st_dev), minor(st->st_dev),
                                  (uintmax_t)st->st_ino);
    snprintf(name, sizeof name, "proc-%u/1/maps%s", n, n > 0 ? "" : "/");
    if (n > 0)
        scratch_put(scratch, name, text);
    else
        scratch_folders(scratch, name);
    snprintf(name, sizeof name, "proc-%u", n);
    options.proc_fd = must(openat(scratch->fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/* Both wait until it is known who maps them; what came of @fd is told last. */
static void evict_behind(int other, int fd)
{
    const int fds[] = { other, fd };
    Ladder *ladder;
    struct stat st;

    n_told = 0;
    assert_int_equal(ladder_new(&options, &ladder), 0);
    for (int i = 0; i < 2; i++) {
        int copy = must(dup(fds[i]));

        must(fstat(copy, &st));
        assert_int_equal(ladder_evict(ladder, "f", &copy, &st), 0);
        assert_int_equal(copy, -1);
    }
    assert_int_equal(ladder_finish(ladder), 0);
    assert_int_equal(n_told, 2);
    expect_adds_up();
    ladder_free(ladder);
}

static void evict_without_descriptors(void *argument)
{
    int fd = *(int *)argument;

    seccomp_answer_if(__NR_openat, 0, (unsigned)options.proc_fd, EMFILE);
    check(climb(fd) == 0);
    check(told.unseen == SIZE && told.error == 0);
    options.allowed.page_out = true;
    check(climb(fd) == 0);
    check(told.refused == SIZE && told.failed == EVICT_PAGE_OUT && told.error == -EMFILE);
}

/* What is left of a file that somebody maps, where not all processes can be looked into. */
static void who_was_not_seen_is_told(void **state)
{
    static const unsigned mappings[] = { 0, 2, MAPPERS_MAX + 1 };
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);
    CLEANUP_CLOSE int other = make_file(&scratch, "other", SIZE);
    int proc_fd = options.proc_fd;
    struct stat st;

    must(fsync(fd));
    must(fsync(other));
    must(fstat(other, &st));
    void *pin = lock_part(fd, 0, SIZE), *other_pin = lock_part(other, 0, SIZE);
    for (size_t i = 0; i < ELEMENTS(mappings); i++) {
        unsigned n = mappings[i];

        put_proc(&scratch, &st, n);
        evict_behind(other, fd);
        assert_int_equal(told.unseen, n == 0 || n > MAPPERS_MAX ? SIZE : 0);
        assert_int_equal(told.unseen + told.unknown, SIZE);
        close(options.proc_fd);
    }
    options.proc_fd = proc_fd;
    assert_int_equal(run_child(evict_without_descriptors, &fd), 0);
    munmap(pin, SIZE);
    munmap(other_pin, SIZE);
}

/* Where nobody asked who maps it, because of an interruption. */
static void what_waits_is_told_in_the_end(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);
    void *pin = lock_part(fd, 0, SIZE);
    Ladder *ladder;
    struct stat st;
    int copy = must(dup(fd));

    must(fsync(fd));
    must(fstat(fd, &st));
    assert_int_equal(ladder_new(&options, &ladder), 0);
    assert_int_equal(ladder_evict(ladder, "f", &copy, &st), 0);
    assert_int_equal(copy, -1);
    assert_int_equal(n_told, 0);
    ladder_give_up(ladder, -ECANCELED);
    assert_int_equal(n_told, 1);
    assert_int_equal(told.before, SIZE);
    assert_int_equal(told.interrupted, SIZE);
    assert_int_equal(told.error, -ECANCELED);
    expect_adds_up();
    assert_int_equal(ladder_finish(ladder), 0);
    assert_int_equal(n_told, 1);
    ladder_free(ladder);
    munmap(pin, SIZE);
}

static pid_t reclaimed_of[4];

static size_t n_reclaimed_of;

static unsigned n_reclaims;

static uint64_t reclaimed, reclaimed_most;

static atomic_bool cancelled;

static int reclaim_answer = -EAGAIN;

static int on_reclaim(const pid_t *pids, size_t n_pids, uint64_t bytes, void *userdata)
{
    assert_true(n_pids <= ELEMENTS(reclaimed_of));
    memcpy(reclaimed_of, pids, n_pids * sizeof *pids);
    n_reclaimed_of = n_pids;
    n_reclaims++;
    reclaimed += bytes;
    reclaimed_most = max_u64(reclaimed_most, bytes);
    if (options.cancelled)
        atomic_store(&cancelled, true);
    return reclaim_answer;
}

/* A file that resists, and its lock. */
static void *resist(const Scratch *scratch, size_t size, int *ret_fd)
{
    int fd = make_file(scratch, "f", size);

    must(fsync(fd));
    options.allowed = (EvictAllowed){ .page_out = true, .reclaim = true };
    options.reclaim = on_reclaim;
    n_reclaims = 0;
    reclaimed = reclaimed_most = 0;
    *ret_fd = fd;
    return lock_part(fd, 0, size);
}

/* Reclaim is asked for by those who map it, and not for ever where it does not help. */
static void what_resists_is_reclaimed(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = -1;
    void *pin = resist(&scratch, SIZE, &fd);

    evict(fd);
    assert_int_equal(n_reclaims, 2);
    assert_int_equal(reclaimed, 2 * SIZE);
    assert_int_equal(n_reclaimed_of, 1);
    assert_int_equal(reclaimed_of[0], getpid());
    assert_int_equal(told.locked, SIZE);
    assert_int_equal(told.error, 0);

    /* Neither where it is not allowed, nor where the kernel would take more. No failure. */
    for (size_t i = 0; i < 2; i++) {
        reclaim_answer = i == 0 ? -ENOENT : -EINVAL;
        evict(fd);
        assert_int_equal(n_reclaims, 3 + i);
        assert_int_equal(told.locked, SIZE);
        assert_int_equal(told.error, 0);
    }
    reclaim_answer = -EAGAIN;
    munmap(pin, SIZE);
}

/* While it waited, somebody else was told that the disk does not have it. */
static void what_is_barred_while_it_waits_stays(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(barred_freep) Barred *barred = barred_new();
    CLEANUP_CLOSE int fd = -1;
    void *pin = resist(&scratch, SIZE, &fd);
    Ladder *ladder;
    struct stat st;
    int copy = must(dup(fd));

    options.barred = barred;
    must(fstat(fd, &st));
    assert_int_equal(ladder_new(&options, &ladder), 0);
    assert_int_equal(ladder_evict(ladder, "f", &copy, &st), 0);
    assert_int_equal(copy, -1);
    barred_add(barred, fd);
    assert_int_equal(ladder_finish(ladder), 0);
    assert_int_equal(n_told, 1);
    assert_int_equal(n_reclaims, 0);
    assert_int_equal(told.failed, EVICT_WRITE_BACK);
    expect_adds_up();
    ladder_free(ladder);
    munmap(pin, SIZE);
}

/* Others' pages may go by it: little at a time, and no more where somebody says so. */
static void a_large_one_is_reclaimed_in_slices(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    const size_t size = 72 * MIB;
    CLEANUP_CLOSE int fd = -1;
    void *pin = resist(&scratch, size, &fd);

    evict(fd);
    assert_int_equal(reclaimed_most, 32 * MIB);
    assert_true(reclaimed >= 2 * size && reclaimed < 2 * size + 32 * MIB);

    atomic_store(&cancelled, false);
    options.cancelled = &cancelled;
    n_reclaims = 0;
    assert_int_equal(climb(fd), -ECANCELED);
    assert_int_equal(n_reclaims, 1);
    munmap(pin, size);
}

static void a_file_in_memory_only_stays(void **state)
{
    CLEANUP_CLOSE int fd = must(memfd_create("f", MFD_CLOEXEC));

    must(ftruncate(fd, SIZE));
    must(pwrite(fd, "x", 1, 0));
    options.allowed = (EvictAllowed){ .write_back = true, .page_out = true };
    evict(fd);
    assert_int_equal(told.before, 4096);
    assert_int_equal(told.after, 4096);
    assert_int_equal(told.memory, 4096);
}

/* Paging out would swap it: an attempt would be told as a failure. */
static void evict_from_memory_without_cachestat(void *argument)
{
    int fd = *(int *)argument;

    seccomp_answer(CACHESTAT_NR, ENOSYS);
    seccomp_answer(__NR_process_madvise, EIO);
    options.allowed = (EvictAllowed){ .write_back = true, .page_out = true };
    check(climb(fd) == 0);
    check(told.before == 4096 && told.after == 4096 && told.memory == 4096);
    check(told.failed == EVICT_NO_RUNG);
}

static void nor_is_it_swapped(void **state)
{
    CLEANUP_CLOSE int fd = must(memfd_create("f", MFD_CLOEXEC));

    must(ftruncate(fd, SIZE));
    must(pwrite(fd, "x", 1, 0));
    pid_t pid = map_elsewhere(fd, 4096);
    assert_int_equal(run_child(evict_from_memory_without_cachestat, &fd), 0);
    unmap(pid);
}

/* More than one look at all processes can ask for. */
static void many_files_that_resist(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    const unsigned n = 2 * LADDER_BATCH + 3;
    void *pins[2 * LADDER_BATCH + 3];
    Ladder *ladder;

    options.explanations = UINT_MAX;
    n_told = 0;
    assert_int_equal(ladder_new(&options, &ladder), 0);
    for (unsigned i = 0; i < n; i++) {
        char name[16];
        struct stat st;

        snprintf(name, sizeof name, "%u", i);
        int fd = make_file(&scratch, name, 2 * 4096);
        must(fsync(fd));
        must(fstat(fd, &st));
        pins[i] = lock_part(fd, 0, 2 * 4096);
        assert_int_equal(ladder_evict(ladder, name, &fd, &st), 0);
        assert_int_equal(fd, -1);
        assert_true(n_told == 0 || told.locked == 2 * 4096);
    }
    assert_int_equal(n_told, 2 * LADDER_BATCH);
    assert_int_equal(ladder_finish(ladder), 0);
    assert_int_equal(n_told, n);
    assert_int_equal(told.locked, 2 * 4096);
    assert_int_equal(told.after, 2 * 4096);
    ladder_free(ladder);
    for (unsigned i = 0; i < n; i++)
        munmap(pins[i], 2 * 4096);
}

static void page_out_without_the_right(void *argument)
{
    int fd = *(int *)argument;

    options.allowed.page_out = true;
    seccomp_answer(__NR_process_madvise, EPERM);
    check(climb(fd) == 0);
    if (told.after == 0)
        _exit(CHILD_SKIPS);
    check(told.failed == EVICT_PAGE_OUT && told.error == -EPERM);
    check(told.mapped == told.after);
}

/* True unless others had evicted all of it. */
static bool page_out_in_vain(int fd)
{
    pid_t mapping = map_elsewhere(fd, SIZE);
    int status = run_child(page_out_without_the_right, &fd);

    unmap(mapping);
    if (status != CHILD_SKIPS)
        assert_int_equal(status, 0);
    return status == 0;
}

static void a_right_that_is_missing_is_told(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);

    must(fsync(fd));
    assert_true(in_one_of_some_tries(page_out_in_vain(fd)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(mapped_pages_stay),
        TEST(mapped_pages_are_taken_out),
        TEST(what_is_gone_meanwhile_is_not_counted),
        TEST(what_two_map_is_told),
        TEST(who_was_not_seen_is_told),
        TEST(what_waits_is_told_in_the_end),
        TEST(what_resists_is_reclaimed),
        TEST(what_is_barred_while_it_waits_stays),
        TEST(a_large_one_is_reclaimed_in_slices),
        TEST(many_files_that_resist),
        TEST(a_right_that_is_missing_is_told),
        TEST(nor_is_it_swapped),
        TEST(a_file_in_memory_only_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
