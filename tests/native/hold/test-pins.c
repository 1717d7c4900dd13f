/* SPDX-License-Identifier: MIT */
#include "hold/pins.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "native/hold/mapped.h"
#include "native/native.h"

#define PAGE UINT64_C(4096)

/* The library's mprotect() and mlock() go through these, so that they can be made to fail. */
static int mprotect_error;
static size_t
    mlock_only; /* bytes after which mlock() and mlock2() fail, as at the end of a file; 0: none */

int mprotect(void *address, size_t size, int protection)
{
    if (mprotect_error) {
        errno = mprotect_error;
        return -1;
    }
    return (int)syscall(SYS_mprotect, address, size, protection);
}

int mlock2(const void *address, size_t size, unsigned flags)
{
    if (mlock_only > 0 && mlock_only < size) {
        must(syscall(SYS_mlock2, address, mlock_only, flags));
        errno = ENOMEM;
        return -1;
    }
    return (int)syscall(SYS_mlock2, address, size, flags);
}

int mlock(const void *address, size_t size)
{
    return mlock2(address, size, 0);
}

/* Larger mappings fail, as where address space is short; 0: none. */
static size_t mmap_max;

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (mmap_max > 0 && size > mmap_max) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, address, size, protection, flags, fd, offset);
}

static PinTable *a_table(void)
{
    PinTable *table;

    assert_int_equal(pin_table_new(&table), 0);
    return table;
}

/* From the beginning of the file. */
static int open_to(PinTable *table, int fd, uint64_t length, PinInfo *ret)
{
    PinPart part = { .length = length };

    return pin_table_open(table, fd, &part, ret);
}

/* Opens @length bytes of @fd, of which nothing is known yet. */
static struct stat open_pin(PinTable *table, int fd, uint64_t length)
{
    struct stat st;
    PinInfo info;

    must(fstat(fd, &st));
    assert_int_equal(open_to(table, fd, length, &info), 0);
    assert_true(info.dev == st.st_dev && info.ino == st.st_ino);
    assert_int_equal(info.length, length);
    assert_int_equal(info.locked, 0);
    return st;
}

static void expect_lock(PinTable *table, const struct stat *st, uint64_t bytes, int result,
                        uint64_t locked)
{
    PinInfo info = { 0 };

    assert_int_equal(pin_table_lock(table, st->st_dev, st->st_ino, bytes, &info), result);
    assert_true(info.dev == st->st_dev && info.ino == st->st_ino);
    assert_int_equal(info.locked, locked);
}

/* So many bytes of it are locked, in memory, and cannot be read; no others are. */
static void expect_mapped(const struct stat *st, uint64_t size, uint64_t locked)
{
    Mapped m = mapped_of(0, st);

    assert_int_equal(m.size, size);
    assert_int_equal(m.flagged, locked);
    assert_int_equal(m.locked, locked);
    assert_int_equal(m.barred, locked);
    assert_true(m.rss >= locked);
}

static void locks_as_much_as_is_asked(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(pin_table_freep) PinTable *table = a_table();
    const uint64_t size = 3 * MIB + 100;
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", size);
    uint64_t before = locked_in_all(0);

    struct stat st = open_pin(table, fd, size);
    expect_mapped(&st, 3 * MIB + PAGE, 0);
    expect_lock(table, &st, MIB, 0, MIB);
    expect_mapped(&st, 3 * MIB + PAGE, MIB);
    assert_int_equal(locked_in_all(0), before + MIB);
    expect_lock(table, &st, 0, 0, MIB);
    /* Whole pages, and no more than there is. */
    expect_lock(table, &st, 1, 0, MIB + PAGE);
    expect_lock(table, &st, PAGE + 1, 0, MIB + 3 * PAGE);
    expect_mapped(&st, 3 * MIB + PAGE, MIB + 3 * PAGE);
    expect_lock(table, &st, 16 * MIB, 0, size);
    expect_mapped(&st, 3 * MIB + PAGE, 3 * MIB + PAGE);
    expect_lock(table, &st, UINT64_MAX, 0, size);
    assert_int_equal(locked_in_all(0), before + 3 * MIB + PAGE);
    /* One mapping, however many slices. */
    assert_int_equal(mapped_of(0, &st).n, 1);
}

