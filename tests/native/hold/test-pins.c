/* SPDX-License-Identifier: MIT */
#include "hold/pins.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "native/hold/pinning.h"

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
        cmocka_unit_test(release_unlocks),
        cmocka_unit_test(a_file_is_one_by_all_its_names),
        cmocka_unit_test(visiting),
        cmocka_unit_test(only_regular_files_of_that_length),
        cmocka_unit_test(a_file_in_memory),
        cmocka_unit_test(without_the_right_to_lock),
        cmocka_unit_test(what_fails_half_way_is_not_locked),
        cmocka_unit_test(nothing_is_locked_behind_a_gap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
