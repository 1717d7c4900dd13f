/* SPDX-License-Identifier: MIT */
/* Files that grow, shrink, are rewritten or replaced. */
#include "hold/pins.h"

#include "native/hold/pinning.h"

static void a_grown_file_keeps_what_is_locked(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(pin_table_freep) PinTable *table = a_table();
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", 2 * MIB);
    PinInfo info;

    struct stat st = open_pin(table, fd, MIB + 10);
    expect_lock(table, &st, MIB, 0, MIB);
    assert_int_equal(open_to(table, fd, 2 * MIB - 10, &info), 0);
    assert_int_equal(info.length, 2 * MIB - 10);
    assert_int_equal(info.locked, MIB);
    const uint64_t size = 2 * (MIB + PAGE); /* more than the file has, for the next time */
    expect_mapped(&st, size, MIB);
    /* On across the seam, in one go. */
    expect_lock(table, &st, 3 * PAGE, 0, MIB + 3 * PAGE);
    expect_mapped(&st, size, MIB + 3 * PAGE);
    expect_lock(table, &st, 2 * MIB, 0, 2 * MIB - 10);
    expect_mapped(&st, size, 2 * MIB);
}

/* Grows a file of @pages by one page fifty times, and locks each; all of it is locked then. Returns
 * the number of mappings. */
static size_t mappings_of_a_growing_file(uint64_t pages)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(pin_table_freep) PinTable *table = a_table();
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", pages * PAGE);
    uint64_t before = locked_in_all(0);

    struct stat st = open_pin(table, fd, pages * PAGE);
    expect_lock(table, &st, UINT64_MAX, 0, pages * PAGE);
    for (uint64_t n = pages + 1; n <= pages + 50; n++) {
        /* Each time through a descriptor of its own, as from the controller. */
        CLEANUP_CLOSE int again = must(openat(scratch.fd, "f", O_RDONLY | O_CLOEXEC));
        PinInfo info;
        must(ftruncate(fd, (off_t)(n * PAGE)));
        assert_int_equal(open_to(table, again, n * PAGE, &info), 0);
        assert_int_equal(info.length, n * PAGE);
        assert_int_equal(info.locked, (n - 1) * PAGE);
        assert_int_equal(locked_in_all(0), before + (n - 1) * PAGE);
        /* Nothing behind the end, whatever is asked. */
        expect_lock(table, &st, UINT64_MAX, 0, n * PAGE);
        expect_lock(table, &st, UINT64_MAX, 0, n * PAGE);
        assert_int_equal(locked_in_all(0), before + n * PAGE);
    }
    Mapped m = mapped_of(0, &st);
    assert_int_equal(m.locked, (pages + 50) * PAGE);
    assert_int_equal(m.flagged, (pages + 50) * PAGE);
    assert_int_equal(m.barred, (pages + 50) * PAGE);
    assert_int_equal(pin_table_release(table, st.st_dev, st.st_ino), 0);
    assert_int_equal(mapped_of(0, &st).n, 0);
    assert_int_equal(locked_in_all(0), before);
    return m.n;
}

static void growing_needs_few_mappings(void **state)
{
    /* 1, 1, 2, 4, 8, 16, 32 pages, the last in two parts. */
    assert_int_equal(mappings_of_a_growing_file(1), 8);
    assert_int_equal(mappings_of_a_growing_file(50), 2);
    assert_int_equal(mappings_of_a_growing_file(1000), 3);
    /* Room for no more than 20 pages at once: as many as that takes. */
    mmap_max = 20 * PAGE;
    assert_in_range(mappings_of_a_growing_file(20), 4, 8);
    mmap_max = 0;
}

static void what_cannot_be_mapped_changes_nothing(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(pin_table_freep) PinTable *table = a_table();
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", 3 * MIB);

    struct stat st = open_pin(table, fd, MIB);
    expect_lock(table, &st, MIB, 0, MIB);
    mmap_max = MIB;
    assert_int_equal(open_to(table, fd, 3 * MIB, NULL), -ENOMEM);
    mmap_max = 0;
    expect_lock(table, &st, MIB, 0, MIB);
    expect_mapped(&st, MIB, MIB);
}

static void a_shorter_opening_changes_nothing(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(pin_table_freep) PinTable *table = a_table();
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", 2 * MIB);
    PinInfo info;

    struct stat st = open_pin(table, fd, 2 * MIB);
    expect_lock(table, &st, 2 * MIB, 0, 2 * MIB);
    assert_int_equal(open_to(table, fd, MIB, &info), 0);
    assert_int_equal(info.length, 2 * MIB);
    assert_int_equal(info.locked, 2 * MIB);
    assert_int_equal(open_to(table, fd, 2 * MIB, NULL), 0);
    expect_mapped(&st, 2 * MIB, 2 * MIB);
}

static void growth_within_the_last_page_maps_nothing(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(pin_table_freep) PinTable *table = a_table();
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", PAGE + 100);
    PinInfo info;

    struct stat st = open_pin(table, fd, PAGE + 100);
    expect_lock(table, &st, MIB, 0, PAGE + 100);
    must(ftruncate(fd, (off_t)(2 * PAGE)));
    assert_int_equal(open_to(table, fd, 2 * PAGE, &info), 0);
    assert_int_equal(info.locked, 2 * PAGE);
    expect_mapped(&st, 2 * PAGE, 2 * PAGE);
    assert_int_equal(mapped_of(0, &st).n, 1);
}

