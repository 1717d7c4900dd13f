/* SPDX-License-Identifier: MIT */
#include "kernel/evict.h"

#include <errno.h>
#include <sys/syscall.h>

#include "kernel/residency.h"
#include "native/native.h"
#include "native/seccomp.h"

#define CACHESTAT_NR 451
#define NOBODY       65534

#define SIZE (4 * MIB)

static uint64_t resident(int fd, uint64_t size)
{
    Residency r;

    assert_int_equal(residency_of(fd, size, &r), 0);
    return r.resident;
}

static void clean_pages_go(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE + 5);
    EvictOutcome out = { 0 };

    must(fsync(fd));
    /* Others may evict as well: a few tries until all of it was there. */
    for (int i = 0; i < 20 && out.before != SIZE + 4096; i++) {
        assert_true(file_is_whole(fd, SIZE));
        assert_int_equal(evict_file(fd, SIZE + 5, &out), 0);
        assert_int_equal(out.after, 0);
        assert_int_equal(out.evicted, out.before);
        assert_int_equal(out.dirty, 0);
        assert_false(out.locked_or_mapped_left);
        must(pread(fd, (char[8]){ 0 }, 5, SIZE));
        assert_int_equal(evict_file(fd, SIZE + 5, &out), 0);
        assert_true(file_is_whole(fd, SIZE));
        must(pread(fd, (char[8]){ 0 }, 5, SIZE));
        assert_int_equal(evict_file(fd, SIZE + 5, &out), 0);
    }
    assert_int_equal(out.before, SIZE + 4096);
    assert_int_equal(out.evicted, SIZE + 4096);
    assert_int_equal(resident(fd, SIZE + 5), 0);
}

/* The size is what was measured; what the file has grown by since goes as well. */
static void the_whole_file_goes(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);
    EvictOutcome out;

    must(fsync(fd));
    assert_true(file_is_whole(fd, SIZE));
    assert_int_equal(evict_file(fd, 5, &out), 0);
    assert_true(out.before <= 4096);
    assert_int_equal(resident(fd, SIZE), 0);
}

static void locked_pages_stay(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);
    void *pin = lock_part(fd, 0, SIZE);
    EvictOutcome out;

    must(fsync(fd));
    assert_int_equal(evict_file(fd, SIZE, &out), 0);
    assert_int_equal(out.before, SIZE);
    assert_int_equal(out.after, SIZE);
    assert_int_equal(out.evicted, 0);
    assert_int_equal(out.locked_or_mapped_left, out.has_dirty);
    assert_int_equal(resident(fd, SIZE), SIZE);

    munmap(pin, SIZE);
    assert_int_equal(evict_file(fd, SIZE, &out), 0);
    assert_int_equal(out.after, 0);
    assert_false(out.locked_or_mapped_left);
}

static void what_is_beside_a_lock_goes(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    const size_t size = 16 * MIB; /* folios of up to 2 MiB hang together */
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", size);
    void *pin = lock_part(fd, 0, MIB);
    EvictOutcome out;

    must(fsync(fd));
    assert_int_equal(evict_file(fd, size, &out), 0);
    assert_true(out.after >= MIB);
    assert_true(out.after < size);
    assert_int_equal(out.evicted, out.before - out.after);
    assert_int_equal(out.locked_or_mapped_left, out.has_dirty);
    munmap(pin, MIB);
}

/* The kernel begins to write, and takes what is written already: how much that is, is the disk's
 * affair. */
static void dirty_pages_are_not_lost(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    const size_t size = 64 * MIB;
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", size);
    EvictOutcome out;

    assert_int_equal(evict_file(fd, size, &out), 0);
    assert_true(out.before > 0);
    assert_true(out.after <= out.before);
    assert_true(out.dirty <= out.after);
    assert_false(out.locked_or_mapped_left);

    must(fsync(fd));
    assert_int_equal(evict_file(fd, size, &out), 0);
    assert_int_equal(out.after, 0);
    assert_int_equal(out.dirty, 0);
    assert_true(file_is_whole(fd, size));
}

