/* SPDX-License-Identifier: MIT */
#include "kernel/residency.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "native/native.h"
#include "native/seccomp.h"

#define CACHESTAT_NR 451
#define NOBODY       65534

#define SIZE (4 * MIB)

static bool kernel_has_cachestat(void)
{
    return syscall(CACHESTAT_NR, -1, NULL, NULL, 0) < 0 && errno != ENOSYS;
}

static void locked_pages_are_resident(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);
    void *pin = lock_part(fd, 0, SIZE);
    Residency r;

    must(fsync(fd));
    assert_int_equal(residency_of(fd, SIZE, &r), 0);
    assert_true(r.has_resident);
    assert_int_equal(r.has_counters, kernel_has_cachestat());
    assert_int_equal(r.resident, SIZE);
    assert_int_equal(r.dirty, 0);
    assert_int_equal(r.writeback, 0);

    assert_int_equal(residency_of_range(fd, MIB, MIB, &r), 0);
    assert_int_equal(r.resident, MIB);
    assert_int_equal(residency_of_range(fd, MIB - 1, 2, &r), 0);
    assert_int_equal(r.resident, 2 * 4096);
    assert_int_equal(residency_of_range(fd, SIZE, MIB, &r), 0);
    assert_int_equal(r.resident, 0);
    munmap(pin, SIZE);
}

/* fadvise leaves no traces of pages that were taken: they were given. Reclaim before it does. */
static bool no_page_was_taken(void)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);
    Residency r;

    make_cold(fd, SIZE);
    assert_int_equal(residency_of(fd, SIZE, &r), 0);
    assert_true(r.has_resident);
    assert_int_equal(r.resident, 0);
    return r.evicted == 0;
}

static void pages_thrown_out_are_not(void **state)
{
    assert_true(in_one_of_some_tries(no_page_was_taken()));
}

/* Unless somebody is faster in writing them. */
static bool some_is_dirty(void)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);
    Residency r;

    assert_int_equal(residency_of(fd, SIZE, &r), 0);
    assert_true(r.dirty <= r.resident);
    return r.dirty + r.writeback > 0;
}

static void dirty_pages_are_counted(void **state)
{
    if (!kernel_has_cachestat())
        skip();
    assert_true(in_one_of_some_tries(some_is_dirty()));
}

static void a_small_file_takes_a_page(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", 5);
    void *pin = lock_part(fd, 0, 5);
    Residency r;

    assert_int_equal(residency_of(fd, 5, &r), 0);
    assert_int_equal(r.resident, sysconf(_SC_PAGESIZE));
    munmap(pin, 5);
}

static void an_empty_file(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", 0);
    Residency r = { .resident = 99 };

    assert_int_equal(residency_of(fd, 0, &r), 0);
    assert_true(r.has_resident && r.resident == 0 && r.dirty == 0);
}

static void a_file_in_memory_only(void **state)
{
    CLEANUP_CLOSE int fd = must(memfd_create("f", MFD_CLOEXEC));
    Residency r;

    must(ftruncate(fd, SIZE));
    must(pwrite(fd, "x", 1, 0));
    must(pwrite(fd, "x", 1, MIB));
    assert_int_equal(residency_of(fd, SIZE, &r), 0);
    assert_int_equal(r.resident, 2 * sysconf(_SC_PAGESIZE));
}

static void what_is_no_file(void **state)
{
    CLEANUP_CLOSE int path = must(open("/etc/passwd", O_PATH | O_CLOEXEC));
    Residency r = { .resident = 99 };

    assert_int_equal(residency_of(path, SIZE, &r), -EBADF);
    assert_true(!r.has_resident && r.resident == 0);
    assert_int_equal(residency_of(-1, SIZE, &r), -EBADF);
    assert_int_equal(residency_of_range(0, UINT64_MAX, 1, &r), -EINVAL);
    assert_int_equal(residency_of_range(0, 1, UINT64_MAX, &r), -EINVAL);
}

/* 300 MiB of holes with three written and locked parts: at the beginning, over the border of the
 * first two windows, and at an end that is no whole page. */
#define WIDE      (300 * MIB + 100)
#define WIDE_LAST (299 * MIB)

