/* SPDX-License-Identifier: MIT */
#include "kernel/positions.h"

#include <errno.h>
#include <string.h>

#include "unit/kernel/scratch.h"
#include "unit/test.h"

#define MOUNTS                                       \
    "20 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n" \
    "21 20 0:40 / /net rw - nfs4 server:/ rw\n"      \
    "22 20 0:41 / /tmp rw - tmpfs tmpfs rw\n"        \
    "23 20 0:42 / /fuse rw - fuse.sshfs a: rw\n"     \
    "24 20 0:5 / /proc rw - proc proc rw\n"

#define SIZE 1000

typedef struct World {
    Scratch proc, files;
    Pids pids;
    pid_t own[4];
} World;

static World world_new(void)
{
    return (World){ .proc = scratch_new("/tmp"), .files = scratch_new("/tmp") };
}

static void world_done(World *w)
{
    scratch_done(&w->proc);
    scratch_done(&w->files);
}

#define CLEANUP_WORLD cleanup(world_done)

static void put_process(World *w, pid_t pid)
{
    char path[64];

    snprintf(path, sizeof path, "%d/fd/", pid);
    scratch_folders(&w->proc, path);
    snprintf(path, sizeof path, "%d/mountinfo", pid);
    scratch_put(&w->proc, path, MOUNTS);
    w->own[w->pids.n_pids++] = pid;
}

/* A descriptor that leads to the file @name of @size; NULL: to something without one. */
static void put(World *w, pid_t pid, int number, const char *info, const char *name, uint64_t size)
{
    char path[64], target[PATH_MAX + 64];

    snprintf(path, sizeof path, "%d/fdinfo/%d", pid, number);
    scratch_put(&w->proc, path, info);
    snprintf(path, sizeof path, "%d/fd/%d", pid, number);
    snprintf(target, sizeof target, "%s/%s", name ? w->files.path : "pipe:", name ? name : "[7]");
    must(symlinkat(target, w->proc.fd, path));
    if (name) {
        scratch_put(&w->files, name, "");
        CLEANUP_CLOSE int fd = must(openat(w->files.fd, name, O_WRONLY | O_CLOEXEC));
        must(ftruncate(fd, (off_t)size));
    }
}

static void find(World *w, bool network, Positions *ret)
{
    w->pids.pids = w->own;
    assert_int_equal(positions_of(w->proc.fd, &w->pids, SIZE, network, ret), 0);
}

static void where_a_process_is_in_its_files(void **state)
{
    CLEANUP_WORLD World w = world_new();
    cleanup(positions_clear) Positions list = { 0 };
    struct stat st;

    put_process(&w, 7);
    put(&w, 7, 3, "pos:\t4096\nflags:\t0100000\nmnt_id:\t20\nino:\t9\n", "a", SIZE);
    put(&w, 7, 4, "pos:\t5\nflags:\t0100001\nmnt_id:\t20\n", "a", SIZE);
    find(&w, false, &list);
    assert_int_equal(list.n, 2);
    must(fstatat(w.files.fd, "a", &st, 0));
    assert_true(list.items[0].dev == st.st_dev && list.items[0].ino == st.st_ino);
    assert_int_equal(list.items[0].pid, 7);
    assert_int_equal(list.items[0].number, 3);
    assert_int_equal(list.items[0].position, 4096);
    assert_int_equal(list.items[0].size, SIZE);
    assert_false(list.items[0].writes);
    assert_int_equal(list.items[1].number, 4);
    assert_int_equal(list.items[1].position, 5);
    assert_true(list.items[1].writes);
}

static void many_locks(void **state)
{
    CLEANUP_WORLD World w = world_new();
    cleanup(positions_clear) Positions list = { 0 };
    char info[4096] = "pos:\t4096\nflags:\t0100002\nmnt_id:\t20\nino:\t9\n";

    for (unsigned i = 0; i < 40; i++)
        strcat(info, "lock:\t1: POSIX  ADVISORY  WRITE 7 08:01:9 0 0\n");
    put_process(&w, 7);
    put(&w, 7, 3, info, "a", SIZE);
    find(&w, false, &list);
    assert_int_equal(list.n, 1);
}

