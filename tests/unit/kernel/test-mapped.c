/* SPDX-License-Identifier: MIT */
#include "kernel/mapped.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "unit/kernel/processes.h"
#include "unit/test.h"
#include "util/strv.h"

/* Any that no file system has. */
#define DEVICE "fe:01"

typedef struct Looking {
    Scratch proc, data;
    char passed_over[8192]; /* "PATH why" a line */
    unsigned kinds;
    bool network;
    const atomic_bool *cancelled;
} Looking;

static Looking looking_new(void)
{
    return (Looking){
        .proc = scratch_new("/dev/shm"), /* thousands of files, and no disk */
        .data = scratch_new("/dev/shm"),
        .kinds = 1u << MAPPED_EXECUTABLE | 1u << MAPPED_LIBRARY,
    };
}

static void looking_done(Looking *l)
{
    scratch_done(&l->proc);
    scratch_done(&l->data);
}

#define CLEANUP_LOOKING cleanup(looking_done)

static void on_passed_over(const char *path, const char *why, void *userdata)
{
    Looking *l = userdata;
    size_t n = strlen(l->passed_over);

    snprintf(l->passed_over + n, sizeof l->passed_over - n, "%s %s\n", path, why);
}

/* The processes 1 to @n. */
static int look(Looking *l, unsigned n, MappedFiles *ret)
{
    pid_t pids[100];

    for (unsigned i = 0; i < n; i++)
        pids[i] = (pid_t)i + 1;
    l->passed_over[0] = '\0';
    return mapped_files(
        &(MappedScope){
            .proc_fd = l->proc.fd,
            .pids = pids,
            .n_pids = n,
            .kinds = l->kinds,
            .network = l->network,
            .cancelled = l->cancelled,
            .passed_over = on_passed_over,
            .userdata = l,
        },
        ret);
}

/* "NAME" of an executable, "- NAME" of a library, below the data folder. */
static void expect(Looking *l, unsigned n_processes, const char *expected)
{
    cleanup(mapped_files_clear) MappedFiles list = { 0 };
    char text[4096] = "";

    assert_int_equal(look(l, n_processes, &list), 0);
    for (size_t i = 0; i < list.n_files; i++) {
        const MappedFile *file = &list.files[i];
        size_t n = strlen(text), prefix = strlen(l->data.path) + 1;
        assert_memory_equal(file->path, l->data.path, prefix - 1);
        snprintf(text + n, sizeof text - n, "%s%s%s\n", file->kind == MAPPED_LIBRARY ? "- " : "",
                 file->path + prefix, file->deleted ? " is deleted" : "");
    }
    assert_string_equal(text, expected);
}

/* A file of the data folder, mapped. */
static void map(Looking *l, unsigned pid, unsigned page, const char *permissions, const char *name)
{
    put_mapping(&l->proc, pid, page, permissions, DEVICE, page, scratch_path(&l->data, name));
}

static void executables_and_libraries(void **state)
{
    CLEANUP_LOOKING Looking l = looking_new();

    expect(&l, 0, "");
    scratch_put(&l.data, "z", "program");
    scratch_put(&l.data, "b.so", "library");
    scratch_put(&l.data, "a.so", "another");
    scratch_put(&l.data, "data", "no program");
    put_process(&l.proc, 1, scratch_path(&l.data, "z"));
    map(&l, 1, 10, "r--p", "z");
    map(&l, 1, 11, "r-xp", "z");
    map(&l, 1, 12, "rw-p", "z");
    map(&l, 1, 20, "r-xp", "b.so");
    map(&l, 1, 30, "--xs", "a.so");
    map(&l, 1, 31, "r--p", "a.so");
    map(&l, 1, 40, "rw-s", "data");
    put_mapping(&l.proc, 1, 50, "rwxp", "00:00", 0, "[heap]");
    expect(&l, 1, "z\n- a.so\n- b.so\n");
    assert_string_equal(l.passed_over, "");
}

