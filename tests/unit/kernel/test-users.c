/* SPDX-License-Identifier: MIT */
/* Who uses a file, in a /proc made by hand. */
#include "kernel/users.h"

#include "unit/kernel/processes.h"
#include "unit/test.h"
#include "util/units.h"

static UsedFile put_file(const Scratch *data, const char *name)
{
    struct stat st;

    scratch_put(data, name, "");
    must(fstatat(data->fd, name, &st, 0));
    return (UsedFile){ st.st_dev, st.st_ino };
}

static void put_text(const Scratch *proc, unsigned pid, const char *name, const char *text)
{
    char path[64];

    snprintf(path, sizeof path, "%u/%s", pid, name);
    scratch_put(proc, path, text);
}

static void put_descriptor(const Scratch *proc, unsigned pid, unsigned fd, const char *target)
{
    char path[64];

    snprintf(path, sizeof path, "%u/fd/%u", pid, fd);
    scratch_folders(proc, path);
    must(symlinkat(target, proc->fd, path));
}

static void maps_and_descriptors(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp"), data = scratch_new("/tmp");
    cleanup(file_users_clear) FileUsers list = { 0 };
    const UsedFile files[] = { put_file(&data, "a"), put_file(&data, "b") };
    char smaps[1024];

    put_process(&proc, 12, NULL);
    put_text(&proc, 12, "comm", "shop worker\n");
    put_text(&proc, 12, "cgroup", "1:name=x:/other\n0::/system.slice/shop.service\n");
    put_descriptor(&proc, 12, 3, scratch_path(&data, "a"));
    put_descriptor(&proc, 12, 4, scratch_path(&data, "a"));
    put_descriptor(&proc, 12, 5, scratch_path(&data, "b"));
    put_descriptor(&proc, 12, 6, "/dev/null");
    /* A namesake by inode, whose link leads elsewhere, and the file itself under other numbers. */
    put_mapping(&proc, 12, 1, "r--s", "fe:01", (unsigned)files[0].ino, "/etc/passwd");
    put_mapping(&proc, 12, 2, "r--s", "fe:01", (unsigned)files[0].ino, scratch_path(&data, "a"));
    snprintf(smaps, sizeof smaps,
             "1000-2000 r--s 00000000 fe:01 %ju /n\nRss: 4 kB\nPss: 4 kB\nVmFlags: lo \n"
             "2000-3000 r--s 00000000 fe:01 %ju /a\nRss: 4 kB\nPss: 2 kB\nVmFlags: rd lo \n",
             (uintmax_t)files[0].ino, (uintmax_t)files[0].ino);
    put_text(&proc, 12, "smaps", smaps);
    put_process(&proc, 7, NULL);
    put_descriptor(&proc, 7, 1, scratch_path(&data, "b"));
    put_process(&proc, 9, NULL);
    put_descriptor(&proc, 9, 1, scratch_path(&data, "b"));

    assert_int_equal(file_users_scan(proc.fd, 9, files, 2, &list), 0);
    assert_int_equal(list.unreadable, 0);
    assert_int_equal(list.n_users, 3);
    const FileUser *a = &list.users[0], *b7 = &list.users[1], *b12 = &list.users[2];
    assert_true(a->file == 0 && a->pid == 12 && a->descriptors == 2);
    assert_string_equal(a->command, "shop worker");
    assert_string_equal(a->cgroup, "/system.slice/shop.service");
    assert_true(a->mapped == 4096 && a->rss == 4 * KIB && a->pss == 2 * KIB);
    assert_int_equal(a->locked, 4 * KIB);
    assert_true(b7->file == 1 && b7->pid == 7 && b7->descriptors == 1 && b7->mapped == 0);
    assert_string_equal(b7->command, "");
    assert_null(b7->cgroup);
    assert_true(b12->file == 1 && b12->pid == 12 && b12->descriptors == 1);
}

/* Ended between two looks; and one that is kept from us. */
static void what_cannot_be_read(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp"), data = scratch_new("/tmp");
    cleanup(file_users_clear) FileUsers list = { 0 };
    const UsedFile file = put_file(&data, "a");

    scratch_folders(&proc, "5/");
    scratch_put(&proc, "6/fd", "no folder");
    must(mkdirat(proc.fd, "self", 0755));
    assert_int_equal(file_users_scan(proc.fd, 0, &file, 1, &list), 0);
    assert_int_equal(list.n_users, 0);
    assert_int_equal(list.unreadable, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_and_descriptors),
        cmocka_unit_test(what_cannot_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
