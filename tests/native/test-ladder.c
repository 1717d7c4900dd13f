/* SPDX-License-Identifier: MIT */
/* Each row: what the ladder says it did, beside what the kernel says is there. */
#include "evict/ladder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "kernel/mappers.h"
#include "kernel/residency.h"
#include "native/native.h"
#include "native/seccomp.h"
#include "util/io.h"
#include "util/parse.h"

#define CACHESTAT_NR 451
#define NOBODY       65534

#define SIZE (4 * MIB)

static LadderOptions options; /* of the test that runs; proc_fd and the like are set for it */
static EvictOutcome told;
static int told_error;
static unsigned n_told;
static uint64_t told_evicted; /* of all files */

static int on_done(const char *path, const struct stat *st, int error, const EvictOutcome *outcome,
                   void *userdata)
{
    told = *outcome;
    told_error = error;
    n_told++;
    told_evicted += evict_outcome_evicted(outcome);
    return 0;
}

static int setup(void **state)
{
    options = (LadderOptions){
        .proc_fd = must(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC)),
        .bounds = EVICT_WHOLE_FILE,
        .explanations = 1,
        .done = on_done,
    };
    n_told = 0;
    return 0;
}

static int teardown(void **state)
{
    close(options.proc_fd);
    return 0;
}

/* The whole ladder for one file; in a child, too, where cmocka's assertions would run on. */
static int climb(int fd)
{
    Ladder *ladder;
    struct stat st;
    int copy = dup(fd);

    if (copy < 0 || fstat(fd, &st) < 0 || ladder_new(&options, &ladder) < 0)
        return -ENOTRECOVERABLE;
    int r = ladder_evict(ladder, "f", &copy, &st);
    if (r == 0)
        r = ladder_finish(ladder);
    ladder_free(ladder);
    if (copy >= 0)
        close(copy);
    return r;
}

static uint64_t resident(int fd, uint64_t size)
{
    Residency r;

    assert_int_equal(residency_of(fd, size, &r), 0);
    return r.resident;
}

/* What is left has a reason, each byte one. */
static void expect_adds_up(void)
{
    assert_int_equal(told.dirty + told.locked + told.mapped + told.beside + told.memory +
                         told.unsure + told.refused + told.interrupted + told.unseen + told.unknown,
                     told.after);
}

static void evict(int fd)
{
    n_told = 0;
    assert_int_equal(climb(fd), 0);
    assert_int_equal(n_told, 1);
    assert_int_equal(told_error, 0);
    expect_adds_up();
}

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

/* Whether the kernel counts dirty pages. */
static bool has_counters(void)
{
    CLEANUP_CLOSE int fd = must(memfd_create("f", MFD_CLOEXEC));
    Residency residency;

    assert_int_equal(residency_of(fd, SIZE, &residency), 0);
    return residency.has_counters;
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

static uint64_t resident_between(int fd, uint64_t begin, uint64_t end)
{
    Residency part;

    assert_int_equal(residency_of_range(fd, begin, end - begin, &part), 0);
    return part.resident;
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

/* A process that maps the file, all of it, and has touched each page. */
static pid_t map_elsewhere(int fd, size_t size)
{
    int down[2];
    char byte;

    must(pipe2(down, O_CLOEXEC));
    pid_t pid = must(fork());
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        char *address = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
        check(address != MAP_FAILED);
        check(madvise(address, size, MADV_POPULATE_READ) == 0);
        check(write(down[1], "m", 1) == 1);
        for (;;)
            pause();
    }
    close(down[1]);
    assert_int_equal(must(read(down[0], &byte, 1)), 1);
    close(down[0]);
    return pid;
}

static void unmap(pid_t pid)
{
    must(kill(pid, SIGKILL));
    must(waitpid(pid, NULL, 0));
}

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

static void an_empty_file(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int empty = make_file(&scratch, "empty", 0);

    evict(empty);
    assert_true(told.before == 0 && told.after == 0);
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
        TEST(clean_pages_go),
        TEST(at_a_rate_all_goes_too),
        TEST(locked_pages_stay),
        TEST(what_is_beside_a_lock_goes),
        TEST(dirty_pages_stay),
        TEST(what_is_dirty_is_not_even_advised),
        TEST(dirty_pages_are_written_first),
        TEST(what_cannot_be_written_is_told),
        TEST(what_others_wrote_in_vain_stays),
        TEST(what_is_barred_stays),
        TEST(what_the_disk_refuses_is_barred),
        TEST(where_it_may_write_it_asks_of_a_part_too),
        TEST(the_rest_of_a_file_is_written_at_the_rate),
        TEST(mapped_pages_stay),
        TEST(mapped_pages_are_taken_out),
        TEST(what_is_gone_meanwhile_is_not_counted),
        TEST(what_two_map_is_told),
        TEST(who_was_not_seen_is_told),
        TEST(what_waits_is_told_in_the_end),
        TEST(what_resists_is_reclaimed),
        TEST(what_is_barred_while_it_waits_stays),
        TEST(a_large_one_is_reclaimed_in_slices),
        TEST(parts_that_stay),
        TEST(only_a_range_goes),
        TEST(what_grows_beyond_a_range_stays),
        TEST(what_is_spared_stays),
        TEST(what_two_threads_leave_is_told_once),
        TEST(a_file_in_memory_only_stays),
        TEST(nor_is_it_swapped),
        TEST(an_empty_file),
        TEST(many_files_that_resist),
        TEST(a_cancelled_one_ends),
        TEST(what_may_be_dirty_is_not_advised),
        TEST(a_cancelled_one_passes_over_nothing),
        TEST(holes_take_no_time),
        TEST(a_part_is_told),
        TEST(measured_by_mincore),
        TEST(what_cannot_be_measured_is_not_done),
        TEST(failure_is_told),
        TEST(a_right_that_is_missing_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