static void each_file_once(void **state)
{
    CLEANUP_LOOKING Looking l = looking_new();

    scratch_put(&l.data, "loader", "1");
    scratch_put(&l.data, "libc", "2");
    must(linkat(l.data.fd, "libc", l.data.fd, "another-libc", 0));
    put_process(&l.proc, 1, scratch_path(&l.data, "none"));
    map(&l, 1, 10, "r-xp", "libc");
    map(&l, 1, 11, "r-xp", "libc");
    map(&l, 1, 20, "r-xp", "loader");
    put_process(&l.proc, 2, scratch_path(&l.data, "loader"));
    map(&l, 2, 30, "r-xp", "another-libc");
    /* What is a library to one, and executed by another. */
    map(&l, 2, 40, "r-xp", "loader");
    put_process(&l.proc, 3, NULL);
    map(&l, 3, 50, "r-xp", "loader");
    expect(&l, 1, "- libc\n- loader\n");
    expect(&l, 3, "loader\n- libc\n");

    l.kinds = 1u << MAPPED_EXECUTABLE;
    expect(&l, 3, "loader\n");
    l.kinds = 1u << MAPPED_LIBRARY;
    expect(&l, 3, "- libc\n");
}

/* As on btrfs, where snapshots have the same numbers. */
static void numbers_in_maps_are_not_trusted(void **state)
{
    CLEANUP_LOOKING Looking l = looking_new();

    scratch_put(&l.data, "one/libc", "1");
    scratch_put(&l.data, "two/libc", "2");
    put_process(&l.proc, 1, NULL);
    put_process(&l.proc, 2, NULL);
    put_mapping(&l.proc, 1, 10, "r-xp", DEVICE, 7, scratch_path(&l.data, "one/libc"));
    put_mapping(&l.proc, 2, 10, "r-xp", DEVICE, 7, scratch_path(&l.data, "two/libc"));
    expect(&l, 2, "- one/libc\n- two/libc\n");
}

static void deleted_files(void **state)
{
    CLEANUP_LOOKING Looking l = looking_new();

    scratch_put(&l.data, "a (deleted)", "what the kernel's link would lead to");
    scratch_put(&l.data, "a", "the new one");
    put_process(&l.proc, 1, NULL);
    map(&l, 1, 10, "r-xp", "a (deleted)");
    map(&l, 1, 20, "r-xp", "a");
    expect(&l, 1, "- a is deleted\n- a\n");
}

static void what_never_had_a_name_is_left_out(void **state)
{
    CLEANUP_LOOKING Looking l = looking_new();
    CLEANUP_CLOSE int fd = must(memfd_create("x", MFD_CLOEXEC));
    struct stat st;
    char device[32];

    must(fstat(fd, &st));
    snprintf(device, sizeof device, "%02x:%02x", major(st.st_dev), minor(st.st_dev));
    scratch_put(&l.data, "memfd:x (deleted)", "");
    put_process(&l.proc, 1, NULL);
    put_mapping(&l.proc, 1, 10, "r-xp", device, 7, scratch_path(&l.data, "memfd:x (deleted)"));
    expect(&l, 1, "");
    assert_string_equal(l.passed_over, "");
}

static void only_regular_files(void **state)
{
    CLEANUP_LOOKING Looking l = looking_new();

    put_process(&l.proc, 1, NULL);
    must(mkfifoat(l.data.fd, "fifo", 0600));
    map(&l, 1, 10, "rwxs", "fifo");
    put_mapping(&l.proc, 1, 20, "rwxs", DEVICE, 8, "/dev/null");
    put_mapping(&l.proc, 1, 30, "rwxs", DEVICE, 9, "/tmp");
    expect(&l, 1, "");
    assert_string_equal(l.passed_over, "");
}

static void what_has_ended(void **state)
{
    CLEANUP_LOOKING Looking l = looking_new();

    scratch_put(&l.data, "a", "");
    must(mkdirat(l.proc.fd, "2", 0755));
    put_process(&l.proc, 3, NULL);
    map(&l, 3, 10, "r-xp", "a");
    put_mapping(&l.proc, 3, 20, "r-xp", DEVICE, 7, NULL);
    expect(&l, 4, "- a\n");
    assert_string_equal(l.passed_over, "");
}