static void ask_without_cachestat(void *argument)
{
    int fd = *(int *)argument;
    Residency r;

    seccomp_answer(CACHESTAT_NR, ENOSYS);
    check(residency_of(fd, WIDE, &r) == 0);
    check(r.has_resident);
    check(!r.has_counters);
    check(r.resident == 3 * MIB + 4096);
    check(r.dirty == 0 && r.writeback == 0 && r.evicted == 0);
    check(residency_of_range(fd, 128 * MIB - 1, 2, &r) == 0);
    check(r.resident == 2 * 4096);
    check(residency_of_range(fd, 10 * MIB, 10 * MIB, &r) == 0);
    check(r.resident == 0);
    check(residency_of_range(fd, WIDE + 4096, MIB, &r) == 0); /* behind the end */
    check(r.resident == 0);
}

static void mincore_is_the_fallback(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", 0);
    CLEANUP_FREE char *part = calloc(1, MIB + 100);
    static const uint64_t offsets[] = { 0, 128 * MIB - MIB / 2, WIDE_LAST };
    void *pins[ELEMENTS(offsets)];
    size_t lengths[] = { MIB, MIB, MIB + 100 };
    Residency r;

    for (size_t i = 0; i < ELEMENTS(offsets); i++) {
        must(pwrite(fd, part, lengths[i], (off_t)offsets[i]));
        pins[i] = lock_part(fd, offsets[i], lengths[i]);
    }
    /* What was read around them, if a part had left memory before it was locked. */
    must(fsync(fd));
    must(-posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
    assert_int_equal(residency_of(fd, WIDE, &r), 0);
    assert_int_equal(r.resident, 3 * MIB + 4096);
    assert_int_equal(run_child(ask_without_cachestat, &fd), 0);
    for (size_t i = 0; i < ELEMENTS(offsets); i++)
        munmap(pins[i], lengths[i]);
}

/* 7 EiB with a page in the middle and one at the end; and what lies together. */
#define HUGE_SIZE (7 * GIB * GIB)

static void ask_what_is_huge(void *argument)
{
    const uint64_t half = HUGE_SIZE / 2;
    int fd = memfd_create("f", MFD_CLOEXEC);
    ResidentRange ranges[4];
    ResidentPart part;
    Residency r;
    uint64_t next;
    size_t n;

    check(fd >= 0 && ftruncate(fd, (off_t)HUGE_SIZE) == 0);
    check(pwrite(fd, "x", 1, (off_t)half + 5000) == 1);
    check(pwrite(fd, "x", 1, (off_t)HUGE_SIZE - 1) == 1);
    if (argument)
        seccomp_answer(CACHESTAT_NR, ENOSYS);
    alarm(60);
    check(residency_of(fd, HUGE_SIZE, &r) == 0);
    check(r.resident == 2 * 4096);

    check(residency_seek(fd, 1, HUGE_SIZE, 3 * MIB, &part) == 0);
    check(part.begin % (3 * MIB) == 0 && part.end == part.begin + 3 * MIB);
    check(part.begin <= half + 4096 && part.end > half + 4096);
    check(part.residency.resident == 4096);
    check(residency_seek(fd, half + 4096, HUGE_SIZE, 3 * MIB, &part) == 0);
    check(part.begin == half + 4096 && part.residency.resident == 4096);
    check(residency_seek(fd, part.end, HUGE_SIZE, 3 * MIB, &part) == 0);
    check(part.end == HUGE_SIZE && part.residency.resident == 4096);
    check(residency_seek(fd, half + 8192, HUGE_SIZE - 4096, 3 * MIB, &part) == 0);
    check(part.begin == part.end);
    check(residency_seek(fd, HUGE_SIZE, HUGE_SIZE, 3 * MIB, &part) == 0);
    check(part.begin == part.end);

    check(residency_ranges(fd, 0, HUGE_SIZE, ranges, ELEMENTS(ranges), &n, &next) == 0);
    check(n == 2 && next >= HUGE_SIZE);
    check(ranges[0].offset == half + 4096 && ranges[0].length == 4096);
    check(ranges[1].offset == HUGE_SIZE - 4096 && ranges[1].length == 4096);
    check(residency_ranges(fd, 0, HUGE_SIZE, ranges, 1, &n, &next) == 0);
    check(n == 1 && next <= HUGE_SIZE - 4096);
}

static void holes_take_no_time(void **state)
{
    bool old_kernel = true;

    assert_int_equal(run_child(ask_what_is_huge, NULL), 0);
    assert_int_equal(run_child(ask_what_is_huge, &old_kernel), 0);
}

static void become_nobody(void)
{
    if (geteuid() == 0)
        check(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
    /* A change of user locks a process out of its own /proc/self/fd; people who were never root
     * are not. */
    check(prctl(PR_SET_DUMPABLE, 1) == 0);
}

/* Both ways of asking refuse, rather than say what mincore says: everything is resident. */
static void ask_as_a_stranger(void *argument)
{
    int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    Residency r = { .resident = 99, .has_resident = true };

    become_nobody();
    if (argument)
        seccomp_answer(CACHESTAT_NR, ENOSYS);
    int error = residency_of(fd, 100000, &r);
    check(error == -EPERM);
    check(!r.has_resident && r.resident == 0);
}

static void a_stranger_is_told_nothing(void **state)
{
    bool old_kernel = true;

    if (kernel_has_cachestat())
        assert_int_equal(run_child(ask_as_a_stranger, NULL), 0);
    assert_int_equal(run_child(ask_as_a_stranger, &old_kernel), 0);
}

static void ask_as_the_owner(void *argument)
{
    Residency r;

    become_nobody();
    int fd = memfd_create("f", MFD_CLOEXEC);
    check(fd >= 0 && ftruncate(fd, SIZE) == 0 && pwrite(fd, "x", 1, 0) == 1);
    check(fchmod(fd, 0400) == 0); /* owning it is enough, without the right to write */
    seccomp_answer(CACHESTAT_NR, ENOSYS);
    check(residency_of(fd, SIZE, &r) == 0);
    check(r.resident == 4096 && !r.has_counters);
}

/* Not the owner, and no capability, but the right to write. */
static void ask_as_a_writer(void *argument)
{
    int fd = *(int *)argument;
    Residency r;

    become_nobody();
    seccomp_answer(CACHESTAT_NR, ENOSYS);
    check(residency_of(fd, SIZE, &r) == 0);
    check(r.resident == SIZE);
}

static void the_owner_and_who_may_write_are_told(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);
    void *pin = lock_part(fd, 0, SIZE);

    must(fchmod(fd, 0666));
    assert_int_equal(run_child(ask_as_the_owner, NULL), 0);
    assert_int_equal(run_child(ask_as_a_writer, &fd), 0);
    munmap(pin, SIZE);
}

static void ask_on_overlayfs(void *argument)
{
    const Scratch *scratch = argument;
    char options[4 * PATH_MAX];
    Residency r;

    snprintf(options, sizeof options, "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work",
             scratch->path, scratch->path, scratch->path);
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("overlay", scratch_path(scratch, "merged"), "overlay", 0, options) < 0) {
        perror("mounting an overlay");
        _exit(CHILD_SKIPS);
    }
    int fd = open(scratch_path(scratch, "merged/f"), O_RDONLY | O_CLOEXEC);
    check(fd >= 0);
    void *pin = lock_part(fd, 0, SIZE);
    check(residency_of(fd, SIZE, &r) == 0);
    check(r.has_resident && !r.has_counters);
    check(r.resident == SIZE);
    munmap(pin, SIZE);
}

static void overlayfs_is_not_believed(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);

    scratch_folders(&scratch, "lower/");
    scratch_folders(&scratch, "upper/");
    scratch_folders(&scratch, "work/");
    scratch_folders(&scratch, "merged/");
    close(make_file(&scratch, "lower/f", SIZE));
    int status = run_child(ask_on_overlayfs, &scratch);
    if (status == CHILD_SKIPS)
        skip();
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locked_pages_are_resident),
        cmocka_unit_test(pages_thrown_out_are_not),
        cmocka_unit_test(dirty_pages_are_counted),
        cmocka_unit_test(a_small_file_takes_a_page),
        cmocka_unit_test(an_empty_file),
        cmocka_unit_test(a_file_in_memory_only),
        cmocka_unit_test(what_is_no_file),
        cmocka_unit_test(mincore_is_the_fallback),
        cmocka_unit_test(holes_take_no_time),
        cmocka_unit_test(a_stranger_is_told_nothing),
        cmocka_unit_test(the_owner_and_who_may_write_are_told),
        cmocka_unit_test(overlayfs_is_not_believed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
