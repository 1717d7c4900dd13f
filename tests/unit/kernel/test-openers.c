/* SPDX-License-Identifier: MIT */
#include "kernel/openers.h"

#include <errno.h>
#include <sys/sysmacros.h>

#include "unit/kernel/scratch.h"
#include "unit/test.h"

/* A /proc by hand: links in fd/ lead to real files, and maps is text. */
static void put_process(const Scratch *proc, const char *pid, const char *target, const char *maps)
{
    char path[64];

    snprintf(path, sizeof path, "%s/fd/", pid);
    scratch_folders(proc, path);
    snprintf(path, sizeof path, "%s/maps", pid);
    scratch_put(proc, path, maps);
    if (target) {
        snprintf(path, sizeof path, "%s/fd/7", pid);
        must(symlinkat(target, proc->fd, path));
    }
}

static struct stat stat_of(const Scratch *scratch, const char *name)
{
    struct stat st;

    must(fstatat(scratch->fd, name, &st, AT_SYMLINK_NOFOLLOW));
    return st;
}

static void open_and_mapped(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp"), data = scratch_new("/tmp");
    cleanup(open_set_freep) OpenSet *set = NULL;

    scratch_put(&data, "opened", "");
    scratch_put(&data, "idle", "");
    put_process(&proc, "1", scratch_path(&data, "opened"), "");
    put_process(
        &proc, "22", NULL,
        "558c9e8a9000-558c9e8ab000 r--p 00000000 fe:00 247134                     /usr/bin/cat\n"
        "7ffd1c5e1000-7ffd1c602000 rw-p 00000000 00:00 0                          [stack]\n"
        "7f0000000000-7f0000001000 r--s 00001000 fe:00 18446744073709551000 "
        "/srv/a 99 b (deleted)\n"
        "7f0000002000-7f0000003000 r--s 00000000 fe:00 55 \n"
        "7f0000004000-7f0000005000 rw-p 00000000 00:00 0 \n");
    put_process(&proc, "not-a-process", scratch_path(&data, "idle"), "");
    struct stat opened = stat_of(&data, "opened"), idle = stat_of(&data, "idle");

    assert_int_equal(open_set_scan(proc.fd, 0, &set), 0);
    assert_int_equal(open_set_unreadable(set), 0);
    assert_int_equal(open_set_processes(set), 2);
    assert_int_equal(open_set_files(set), 4);
    assert_true(open_set_has(set, opened.st_dev, opened.st_ino));
    assert_false(open_set_has(set, idle.st_dev, idle.st_ino));
    /* A descriptor is of its device; a mapping is of any. */
    assert_false(open_set_has(set, opened.st_dev + 1, opened.st_ino));
    assert_true(open_set_has(set, 1, 247134));
    assert_true(open_set_has(set, 2, 247134));
    assert_true(open_set_has(set, 2, UINT64_C(18446744073709551000)));
    assert_true(open_set_has(set, 2, 55));
    assert_false(open_set_has(set, 0, 0));
    assert_false(open_set_has(set, 2, 99));
}

/* Buffers end in the middle of lines, numbers included. */
static void long_maps(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    cleanup(open_set_freep) OpenSet *set = NULL;
    CLEANUP_FREE char *maps = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&maps, &size);

    for (unsigned i = 0; i < 5000; i++)
        fprintf(stream, "7f0000000000-7f0000001000 r--s 00000000 fe:00 %u /srv/%.*s\n", 1000000 + i,
                (int)(i % 97),
                "a 5 b 6 c 7 d 8 e 9 f 10 g 11 h 12 i 13 j 14 k 15 l 16 m 17 n 18 o 19 p 20 q 21 "
                "r 22 s 23");
    fclose(stream);
    put_process(&proc, "1", NULL, maps);

    assert_int_equal(open_set_scan(proc.fd, 0, &set), 0);
    assert_int_equal(open_set_files(set), 5000);
    for (unsigned i = 0; i < 5000; i++)
        assert_true(open_set_has(set, 0, 1000000 + i));
}