static void what_cannot_be_read_is_told(void **state)
{
    CLEANUP_LOOKING Looking l = looking_new();

    scratch_put(&l.data, "a", "");
    must(mkdirat(l.proc.fd, "1", 0755));
    must(mkdirat(l.proc.fd, "1/maps", 0755));
    put_process(&l.proc, 2, "/none");
    map(&l, 2, 10, "r-xp", "a");
    map(&l, 2, 20, "r-xp", "a");
    must(unlinkat(l.proc.fd, "2/map_files/14000-15000", 0));
    must(symlinkat("14000-15000", l.proc.fd, "2/map_files/14000-15000"));
    scratch_put(&l.proc, "3/maps", "");
    scratch_put(&l.proc, "3/exe", "no link");
    expect(&l, 3, "- a\n");
    assert_string_equal(l.passed_over,
                        "/proc/1/maps cannot be read: Is a directory\n"
                        "/proc/2/map_files/14000-15000 cannot be read: Too many levels of symbolic "
                        "links\n"
                        "/proc/3/exe cannot be read: Invalid argument\n");
}

/* By the processes' own mounts, before anything is opened; each file is told once. */
static void network_file_systems(void **state)
{
    CLEANUP_LOOKING Looking l = looking_new();

    scratch_put(&l.data, "local", "");
    scratch_put(&l.data, "remote", "");
    for (unsigned pid = 1; pid <= 2; pid++) {
        char name[32];
        put_process(&l.proc, pid, NULL);
        map(&l, pid, 10, "r-xp", "local");
        put_mapping(&l.proc, pid, 20, "r-xp", "00:99", 7, scratch_path(&l.data, "remote"));
        put_mapping(&l.proc, pid, 30, "r-xp", "00:98", 7, "/mnt/nowhere");
        snprintf(name, sizeof name, "%u/mountinfo", pid);
        scratch_put(&l.proc, name,
                    "20 1 254:1 / / rw shared:1 - ext4 /dev/x rw\n"
                    "21 1 0:152 / /m\\040nt rw - fuse.sshfs x rw\n"
                    "22 1 0:153 /x /mnt rw,noatime - nfs4 server:/x rw\n");
    }
    expect(&l, 2, "- local\n");
    char expected[3 * PATH_MAX];
    snprintf(expected, sizeof expected,
             "%s is on a network file system (nfs4), which is passed over\n"
             "/mnt/nowhere is on a FUSE file system (fuse.sshfs), which is passed over\n",
             scratch_path(&l.data, "remote"));
    assert_string_equal(l.passed_over, expected);

    l.kinds = 1u << MAPPED_EXECUTABLE;
    expect(&l, 2, "");
    assert_string_equal(l.passed_over, "");

    l.kinds = 1u << MAPPED_LIBRARY;
    l.network = true;
    expect(&l, 2, "- local\n- remote\n");
    assert_string_equal(l.passed_over, "");
}

/* What maps and mounts do not give away, the descriptor does. */
static void the_kernels_own_file_systems(void **state)
{
    CLEANUP_LOOKING Looking l = looking_new();

    put_process(&l.proc, 1, NULL);
    put_mapping(&l.proc, 1, 10, "r-xp", DEVICE, 7, "/proc/self/status");
    put_mapping(&l.proc, 1, 20, "r-xp", DEVICE, 7, "/proc/self/status");
    l.network = true;
    expect(&l, 1, "");
    assert_string_equal(l.passed_over,
                        "/proc/self/status is on a kernel file system (proc), which is passed "
                        "over\n");
}

