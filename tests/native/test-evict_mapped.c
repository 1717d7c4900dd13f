/* SPDX-License-Identifier: MIT */
/* Which addresses are advised to be paged out. What the kernel makes of that is the ladder's
 * test. */
#include "kernel/evict_mapped.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "native/native.h"

#define SIZE (4 * MIB)

static int proc_fd;

/* What is advised to be paged out: by the test's own process, and as many calls as there is room.
 */
static struct iovec advised[16];
static size_t n_advised;

long __real_syscall(long nr, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long nr, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
    if (nr == __NR_process_madvise && n_advised < ELEMENTS(advised))
        advised[n_advised++] = *(const struct iovec *)b;
    return __real_syscall(nr, a, b, c, d, e, f);
}

/* Pages of a file, all of them in memory, of which some were written to: those are not the file's,
 * and where there is swap would go there. */
static void what_was_copied_is_not_the_file_s(void **state)
{
    static const size_t written[] = { 0, 3, 4, 600, SIZE / 4096 - 1 };
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);
    Pace pace = { 0 };
    Evicting e = { .fd = fd, .end = SIZE, .pace = &pace };
    cleanup(mappers_clear) Mappers mappers = { 0 };
    PageOut out;
    size_t bytes = 0;

    must(fsync(fd));
    char *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    assert_true(map != MAP_FAILED);
    must(madvise(map, SIZE, MADV_POPULATE_READ));
    for (size_t i = 0; i < ELEMENTS(written); i++)
        map[written[i] * 4096] = 'x';
    must(mprotect(map, SIZE, PROT_READ)); /* as the linker does with relocations */

    assert_int_equal(mappers_find(proc_fd, &fd, 1, NULL, &mappers), 0);
    n_advised = 0;
    assert_int_equal(evict_page_out(&e, proc_fd, mappers.items, mappers.n, &out), 0);
    assert_int_equal(out.failed, 0);
    assert_int_equal(n_advised, 3);
    for (size_t i = 0; i < n_advised; i++)
        for (size_t page = 0; page < advised[i].iov_len / 4096; page++, bytes += 4096)
            for (size_t k = 0; k < ELEMENTS(written); k++)
                assert_ptr_not_equal((char *)advised[i].iov_base + page * 4096,
                                     map + written[k] * 4096);
    assert_int_equal(bytes, SIZE - ELEMENTS(written) * 4096);
    for (size_t i = 0; i < ELEMENTS(written); i++)
        assert_int_equal(map[written[i] * 4096], 'x');
    munmap(map, SIZE);
}

static void expect_left_alone(const Evicting *e, const Mapper *mapper)
{
    PageOut out;

    n_advised = 0;
    assert_int_equal(evict_page_out(e, proc_fd, mapper, 1, &out), 0);
    assert_int_equal(n_advised, 0);
    assert_int_equal(out.asked, 0);
}

/* What was found when all processes were looked into may be something else by now. */
static void what_is_mapped_no_more_is_left_alone(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);
    CLEANUP_CLOSE int other = make_file(&scratch, "other", SIZE);
    void *pin = lock_part(fd, 0, SIZE);
    Pace pace = { 0 };
    Evicting e = { .fd = fd, .end = SIZE, .pace = &pace };
    cleanup(mappers_clear) Mappers mappers = { 0 };
    PageOut out;

    char *map = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
    assert_true(map != MAP_FAILED);
    must(madvise(map, SIZE, MADV_POPULATE_READ));
    assert_int_equal(mappers_find(proc_fd, &fd, 1, NULL, &mappers), 0);
    assert_int_equal(mappers.n, 2);
    Mapper mapper = mappers.items[mappers.items[0].begin != (uintptr_t)map];
    assert_int_equal(mapper.begin, (uintptr_t)map);

    n_advised = 0;
    assert_int_equal(evict_page_out(&e, proc_fd, &mapper, 1, &out), 0);
    assert_int_equal(n_advised, 1);
    assert_int_equal(out.asked, 1);

    /* Another part of the file, another file, nothing of a file, nothing; and another process. */
    must(mmap(map, SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 4096) == map ? 0 : -1);
    expect_left_alone(&e, &mapper);
    must(mmap(map, SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, other, 0) == map ? 0 : -1);
    expect_left_alone(&e, &mapper);
    must(mmap(map, SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) == map ? 0
                                                                                           : -1);
    expect_left_alone(&e, &mapper);
    munmap(map, SIZE);
    expect_left_alone(&e, &mapper);
    mapper.pid = getppid();
    expect_left_alone(&e, &mapper);
    munmap(pin, SIZE);
}

/* 7 EiB of nothing, by the rungs that the ladder would not even climb. */
#define HUGE_SIZE (7 * GIB * GIB)

static void page_out_what_is_huge(void *argument)
{
    Pace pace = { .rate = GIB };
    int fd = memfd_create("f", MFD_CLOEXEC);
    Evicting e = { .fd = fd, .end = HUGE_SIZE, .pace = &pace };
    Mapper mapper = { .pid = getpid(), .begin = 0, .end = HUGE_SIZE };
    uint64_t written = 0;
    PageOut out;

    check(fd >= 0 && ftruncate(fd, (off_t)HUGE_SIZE) == 0);
    alarm(60);
    check(evict_page_out(&e, proc_fd, &mapper, 1, &out) == 0);
    check(out.failed == 0);
    check(evict_write_begin(&e, &written) == 0);
    check(written == 0);
}

static void holes_take_no_time(void **state)
{
    assert_int_equal(run_child(page_out_what_is_huge, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_copied_is_not_the_file_s),
        cmocka_unit_test(what_is_mapped_no_more_is_left_alone),
        cmocka_unit_test(holes_take_no_time),
    };

    proc_fd = must(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