static void a_file_counts_once(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp"), data = scratch_new("/tmp");
    cleanup(open_set_freep) OpenSet *set = NULL;
    char pid[16];

    scratch_put(&data, "f", "");
    for (int i = 1; i <= 50; i++) {
        snprintf(pid, sizeof pid, "%d", i);
        put_process(&proc, pid, scratch_path(&data, "f"),
                    "7f00-7f10 r--s 00000000 fe:00 55 x\n7f10-7f20 r--s 00000000 fe:00 66 y\n");
    }
    assert_int_equal(open_set_scan(proc.fd, 0, &set), 0);
    assert_int_equal(open_set_processes(set), 50);
    assert_int_equal(open_set_files(set), 3);
}

static void only_regular_files(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    cleanup(open_set_freep) OpenSet *set = NULL;

    put_process(&proc, "1", "/dev/null", "");
    put_process(&proc, "2", "/tmp", "");
    put_process(&proc, "3", "socket:[1234]", "");
    assert_int_equal(open_set_scan(proc.fd, 0, &set), 0);
    assert_int_equal(open_set_files(set), 0);
    assert_int_equal(open_set_unreadable(set), 0);
}

static void the_caller_leaves_itself_out(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp"), data = scratch_new("/tmp");
    cleanup(open_set_freep) OpenSet *set = NULL;

    scratch_put(&data, "mine", "");
    put_process(&proc, "1", NULL, "");
    put_process(&proc, "77", scratch_path(&data, "mine"), "1-2 r--s 00000000 fe:00 55 x\n");
    struct stat mine = stat_of(&data, "mine");

    assert_int_equal(open_set_scan(proc.fd, 77, &set), 0);
    assert_int_equal(open_set_processes(set), 1);
    assert_false(open_set_has(set, mine.st_dev, mine.st_ino));
    assert_false(open_set_has(set, 0, 55));
}

static void processes_that_ended(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    cleanup(open_set_freep) OpenSet *set = NULL;

    put_process(&proc, "1", NULL, "");
    must(mkdirat(proc.fd, "5", 0755)); /* neither fd nor maps */
    assert_int_equal(open_set_scan(proc.fd, 0, &set), 0);
    assert_int_equal(open_set_unreadable(set), 0);
}

static void what_cannot_be_read_is_counted(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    cleanup(open_set_freep) OpenSet *set = NULL;

    put_process(&proc, "1", NULL, "");
    scratch_put(&proc, "6/fd", "a file, not a folder");
    scratch_put(&proc, "6/maps", "");
    scratch_folders(&proc, "7/fd/");
    must(mkdirat(proc.fd, "7/maps", 0755)); /* read: EISDIR */
    must(symlinkat("loop", proc.fd, "7/fd/loop"));
    scratch_put(&proc, "7/fdinfo/loop", "nothing");
    assert_int_equal(open_set_scan(proc.fd, 0, &set), 0);
    assert_int_equal(open_set_unreadable(set), 2);
}

static void put_hidden(const Scratch *proc, const char *name, const char *fdinfo)
{
    char path[64];

    snprintf(path, sizeof path, "1/fd/%s", name);
    must(symlinkat(name, proc->fd, path)); /* which leads to itself: ELOOP */
    snprintf(path, sizeof path, "1/fdinfo/%s", name);
    if (fdinfo)
        scratch_put(proc, path, fdinfo);
}

static unsigned hidden(const Scratch *proc, OpenSet **ret)
{
    *ret = open_set_free(*ret);
    assert_int_equal(open_set_scan(proc->fd, 0, ret), 0);
    return open_set_unreadable(*ret);
}

/* As all of FUSE is, even from root: it stands for its device, and its number, and hides no others.
 */