static void what_has_no_page_cache_on_a_disk_is_left_out(void **state)
{
    CLEANUP_WORLD World w = world_new();
    cleanup(positions_clear) Positions list = { 0 };

    put_process(&w, 7);
    put(&w, 7, 3, "pos:\t0\nflags:\t010000000\nmnt_id:\t20\n", "a", SIZE); /* O_PATH */
    put(&w, 7, 4, "pos:\t0\nflags:\t0140000\nmnt_id:\t20\n", "b", SIZE);   /* O_DIRECT */
    put(&w, 7, 5, "pos:\t0\nflags:\t00\nmnt_id:\t22\n", "c", SIZE);        /* tmpfs */
    put(&w, 7, 6, "pos:\t0\nflags:\t00\nmnt_id:\t24\n", "d", SIZE);        /* proc */
    put(&w, 7, 7, "pos:\t0\nflags:\t00\nmnt_id:\t99\n", NULL, 0);          /* a pipe */
    put(&w, 7, 8, "pos:\t0\nflags:\t00\nmnt_id:\t20\n", "e", SIZE - 1);    /* too small */
    put(&w, 7, 9, "inotify wd:1\n", NULL, 0);
    scratch_put(&w.proc, "7/fdinfo/10", "pos:\t0\nflags:\t00\nmnt_id:\t20\n");
    must(symlinkat(w.files.path, w.proc.fd, "7/fd/10")); /* a folder */
    find(&w, true, &list);
    assert_int_equal(list.n, 0);
}

/* Servers are asked only where a policy may, and nothing is concluded from an old number. */
static void network_file_systems(void **state)
{
    CLEANUP_WORLD World w = world_new();
    cleanup(positions_clear) Positions none = { 0 }, some = { 0 };

    put_process(&w, 7);
    put(&w, 7, 3, "pos:\t0\nflags:\t00\nmnt_id:\t21\n", "a", SIZE);
    put(&w, 7, 4, "pos:\t0\nflags:\t00\nmnt_id:\t23\n", "b", SIZE);
    find(&w, false, &none);
    assert_int_equal(none.n, 0);
    find(&w, true, &some);
    assert_int_equal(some.n, 2);

    /* Unmounted, and the number is another's. */
    cleanup(positions_clear) Positions now = { 0 };
    scratch_put(&w.proc, "7/mountinfo",
                "21 20 8:2 / /local rw - ext4 /dev/sdb1 rw\n"
                "23 20 0:42 / /fuse rw - fuse.sshfs a: rw\n");
    find(&w, false, &now);
    assert_int_equal(now.n, 1);
}

static void by_file_then_by_process(void **state)
{
    CLEANUP_WORLD World w = world_new();
    cleanup(positions_clear) Positions list = { 0 };

    put_process(&w, 7);
    put_process(&w, 8);
    put_process(&w, 9);
    put(&w, 8, 3, "pos:\t1\nflags:\t00\nmnt_id:\t20\n", "a", SIZE);
    put(&w, 8, 2, "pos:\t2\nflags:\t00\nmnt_id:\t20\n", "b", SIZE);
    put(&w, 7, 5, "pos:\t3\nflags:\t00\nmnt_id:\t20\n", "b", SIZE);
    put(&w, 7, 4, "pos:\t4\nflags:\t00\nmnt_id:\t20\n", "a", SIZE);
    w.own[w.pids.n_pids++] = 10; /* has ended */
    find(&w, false, &list);
    assert_int_equal(list.n, 4);
    for (size_t i = 0; i < 4; i += 2) {
        assert_true(list.items[i].ino == list.items[i + 1].ino);
        assert_int_equal(list.items[i].pid, 7);
        assert_int_equal(list.items[i + 1].pid, 8);
    }
}

static void opened_again_if_it_is_the_same(void **state)
{
    CLEANUP_WORLD World w = world_new();
    cleanup(positions_clear) Positions list = { 0 };

    put_process(&w, 7);
    put(&w, 7, 3, "pos:\t0\nflags:\t01\nmnt_id:\t20\n", "a", SIZE);
    find(&w, false, &list);
    assert_int_equal(list.n, 1);
    CLEANUP_CLOSE int fd = position_reopen(w.proc.fd, &list.items[0]);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);

    /* Exchanged for a FIFO, which is not opened; and gone. */
    must(unlinkat(w.files.fd, "a", 0));
    must(mkfifoat(w.files.fd, "a", 0600));
    assert_int_equal(position_reopen(w.proc.fd, &list.items[0]), -ESTALE);
    must(unlinkat(w.files.fd, "a", 0));
    assert_int_equal(position_reopen(w.proc.fd, &list.items[0]), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_a_process_is_in_its_files),
        cmocka_unit_test(many_locks),
        cmocka_unit_test(what_has_no_page_cache_on_a_disk_is_left_out),
        cmocka_unit_test(network_file_systems),
        cmocka_unit_test(by_file_then_by_process),
        cmocka_unit_test(opened_again_if_it_is_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