static void any_number_is_a_number_of_bytes(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(pin_table_freep) PinTable *table = a_table();
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", 5 * PAGE);

    struct stat st = open_pin(table, fd, 5 * PAGE);
    expect_lock(table, &st, UINT64_MAX, 0, 5 * PAGE);
    expect_mapped(&st, 5 * PAGE, 5 * PAGE);
}

static void read_a_byte(void *argument)
{
    const struct stat *st = argument;
    FILE *maps = process_file(0, "maps");
    char line[8192];
    uint64_t begin, inode;

    signal(SIGSEGV, SIG_DFL); /* not cmocka's */
    while (fgets(line, sizeof(line), maps))
        if (sscanf(line, "%" SCNx64 "-%*x %*s %*x %*x:%*x %" SCNu64, &begin, &inode) == 2 &&
            inode == st->st_ino)
            (void)*(volatile char *)(uintptr_t)begin;
}

static void what_is_locked_cannot_be_read(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(pin_table_freep) PinTable *table = a_table();
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", MIB);

    struct stat st = open_pin(table, fd, MIB);
    assert_int_equal(run_child(read_a_byte, &st), 0);
    expect_lock(table, &st, MIB, 0, MIB);
    assert_int_equal(run_child(read_a_byte, &st), 128 + SIGSEGV);
}