static void a_file_that_is_not_told(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    cleanup(open_set_freep) OpenSet *set = NULL;

    put_process(&proc, "1", NULL, "");
    scratch_put(&proc, "1/mountinfo",
                "22 1 254:1 / / rw - ext4 /dev/root rw\n"
                "23 22 0:42 / /home/me/fuse rw - fuse.me me rw\n");
    put_hidden(&proc, "7", "pos:\t0\nflags:\t0100000\nmnt_id:\t23\nino:\t9\n");
    assert_int_equal(hidden(&proc, &set), 0);
    assert_true(open_set_has(set, makedev(0, 42), 5));
    assert_true(open_set_is_open(set, makedev(0, 42), 6));
    assert_true(open_set_is_open(set, makedev(254, 1), 9));
    assert_false(open_set_has(set, makedev(254, 1), 10));

    /* Of a mount that was detached. */
    put_hidden(&proc, "8", "pos:\t0\nflags:\t0100000\nmnt_id:\t99\nino:\t10\n");
    assert_int_equal(hidden(&proc, &set), 0);
    assert_true(open_set_is_open(set, makedev(254, 1), 10));
    assert_true(open_set_has(set, makedev(0, 42), 5));
    assert_false(open_set_has(set, makedev(254, 1), 11));

    put_hidden(&proc, "10", NULL); /* closed meanwhile */
    assert_int_equal(hidden(&proc, &set), 0);
}

/* Before Linux 5.14, that is: the device alone may be another than the file's. */
static void a_hidden_file_without_a_number(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    cleanup(open_set_freep) OpenSet *set = NULL;

    put_process(&proc, "1", NULL, "");
    scratch_put(&proc, "1/mountinfo", "22 1 0:31 /@ / rw - btrfs /dev/root rw\n");
    put_hidden(&proc, "7", "pos:\t0\nflags:\t0100000\nmnt_id:\t22\n");
    assert_int_equal(hidden(&proc, &set), 1);
    assert_true(open_set_has(set, makedev(0, 31), 5));
    assert_false(open_set_has(set, makedev(0, 31) + 1, 0));
    assert_false(open_set_has(set, makedev(0, 31) + 1, 5));
}

/* Of btrfs the mount has one device, and the files that of their subvolume. */
static void a_hidden_file_of_another_device_than_its_mount(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    cleanup(open_set_freep) OpenSet *set = NULL;

    put_process(&proc, "1", NULL, "");
    scratch_put(&proc, "1/mountinfo", "22 1 0:31 /@ / rw - btrfs /dev/root rw\n");
    put_hidden(&proc, "7", "pos:\t0\nflags:\t0100000\nmnt_id:\t22\nino:\t257\n");
    put_hidden(&proc, "8", "pos:\t0\nflags:\t0100000\nmnt_id:\t22\nino:\t258\n");
    assert_int_equal(hidden(&proc, &set), 0);
    assert_true(open_set_is_open(set, makedev(0, 33), 257));
    assert_true(open_set_has(set, makedev(0, 33), 258));
    assert_false(open_set_has(set, makedev(0, 33), 259));
}

/* hidepid= shows a user's own processes only, and says nothing of the others. */
static void a_proc_that_hides_processes(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    cleanup(open_set_freep) OpenSet *set = NULL;

    put_process(&proc, "4242", NULL, "");
    assert_int_equal(open_set_scan(proc.fd, 0, &set), 0);
    assert_int_equal(open_set_unreadable(set), 1);
}

static void not_a_folder(void **state)
{
    OpenSet *set = NULL;

    assert_int_equal(open_set_scan(-1, 0, &set), -EBADF);
    assert_null(set);
    assert_null(open_set_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_and_mapped),
        cmocka_unit_test(long_maps),
        cmocka_unit_test(a_file_counts_once),
        cmocka_unit_test(only_regular_files),
        cmocka_unit_test(the_caller_leaves_itself_out),
        cmocka_unit_test(processes_that_ended),
        cmocka_unit_test(a_file_that_is_not_told),
        cmocka_unit_test(a_hidden_file_without_a_number),
        cmocka_unit_test(a_hidden_file_of_another_device_than_its_mount),
        cmocka_unit_test(what_cannot_be_read_is_counted),
        cmocka_unit_test(a_proc_that_hides_processes),
        cmocka_unit_test(not_a_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