static void mappings_are_limited(void **state)
{
    CLEANUP_LOOKING Looking l = looking_new();

    scratch_put(&l.data, "first", "");
    scratch_put(&l.data, "last", "");
    put_process(&l.proc, 1, NULL);
    map(&l, 1, 1, "r-xp", "first");
    for (unsigned i = 2; i < MAPPED_MAPPINGS_MAX; i++)
        put_mapping(&l.proc, 1, i, "r-xp", DEVICE, 7, NULL);
    put_mapping(&l.proc, 1, 9000, "rwxp", "00:00", 0, NULL); /* no file's, and not counted */
    map(&l, 1, 10000, "r-xp", "last");
    expect(&l, 1, "- first\n- last\n");
    assert_string_equal(l.passed_over, "");

    map(&l, 1, 10001, "r-xp", "last");
    expect(&l, 1, "- first\n- last\n");
    assert_string_equal(l.passed_over,
                        "/proc/1/maps has too many mappings, of which the last are left out\n");
}

static void files_are_limited(void **state)
{
    CLEANUP_LOOKING Looking l = looking_new();
    cleanup(mapped_files_clear) MappedFiles list = { 0 };
    char name[32], expected[3 * PATH_MAX];

    put_process(&l.proc, 1, NULL);
    put_process(&l.proc, 2, NULL);
    for (unsigned i = 0; i < MAPPED_FILES_MAX + 2; i++) {
        snprintf(name, sizeof name, "%05u", i);
        scratch_put(&l.data, name, "");
        map(&l, i < 100 ? 1 : 2, 1 + i, "r-xp", name);
    }
    assert_int_equal(look(&l, 2, &list), 0);
    assert_int_equal(list.n_files, MAPPED_FILES_MAX);
    snprintf(expected, sizeof expected, "%s is one mapped file too many, and so may others be\n",
             scratch_path(&l.data, "04096"));
    assert_string_equal(l.passed_over, expected);
}

static void nobody_wants_it(void **state)
{
    CLEANUP_LOOKING Looking l = looking_new();
    MappedFiles list = { .n_files = 42 };
    atomic_bool cancelled = true;

    put_process(&l.proc, 1, NULL);
    l.cancelled = &cancelled;
    assert_int_equal(look(&l, 1, &list), -ECANCELED);
    assert_int_equal(list.n_files, 42);
    cancelled = false;
    expect(&l, 1, "");
}

static void opening(void **state)
{
    CLEANUP_LOOKING Looking l = looking_new();
    cleanup(mapped_files_clear) MappedFiles list = { 0 };
    char text[8] = "";

    scratch_put(&l.data, "a", "it");
    scratch_put(&l.data, "b", "");
    put_process(&l.proc, 1, NULL);
    map(&l, 1, 10, "r-xp", "a");
    assert_int_equal(look(&l, 1, &list), 0);
    const MappedFile *file = &list.files[0];
    dev_t dev = file->st.st_dev;
    ino_t ino = file->st.st_ino;

    CLEANUP_CLOSE int fd = mapped_open(l.proc.fd, &file->place, dev, ino);
    assert_int_equal(must(read(fd, text, sizeof text)), 2);
    assert_string_equal(text, "it");
    assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    assert_int_equal(mapped_open(l.proc.fd, &file->place, dev, ino + 1), -ESTALE);
    assert_int_equal(mapped_open(l.proc.fd, &file->place, dev + 1, ino), -ESTALE);
    must(renameat(l.data.fd, "b", l.data.fd, "a"));
    assert_int_equal(mapped_open(l.proc.fd, &file->place, dev, ino), -ESTALE);
    must(unlinkat(l.data.fd, "a", 0));
    assert_int_equal(mapped_open(l.proc.fd, &file->place, dev, ino), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(executables_and_libraries),
        cmocka_unit_test(each_file_once),
        cmocka_unit_test(numbers_in_maps_are_not_trusted),
        cmocka_unit_test(deleted_files),
        cmocka_unit_test(what_never_had_a_name_is_left_out),
        cmocka_unit_test(only_regular_files),
        cmocka_unit_test(what_has_ended),
        cmocka_unit_test(what_cannot_be_read_is_told),
        cmocka_unit_test(network_file_systems),
        cmocka_unit_test(the_kernels_own_file_systems),
        cmocka_unit_test(mappings_are_limited),
        cmocka_unit_test(files_are_limited),
        cmocka_unit_test(nobody_wants_it),
        cmocka_unit_test(opening),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
