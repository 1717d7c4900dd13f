/* SPDX-License-Identifier: MIT */
#include "kernel/mounts.h"

#include <string.h>
#include <sys/sysmacros.h>

#include "unit/kernel/scratch.h"
#include "unit/test.h"
#include "util/strv.h"

#define LINE(point) "36 35 98:0 /root " point " rw,noatime master:1 - ext3 /dev/root rw\n"

static char **read_table(const char *process, const char *text)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    char path[64];
    char **mounts = NULL;

    snprintf(path, sizeof path, "%s/mountinfo", process);
    scratch_put(&proc, path, text);
    assert_int_equal(mounts_read(proc.fd, &mounts), 0);
    return mounts;
}

static void the_points_of_pid_1(void **state)
{
    cleanup(strv_freep) char **mounts = read_table(
        "1", LINE("/") LINE("/srv") LINE("/srv/a\\040b\\134c") "no line\n" LINE("relative"));

    assert_int_equal(strv_length(mounts), 3);
    assert_string_equal(mounts[1], "/srv");
    assert_string_equal(mounts[2], "/srv/a b\\c");
    assert_true(strv_has(mounts, "/srv"));
    assert_false(strv_has(mounts, "/srv/a"));
}

static void our_own_where_there_are_no_others(void **state)
{
    cleanup(strv_freep) char **mounts = read_table("self", LINE("/srv"));

    assert_int_equal(strv_length(mounts), 1);
}

static void without_a_table(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    char **mounts = NULL;

    assert_int_equal(mounts_read(proc.fd, &mounts), -ENOENT);
    assert_null(mounts);
}

static void what_a_path_is_on(void **state)
{
    cleanup(strv_freep) char **mounts = read_table("1", LINE("/srv/a/b") LINE("/") LINE("/srv"));

    assert_string_equal(mounts_above(mounts, "/srv/a/b"), "/srv/a/b");
    assert_string_equal(mounts_above(mounts, "/srv/a/b/c"), "/srv/a/b");
    assert_string_equal(mounts_above(mounts, "/srv/a/bc"), "/srv");
    assert_string_equal(mounts_above(mounts, "/srvx"), "/");
    assert_string_equal(mounts_above(mounts, "/"), "/");
    assert_null(mounts_above(NULL, "/srv"));
}

static void where_files_are_that_are_not_on_it(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    CLEANUP_FREE dev_t *devices = NULL;
    size_t n;

    scratch_put(&proc, "1/mountinfo",
                "1 0 8:1 / / rw - ext4 a rw\n"
                "2 1 8:2 / /srv rw - ext4 b rw\n"
                "3 2 0:40 / /srv/c rw - tmpfs c rw\n"
                "4 1 8:3 / /srv rw - ext4 d rw\n" /* over the other one */
                "5 1 8:3 /e /e rw - ext4 d rw\n"  /* a part of the same once more */
                "no line\n"
                "6 1 x:y / /srv rw - ext4 d rw\n");
    assert_int_equal(mounts_other_devices(proc.fd, "/srv/x", &devices, &n), 0);
    assert_int_equal(n, 3);
    assert_true(devices[0] == makedev(8, 1) && devices[1] == makedev(8, 2) &&
                devices[2] == makedev(0, 40));
    free(TAKE_PTR(devices));
    assert_int_equal(mounts_other_devices(proc.fd, "/", &devices, &n), 0);
    assert_int_equal(n, 4);
    free(TAKE_PTR(devices));
    must(unlinkat(proc.fd, "1/mountinfo", 0));
    assert_int_equal(mounts_other_devices(proc.fd, "/", &devices, &n), -ENOENT);
    assert_null(devices);
}

static void expect_stem(const char *point, const char *expected)
{
    CLEANUP_FREE char *stem = mounts_unit_stem(point);

    assert_string_equal(stem, expected);
}

/* As `systemd-escape --path` has them. */
static void names_of_mount_units(void **state)
{
    expect_stem("/srv", "srv");
    expect_stem("/srv/shop-data", "srv-shop\\x2ddata");
    expect_stem("/.hidden/.too", "\\x2ehidden-.too");
    expect_stem("/mnt/a b\xc3\xa4", "mnt-a\\x20b\\xc3\\xa4");
    expect_stem("/a:b_c.d", "a:b_c.d");
    assert_null(mounts_unit_stem("/"));
    assert_null(mounts_unit_stem(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_points_of_pid_1),
        cmocka_unit_test(our_own_where_there_are_no_others),
        cmocka_unit_test(without_a_table),
        cmocka_unit_test(what_a_path_is_on),
        cmocka_unit_test(names_of_mount_units),
        cmocka_unit_test(where_files_are_that_are_not_on_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
