/* SPDX-License-Identifier: MIT */
#include "kernel/cgroup_names.h"

#include "unit/kernel/scratch.h"
#include "unit/test.h"

static uint64_t ino_of(const Scratch *root, const char *path)
{
    struct stat st;

    must(fstatat(root->fd, path, &st, 0));
    return st.st_ino;
}

static void paths_by_inode(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    cleanup(cgroup_names_clear) CgroupNames list = { 0 };

    scratch_put(&root, "system.slice/shop.service/worker/cgroup.procs", "");
    scratch_put(&root, "system.slice/shop.service/memory.stat", "");
    scratch_folders(&root, "init.scope/");
    must(symlinkat("/etc", root.fd, "link"));
    assert_int_equal(cgroup_names_read(root.fd, &list), 0);
    assert_int_equal(list.n_names, 5);
    assert_string_equal(cgroup_names_find(&list, ino_of(&root, ".")), "/");
    assert_string_equal(cgroup_names_find(&list, ino_of(&root, "init.scope")), "/init.scope");
    assert_string_equal(cgroup_names_find(&list, ino_of(&root, "system.slice/shop.service/worker")),
                        "/system.slice/shop.service/worker");
    assert_null(cgroup_names_find(&list, 0));
    assert_null(cgroup_names_find(&list, ino_of(&root, "system.slice/shop.service/memory.stat")));
}

static void no_folder(void **state)
{
    cleanup(cgroup_names_clear) CgroupNames list = { 0 };

    assert_int_equal(cgroup_names_read(-1, &list), -EBADF);
    assert_null(cgroup_names_find(&list, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_by_inode),
        cmocka_unit_test(no_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