static void it_stays_in_memory(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(pin_table_freep) PinTable *table = a_table();
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", 4 * MIB);
    unsigned char resident[4 * MIB / PAGE];

    must(fsync(fd));
    must(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
    struct stat st = open_pin(table, fd, 4 * MIB);
    expect_lock(table, &st, 2 * MIB, 0, 2 * MIB);
    void *address = mmap(NULL, 4 * MIB, PROT_READ, MAP_SHARED, fd, 0);
    /* Readahead of what follows may still be under way, and such pages do not go. */
    for (unsigned i = 0; i == 0 || (i < 500 && resident[4 * MIB / PAGE - 1] & 1); i++) {
        usleep(i > 0 ? 10000 : 0);
        must(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
        must(mincore(address, 4 * MIB, resident));
    }
    must(munmap(address, 4 * MIB));
    expect_mapped(&st, 4 * MIB, 2 * MIB);

    /* The page cache agrees, and what was not locked is gone. */
    for (size_t i = 0; i < 2 * MIB / PAGE; i++)
        assert_true(resident[i] & 1);
    assert_false(resident[4 * MIB / PAGE - 1] & 1);
    assert_true(file_is_whole(fd, 4 * MIB));
}

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

static void release_unlocks(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(pin_table_freep) PinTable *table = a_table();
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", 2 * MIB);
    CLEANUP_CLOSE int other = make_file(&scratch, "other", MIB);
    uint64_t before = locked_in_all(0);
    PinInfo info = { .locked = 42 };

    struct stat st = open_pin(table, fd, MIB);
    assert_int_equal(open_to(table, fd, 2 * MIB, NULL), 0);
    expect_lock(table, &st, 2 * MIB, 0, 2 * MIB);
    struct stat other_st = open_pin(table, other, MIB);
    expect_lock(table, &other_st, MIB, 0, MIB);

    assert_int_equal(pin_table_release(table, st.st_dev, st.st_ino), 0);
    assert_int_equal(mapped_of(0, &st).n, 0);
    assert_int_equal(locked_in_all(0), before + MIB);
    assert_int_equal(pin_table_release(table, st.st_dev, st.st_ino), -ENOENT);
    assert_int_equal(pin_table_lock(table, st.st_dev, st.st_ino, MIB, &info), -ENOENT);
    assert_int_equal(pin_table_release(table, st.st_dev, other_st.st_ino + 12345), -ENOENT);
    assert_int_equal(pin_table_release(table, st.st_dev + 1, other_st.st_ino), -ENOENT);
    expect_mapped(&other_st, MIB, MIB);

    /* Anew, it begins at nothing. */
    open_pin(table, fd, 2 * MIB);
    table = pin_table_free(table);
    assert_null(table);
    assert_null(pin_table_free(NULL));
    assert_int_equal(locked_in_all(0), before);
    assert_int_equal(mapped_of(0, &other_st).n, 0);
}

static int count_pin(const PinInfo *info, void *userdata)
{
    size_t *n = userdata;
    return ++*n == 3 ? 42 : 0;
}

static int find_pin(const PinInfo *info, void *userdata)
{
    PinInfo *wanted = userdata;

    if (info->dev == wanted->dev && info->ino == wanted->ino) {
        *wanted = *info;
        return 1;
    }
    return 0;
}

static void a_file_is_one_by_all_its_names(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(pin_table_freep) PinTable *table = a_table();
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", MIB);
    PinInfo info;
    size_t n = 0;

    must(linkat(scratch.fd, "f", scratch.fd, "g", 0));
    CLEANUP_CLOSE int again = must(openat(scratch.fd, "g", O_RDONLY | O_CLOEXEC));
    struct stat st = open_pin(table, fd, MIB);
    expect_lock(table, &st, MIB, 0, MIB);
    assert_int_equal(open_to(table, again, MIB, &info), 0);
    assert_int_equal(info.locked, MIB);
    assert_int_equal(pin_table_visit(table, count_pin, &n), 0);
    assert_int_equal(n, 1);
    expect_mapped(&st, MIB, MIB);
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

static void visiting(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(pin_table_freep) PinTable *table = a_table();
    struct stat st = { 0 };
    size_t n = 0;

    assert_int_equal(pin_table_visit(table, count_pin, &n), 0);
    assert_int_equal(n, 0);
    for (unsigned i = 0; i < 500; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%u", i);
        CLEANUP_CLOSE int fd = make_file(&scratch, name, 100 + i);
        st = open_pin(table, fd, 100 + i);
        expect_lock(table, &st, MIB, 0, 100 + i);
    }
    assert_int_equal(pin_table_visit(table, count_pin, &n), 42);
    assert_int_equal(n, 3);
    PinInfo wanted = { .dev = st.st_dev, .ino = st.st_ino };
    assert_int_equal(pin_table_visit(table, find_pin, &wanted), 1);
    assert_int_equal(wanted.length, 599);
    assert_int_equal(wanted.locked, 599);
    wanted.ino = 0;
    assert_int_equal(pin_table_visit(table, find_pin, &wanted), 0);
}

static void only_regular_files_of_that_length(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(pin_table_freep) PinTable *table = a_table();
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", 100);
    CLEANUP_CLOSE int empty = make_file(&scratch, "empty", 0);
    CLEANUP_CLOSE int write_only = must(openat(scratch.fd, "f", O_WRONLY | O_CLOEXEC));
    CLEANUP_CLOSE int path_only = must(openat(scratch.fd, "f", O_PATH | O_CLOEXEC));
    CLEANUP_CLOSE int null = must(open("/dev/null", O_RDWR | O_CLOEXEC));
    CLEANUP_CLOSE int sock = must(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    must(mkfifoat(scratch.fd, "fifo", 0600));
    CLEANUP_CLOSE int fifo = must(openat(scratch.fd, "fifo", O_RDWR | O_CLOEXEC));
    const struct {
        int fd;
        uint64_t length;
        int expected;
    } cases[] = {
        { fd, 0, -EINVAL },
        { fd, 101, -EINVAL },
        { fd, UINT64_MAX, -EINVAL },
        { empty, 0, -EINVAL },
        { empty, 1, -EINVAL },
        { scratch.fd, 1, -EINVAL },
        { scratch.fd, 4096, -EINVAL },
        { null, 1, -EINVAL },
        { sock, 1, -EINVAL },
        { fifo, 1, -EINVAL },
        { write_only, 100, -EACCES },
        { path_only, 100, -EBADF },
        { 987654, 1, -EBADF },
        { -1, 1, -EBADF },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        PinInfo info = { .locked = 42 };
        int r = open_to(table, cases[i].fd, cases[i].length, &info);
        if (r != cases[i].expected || info.locked != 42)
            fail_msg("case %zu: %d", i, r);
    }
    /* Nothing is left of any of them. */
    size_t n = 0;
    assert_int_equal(pin_table_visit(table, count_pin, &n), 0);
    assert_int_equal(n, 0);
}

static void a_file_in_memory(void **state)
{
    cleanup(pin_table_freep) PinTable *table = a_table();
    CLEANUP_CLOSE int fd = must(memfd_create("pins", MFD_CLOEXEC));

    must(ftruncate(fd, (off_t)MIB));
    struct stat st = open_pin(table, fd, MIB);
    expect_lock(table, &st, MIB, 0, MIB);
    expect_mapped(&st, MIB, MIB);
}

static void as_nobody(void *argument)
{
    Scratch scratch = *(Scratch *)argument;
    struct rlimit two = { 2 * MIB, 2 * MIB };
    PinTable *table;
    PinInfo info;
    struct stat st;
    int fd = make_file(&scratch, "f", 4 * MIB);

    must(setrlimit(RLIMIT_MEMLOCK, &two));
    must(setuid(65534));
    /* Without this its /proc is root's. */
    must(prctl(PR_SET_DUMPABLE, 1));
    must(fstat(fd, &st));
    check(pin_table_new(&table) == 0 && open_to(table, fd, 4 * MIB, &info) == 0);
    check(pin_table_lock(table, st.st_dev, st.st_ino, 3 * MIB, &info) == -ENOMEM);
    check(info.locked == 0 && locked_in_all(0) == 0);
    check(pin_table_lock(table, st.st_dev, st.st_ino, 2 * MIB, &info) == 0);
    check(info.locked == 2 * MIB && locked_in_all(0) == 2 * MIB);
    check(pin_table_lock(table, st.st_dev, st.st_ino, PAGE, &info) == -ENOMEM);
    check(info.locked == 2 * MIB && locked_in_all(0) == 2 * MIB);
    pin_table_free(table);
    check(locked_in_all(0) == 0);
}

static void without_the_right_to_lock(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);

    assert_int_equal(run_child(as_nobody, &scratch), 0);
}

static void what_fails_half_way_is_not_locked(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(pin_table_freep) PinTable *table = a_table();
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", 4 * MIB);
    uint64_t before = locked_in_all(0);

    struct stat st = open_pin(table, fd, 4 * MIB);
    expect_lock(table, &st, MIB, 0, MIB);
    mprotect_error = ENOMEM; /* too many mappings */
    expect_lock(table, &st, MIB, -ENOMEM, MIB);
    mprotect_error = 0;
    assert_int_equal(locked_in_all(0), before + MIB);
    mlock_only = MIB;
    expect_lock(table, &st, 2 * MIB, -ENOMEM, MIB);
    mlock_only = 0;
    assert_int_equal(locked_in_all(0), before + MIB);
    /* And then it can. */
    expect_lock(table, &st, 3 * MIB, 0, 4 * MIB);
    expect_mapped(&st, 4 * MIB, 4 * MIB);
}

static void nothing_is_locked_behind_a_gap(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(pin_table_freep) PinTable *table = a_table();
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", 2 * MIB + 4 * PAGE);

    struct stat st = open_pin(table, fd, 2 * MIB);
    assert_int_equal(open_to(table, fd, 2 * MIB + 4 * PAGE, NULL), 0);
    mlock_only = MIB;
    expect_lock(table, &st, 4 * MIB, -ENOMEM, 0);
    mlock_only = 0;
    expect_mapped(&st, 4 * MIB, 0);
    expect_lock(table, &st, 4 * MIB, 0, 2 * MIB + 4 * PAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locks_as_much_as_is_asked),
        cmocka_unit_test(any_number_is_a_number_of_bytes),
        cmocka_unit_test(what_is_locked_cannot_be_read),
        cmocka_unit_test(it_stays_in_memory),
        cmocka_unit_test(a_grown_file_keeps_what_is_locked),
        cmocka_unit_test(growing_needs_few_mappings),
        cmocka_unit_test(what_cannot_be_mapped_changes_nothing),
        cmocka_unit_test(a_shorter_opening_changes_nothing),
        cmocka_unit_test(growth_within_the_last_page_maps_nothing),
        cmocka_unit_test(a_truncated_file_is_an_error),
        cmocka_unit_test(a_file_rewritten_in_place_is_locked_again),
        cmocka_unit_test(locked_again_in_parts),
        cmocka_unit_test(all_that_was_locked_is_locked_again_and_no_more),
        cmocka_unit_test(release_unlocks),
        cmocka_unit_test(a_file_is_one_by_all_its_names),
        cmocka_unit_test(a_replaced_file_is_another),
        cmocka_unit_test(visiting),
        cmocka_unit_test(only_regular_files_of_that_length),
        cmocka_unit_test(a_file_in_memory),
        cmocka_unit_test(without_the_right_to_lock),
        cmocka_unit_test(what_fails_half_way_is_not_locked),
        cmocka_unit_test(nothing_is_locked_behind_a_gap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
