/* SPDX-License-Identifier: MIT */
#include "kernel/procs.h"

#include <errno.h>

#include "unit/kernel/scratch.h"
#include "unit/test.h"

/* The numbers, each with a blank behind it. */
static void expect_pids(const Scratch *root, const char *path, const char *expected)
{
    cleanup(pids_clear) Pids pids = { 0 };
    char text[4096] = "";

    assert_int_equal(cgroup_pids(root->fd, path, &pids), 0);
    for (size_t i = 0; i < pids.n_pids; i++) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, "%d ", pids.pids[i]);
    }
    assert_string_equal(text, expected);
}

static void of_a_group_and_all_below(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, "cgroup.procs", "1\n");
    scratch_put(&root, "system.slice/a.service/cgroup.procs", "30\n4\n30\n");
    scratch_put(&root, "system.slice/a.service/x/cgroup.procs", "");
    scratch_put(&root, "system.slice/a.service/x/y/cgroup.procs", "5\n2147483647\n4\n");
    scratch_put(&root, "system.slice/a.service/x/y/memory.stat", "7\n");
    scratch_put(&root, "system.slice/b.service/cgroup.procs", "6\n");
    must(symlinkat("../b.service", root.fd, "system.slice/a.service/link"));
    expect_pids(&root, "/system.slice/a.service", "4 5 30 2147483647 ");
    expect_pids(&root, "/system.slice/a.service/x/", "4 5 2147483647 ");
    expect_pids(&root, "/", "1 4 5 6 30 2147483647 ");
}

/* 0 stands for processes of another PID namespace. */
static void what_is_no_process_is_left_out(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, "a/cgroup.procs", "0\n2147483648\n\nx\n-3\n8\n");
    expect_pids(&root, "/a", "8 ");
}

static void what_cannot_be_read_is_left_out(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, "a/cgroup.procs/is-a-folder", "1\n");
    scratch_put(&root, "a/threaded/cgroup.procs", "2\n");
    expect_pids(&root, "/a", "2 ");
}

static void many(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    cleanup(pids_clear) Pids pids = { 0 };
    char text[8192] = "";

    for (size_t i = 1000, n = 0; i > 0; i--)
        n += (size_t)snprintf(text + n, sizeof text - n, "%zu\n", i);
    scratch_put(&root, "a/cgroup.procs", text);
    assert_int_equal(cgroup_pids(root.fd, "/a", &pids), 0);
    assert_int_equal(pids.n_pids, 1000);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(pids.pids[i], i + 1);
}

static void no_such_group(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    Pids pids = { .n_pids = 42 };

    assert_int_equal(cgroup_pids(root.fd, "/none", &pids), -ENOENT);
    assert_int_equal(cgroup_pids(root.fd, "none", &pids), -EINVAL);
    assert_int_equal(cgroup_pids(root.fd, "/none/../..", &pids), -EINVAL);
    assert_int_equal(pids.n_pids, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_a_group_and_all_below),
        cmocka_unit_test(what_is_no_process_is_left_out),
        cmocka_unit_test(what_cannot_be_read_is_left_out),
        cmocka_unit_test(many),
        cmocka_unit_test(no_such_group),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