static void a_truncated_file_is_an_error(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(pin_table_freep) PinTable *table = a_table();
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", 4 * MIB);
    uint64_t before = locked_in_all(0);

    struct stat st = open_pin(table, fd, 4 * MIB);
    expect_lock(table, &st, MIB, 0, MIB);
    must(ftruncate(fd, (off_t)(2 * MIB)));
    /* No SIGBUS, and a slice that fails is not locked in part. */
    expect_lock(table, &st, 3 * MIB, -EFAULT, MIB);
    assert_int_equal(locked_in_all(0), before + MIB);
    expect_lock(table, &st, MIB, 0, 2 * MIB);
    expect_lock(table, &st, PAGE, -EFAULT, 2 * MIB);
    expect_mapped(&st, 4 * MIB, 2 * MIB);
    /* To nothing. */
    must(ftruncate(fd, 0));
    expect_lock(table, &st, PAGE, -EFAULT, 2 * MIB);
    assert_int_equal(mapped_of(0, &st).locked, 0);
    assert_int_equal(pin_table_release(table, st.st_dev, st.st_ino), 0);
    assert_int_equal(locked_in_all(0), before);
}

static void a_file_rewritten_in_place_is_locked_again(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(pin_table_freep) PinTable *table = a_table();
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", 4 * MIB);
    PinInfo info;

    struct stat st = open_pin(table, fd, 4 * MIB);
    expect_lock(table, &st, 4 * MIB, 0, 4 * MIB);
    must(ftruncate(fd, (off_t)MIB));
    assert_int_equal(pin_table_refresh(table, st.st_dev, st.st_ino, 0, 0, &info), -EFAULT);
    must(ftruncate(fd, (off_t)(4 * MIB)));
    assert_int_equal(mapped_of(0, &st).locked, MIB); /* what the truncation took */

    assert_int_equal(pin_table_refresh(table, st.st_dev, st.st_ino, 0, 0, &info), 0);
    assert_int_equal(info.locked, 4 * MIB);
    expect_mapped(&st, 4 * MIB, 4 * MIB);
    assert_int_equal(pin_table_refresh(table, st.st_dev, st.st_ino + 1, 0, 0, &info), -ENOENT);
}

/* Across two regions, so that a controller can look for room between the parts. */
static void locked_again_in_parts(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(pin_table_freep) PinTable *table = a_table();
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", 60 * MIB);
    PinInfo info;

    struct stat st = open_pin(table, fd, 20 * MIB);
    assert_int_equal(open_to(table, fd, 60 * MIB, NULL), 0);
    expect_lock(table, &st, 60 * MIB, 0, 60 * MIB);
    must(ftruncate(fd, 0));
    must(ftruncate(fd, (off_t)(60 * MIB)));
    for (uint64_t at = 0, end; at < 60 * MIB; at = end) {
        end = min_u64(at + 16 * MIB, 60 * MIB);
        assert_int_equal(pin_table_refresh(table, st.st_dev, st.st_ino, at, end - at, &info), 0);
        assert_int_equal(mapped_of(0, &st).locked, end);
    }
    assert_int_equal(pin_table_refresh(table, st.st_dev, st.st_ino, 60 * MIB, UINT64_MAX, &info),
                     0);
    assert_int_equal(pin_table_refresh(table, st.st_dev, st.st_ino, 1, 1, &info), -EINVAL);
}

static void all_that_was_locked_is_locked_again_and_no_more(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(pin_table_freep) PinTable *table = a_table();
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", 60 * MIB);
    PinInfo info;

    /* Two regions, the second locked in part, and both larger than a slice. */
    struct stat st = open_pin(table, fd, 20 * MIB);
    assert_int_equal(open_to(table, fd, 60 * MIB, NULL), 0);
    expect_lock(table, &st, 38 * MIB, 0, 38 * MIB);
    uint64_t size = mapped_of(0, &st).size;
    must(ftruncate(fd, 0));
    must(ftruncate(fd, (off_t)(60 * MIB)));
    assert_int_equal(mapped_of(0, &st).locked, 0);
    assert_int_equal(pin_table_refresh(table, st.st_dev, st.st_ino, 0, 0, &info), 0);
    assert_int_equal(info.locked, 38 * MIB);
    expect_mapped(&st, size, 38 * MIB);
}

static void a_replaced_file_is_another(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(pin_table_freep) PinTable *table = a_table();
    int fd = make_file(&scratch, "f", MIB);

    struct stat st = open_pin(table, fd, MIB);
    expect_lock(table, &st, MIB, 0, MIB);
    /* The pin needs neither the descriptor nor the name. */
    close(fd);
    must(unlinkat(scratch.fd, "f", 0));
    expect_mapped(&st, MIB, MIB);

    CLEANUP_CLOSE int fresh = make_file(&scratch, "f", 2 * MIB);
    struct stat fresh_st = open_pin(table, fresh, 2 * MIB);
    assert_true(fresh_st.st_ino != st.st_ino);
    expect_lock(table, &fresh_st, PAGE, 0, PAGE);
    expect_mapped(&st, MIB, MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_grown_file_keeps_what_is_locked),
        cmocka_unit_test(growing_needs_few_mappings),
        cmocka_unit_test(what_cannot_be_mapped_changes_nothing),
        cmocka_unit_test(a_shorter_opening_changes_nothing),
        cmocka_unit_test(growth_within_the_last_page_maps_nothing),
        cmocka_unit_test(a_truncated_file_is_an_error),
        cmocka_unit_test(a_file_rewritten_in_place_is_locked_again),
        cmocka_unit_test(locked_again_in_parts),
        cmocka_unit_test(all_that_was_locked_is_locked_again_and_no_more),
        cmocka_unit_test(a_replaced_file_is_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