/* Advice that succeeds and does nothing, as on a disk that is slow to write. */
static void evict_where_advice_does_nothing(void *argument)
{
    int fd = *(int *)argument;
    EvictOutcome out;

    seccomp_answer(__NR_fadvise64, 0);
    check(evict_file(fd, SIZE, &out) == 0);
    check(out.evicted == 0);
    check(out.before == SIZE && out.after == SIZE);
    check(!out.has_dirty || out.dirty == SIZE);
    check(!out.locked_or_mapped_left);
}

static void dirty_pages_are_told(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);

    assert_int_equal(run_child(evict_where_advice_does_nothing, &fd), 0);
}

static void a_file_in_memory_only_stays(void **state)
{
    CLEANUP_CLOSE int fd = must(memfd_create("f", MFD_CLOEXEC));
    EvictOutcome out;

    must(ftruncate(fd, SIZE));
    must(pwrite(fd, "x", 1, 0));
    assert_int_equal(evict_file(fd, SIZE, &out), 0);
    assert_int_equal(out.before, 4096);
    assert_int_equal(out.after, 4096);
    assert_int_equal(out.evicted, 0);
}

static void what_is_no_file(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int empty = make_file(&scratch, "empty", 0);
    CLEANUP_CLOSE int path = must(openat(scratch.fd, "empty", O_PATH | O_CLOEXEC));
    EvictOutcome out = { .before = 99 };
    int pipes[2];

    must(pipe(pipes));
    assert_int_equal(evict_file(pipes[0], 0, &out), -ESPIPE);
    assert_int_equal(evict_file(path, 0, &out), -EBADF);
    assert_int_equal(out.before, 99);
    assert_int_equal(evict_file(empty, 0, &out), 0);
    assert_true(out.before == 0 && out.after == 0 && out.evicted == 0);
    close(pipes[0]);
    close(pipes[1]);
}

static void evict_without_cachestat(void *argument)
{
    int fd = *(int *)argument;
    EvictOutcome out;

    seccomp_answer(CACHESTAT_NR, ENOSYS);
    check(evict_file(fd, SIZE, &out) == 0);
    check(out.before >= MIB && out.after >= MIB);
    check(!out.has_dirty && out.dirty == 0 && !out.locked_or_mapped_left);
}

static void measured_by_mincore(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);
    void *pin = lock_part(fd, 0, MIB);

    must(fsync(fd));
    assert_int_equal(run_child(evict_without_cachestat, &fd), 0);
    munmap(pin, MIB);
}

/* Were the advice given nevertheless, its answer would be EIO. */
static void evict_as_a_stranger(void *argument)
{
    int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    EvictOutcome out;

    if (geteuid() == 0)
        check(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
    if (argument)
        seccomp_answer(CACHESTAT_NR, ENOSYS);
    seccomp_answer(__NR_fadvise64, EIO);
    check(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == EIO);
    check(evict_file(fd, 4096, &out) == -EPERM);
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
    EvictOutcome out = { .evicted = 99 };

    seccomp_answer(__NR_fadvise64, EIO);
    check(evict_file(fd, SIZE, &out) == -EIO);
    check(out.evicted == 99);
}

static void failure_is_told(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);

    assert_int_equal(run_child(evict_with_a_failing_kernel, &fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clean_pages_go),
        cmocka_unit_test(the_whole_file_goes),
        cmocka_unit_test(locked_pages_stay),
        cmocka_unit_test(what_is_beside_a_lock_goes),
        cmocka_unit_test(dirty_pages_are_not_lost),
        cmocka_unit_test(dirty_pages_are_told),
        cmocka_unit_test(a_file_in_memory_only_stays),
        cmocka_unit_test(what_is_no_file),
        cmocka_unit_test(measured_by_mincore),
        cmocka_unit_test(what_cannot_be_measured_is_not_done),
        cmocka_unit_test(failure_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
