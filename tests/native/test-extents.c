/* SPDX-License-Identifier: MIT */
#include "kernel/extents.h"

#include <errno.h>
#include <inttypes.h>

#include "native/native.h"
#include "util/units.h"

#define PAGE UINT64_C(4096)
#define TIB  (GIB * 1024)

/* A file of @size bytes with data only where it is written. */
static int make_sparse(const Scratch *scratch, uint64_t size)
{
    int fd = must(openat(scratch->fd, "sparse", O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0644));

    must(ftruncate(fd, (off_t)size));
    return fd;
}

static void put(int fd, uint64_t offset, size_t length)
{
    static char bytes[4 * MIB];

    memset(bytes, 1, length);
    assert_int_equal(must(pwrite(fd, bytes, length, (off_t)offset)), length);
}

static void expect_of(int line, int fd, uint64_t offset, uint64_t end, const Extent *expected,
                      size_t n_expected)
{
    Extent found[8];
    uint64_t next, sum = 0, wanted = 0;
    size_t n;

    assert_int_equal(extents_of(fd, offset, end, found, 8, &n, &next), 0);
    if (n != n_expected)
        fail_msg("line %d: %zu extents", line, n);
    for (size_t i = 0; i < n; i++) {
        if (found[i].offset != expected[i].offset || found[i].length != expected[i].length)
            fail_msg("line %d: [%zu] is %" PRIu64 "+%" PRIu64, line, i, found[i].offset,
                     found[i].length);
        wanted += expected[i].length;
    }
    assert_true(next >= end);
    assert_int_equal(extents_sum(fd, offset, end, &sum), 0);
    assert_int_equal(sum, wanted);
}

#define EXPECT(fd, offset, end, ...)                                                         \
    do {                                                                                     \
        const Extent expected_[] = { __VA_ARGS__ };                                          \
        expect_of(__LINE__, fd, offset, end, expected_, sizeof(expected_) / sizeof(Extent)); \
    } while (0)

static void data_between_holes(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_sparse(&scratch, 40 * MIB + 5);
    struct stat st;

    EXPECT(fd, 0, 40 * MIB + 5);
    put(fd, 8 * MIB + 100, 3 * PAGE);
    put(fd, 20 * MIB, MIB);
    EXPECT(fd, 0, 40 * MIB + 5, { 8 * MIB, 4 * PAGE }, { 20 * MIB, MIB });
    /* Only a part of it. */
    EXPECT(fd, 0, 8 * MIB);
    EXPECT(fd, 8 * MIB + PAGE, 20 * MIB + 10, { 8 * MIB + PAGE, 3 * PAGE }, { 20 * MIB, PAGE });
    EXPECT(fd, 22 * MIB, 40 * MIB + 5);
    /* The last page, of which the file has five bytes. */
    put(fd, 40 * MIB, 5);
    EXPECT(fd, 30 * MIB, 40 * MIB + 5, { 40 * MIB, PAGE });
    must(fstat(fd, &st));
    assert_true(extents_may_have_holes(&st));
}

static void small_holes_count_as_data(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_sparse(&scratch, 16 * MIB);

    put(fd, 0, PAGE);
    put(fd, MIB, PAGE);            /* less than a MiB behind it */
    put(fd, 2 * MIB + PAGE, PAGE); /* exactly one behind that */
    EXPECT(fd, 0, 16 * MIB, { 0, MIB + PAGE }, { 2 * MIB + PAGE, PAGE });
}

static void in_parts(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_sparse(&scratch, 64 * MIB);
    uint64_t next = 0, sum;
    Extent extents[2];
    size_t n, all = 0;

    for (uint64_t at = 0; at < 64 * MIB; at += 4 * MIB)
        put(fd, at, PAGE);
    while (next < 64 * MIB) {
        assert_int_equal(extents_of(fd, next, 64 * MIB, extents, 2, &n, &next), 0);
        for (size_t i = 0; i < n; i++, all++)
            assert_int_equal(extents[i].offset, all * 4 * MIB);
    }
    assert_int_equal(all, 16);
    assert_int_equal(extents_sum(fd, 0, 64 * MIB, &sum), 0);
    assert_int_equal(sum, 16 * PAGE);
}

static void of_enormous_files(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_sparse(&scratch, 3 * TIB);

    put(fd, 2 * TIB, 2 * PAGE);
    EXPECT(fd, 0, 3 * TIB, { 2 * TIB, 2 * PAGE });
}

static void a_dense_file(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_sparse(&scratch, 3 * MIB + 1);
    struct stat st;
    uint64_t sum = 7;

    put(fd, 0, 3 * MIB + 1);
    EXPECT(fd, 0, 3 * MIB + 1, { 0, 3 * MIB + PAGE });
    must(fsync(fd));
    must(fstat(fd, &st));
    assert_false(extents_may_have_holes(&st));
    assert_int_equal(extents_sum(-1, 0, PAGE, &sum), -EBADF);
    assert_int_equal(sum, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_between_holes), cmocka_unit_test(small_holes_count_as_data),
        cmocka_unit_test(in_parts),           cmocka_unit_test(of_enormous_files),
        cmocka_unit_test(a_dense_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
