/* SPDX-License-Identifier: MIT */
#include "kernel/units.h"

#include <errno.h>
#include <sys/resource.h>

#include "unit/kernel/scratch.h"
#include "unit/test.h"

/* "NAME CGROUP" a line. */
static void expect_units(const Scratch *root, const char *expected)
{
    cleanup(running_units_clear) RunningUnits list = { 0 };
    char text[4096] = "";

    assert_int_equal(running_units_read(root->fd, &list), 0);
    for (size_t i = 0; i < list.n_units; i++) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, "%s %s\n", list.units[i].name, list.units[i].cgroup);
    }
    assert_string_equal(text, expected);
}

static void slices_are_read_and_services_are_not(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, "init.scope/cgroup.procs", "");
    scratch_put(&root, "system.slice/shop.service/cgroup.procs", "");
    scratch_put(&root, "system.slice/shop.service/worker.service/cgroup.procs", "");
    scratch_put(&root, "system.slice/system-db.slice/db@1.service/cgroup.procs", "");
    scratch_put(&root, "system.slice/dbus.socket/cgroup.procs", "");
    scratch_put(&root, "system.slice/srv-a.mount/cgroup.procs", "");
    scratch_put(&root, "system.slice/dev-sda2.swap/cgroup.procs", "");
    scratch_put(&root, "user.slice/user-1000.slice/user@1000.service/app.slice/x.service/p", "");
    scratch_put(&root, "kubepods/pod1.slice/p", "");
    expect_units(&root, "-.slice /\n"
                        "db@1.service /system.slice/system-db.slice/db@1.service\n"
                        "dbus.socket /system.slice/dbus.socket\n"
                        "dev-sda2.swap /system.slice/dev-sda2.swap\n"
                        "init.scope /init.scope\n"
                        "shop.service /system.slice/shop.service\n"
                        "srv-a.mount /system.slice/srv-a.mount\n"
                        "system-db.slice /system.slice/system-db.slice\n"
                        "system.slice /system.slice\n"
                        "user-1000.slice /user.slice/user-1000.slice\n"
                        "user.slice /user.slice\n"
                        "user@1000.service /user.slice/user-1000.slice/user@1000.service\n");
}

static void names_lose_the_escape_that_systemd_gave_them(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, "system.slice/_cgroup.service/p", "");
    scratch_put(&root, "system.slice/__under.service/p", "");
    scratch_put(&root, "_memory.slice/a.service/p", "");
    expect_units(&root, "-.slice /\n"
                        "_under.service /system.slice/__under.service\n"
                        "a.service /_memory.slice/a.service\n"
                        "cgroup.service /system.slice/_cgroup.service\n"
                        "memory.slice /_memory.slice\n"
                        "system.slice /system.slice\n");
}

static void what_only_looks_like_a_unit(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp"), other = scratch_new("/tmp");

    scratch_put(&root, "file.service", "");
    scratch_put(&root, ".service/p", "");
    scratch_put(&root, "_.service/p", "");
    scratch_put(&root, "a.timer/p", "");
    scratch_put(&root, "slice/p", "");
    scratch_put(&other, "x.service/p", "");
    must(symlinkat(other.path, root.fd, "link.slice"));
    expect_units(&root, "-.slice /\n");
}

/* A list that is not whole is none. */
static void few_descriptors(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    struct rlimit old, low = { .rlim_cur = (rlim_t)root.fd + 4 };
    RunningUnits list = { 0 };

    scratch_put(&root, "a.slice/b.slice/c.slice/d.slice/e.service/p", "");
    must(getrlimit(RLIMIT_NOFILE, &old));
    low.rlim_max = old.rlim_max;
    must(setrlimit(RLIMIT_NOFILE, &low));
    int r = running_units_read(root.fd, &list);
    must(setrlimit(RLIMIT_NOFILE, &old));
    assert_int_equal(r, -EMFILE);
    assert_null(list.units);
}

static void no_root(void **state)
{
    RunningUnits list = { 0 };

    assert_int_equal(running_units_read(-1, &list), -EBADF);
    assert_null(list.units);
}

static void check_unit(const char *path, const char *expected)
{
    CLEANUP_FREE char *unit = unit_of_cgroup(path);

    assert_string_equal(unit, expected);
}

static void units_of_cgroups(void **state)
{
    check_unit("/system.slice/shop.service", "shop.service");
    check_unit("/system.slice/shop.service/init.scope", "shop.service");
    check_unit("/user.slice/user-7.slice/user@7.service/app.slice/x.service", "user@7.service");
    check_unit("/system.slice/_cgroup.service", "cgroup.service");
    check_unit("/init.scope", "init.scope");
    check_unit("/system.slice", "system.slice");
    check_unit("/system.slice/", "system.slice");
    check_unit("/a.slice/a-b.slice/other", "a-b.slice");
    check_unit("/other/x.service", "-.slice");
    check_unit("/", "-.slice");
    check_unit("", "-.slice");
}

static void a_cgroup_by_its_path(void **state)
{
    CLEANUP_FREE char *one = NULL, *root = NULL;

    assert_int_equal(running_unit_cgroup(-1, "/system.slice//", &one), 0);
    assert_string_equal(one, "/system.slice");
    assert_int_equal(running_unit_cgroup(-1, "//", &root), 0);
    assert_string_equal(root, "/");
}

static void who_keeps_a_cgroup(void **state)
{
    static const struct {
        const char *path;
        CgroupKeeper keeper;
    } cases[] = {
        { "/", KEEPER_SYSTEMD },
        { "/init.scope", KEEPER_SYSTEMD },
        { "/system.slice", KEEPER_SYSTEMD },
        { "/system.slice/_cgroup.service", KEEPER_SYSTEMD },
        { "/machine.slice/libpod-1f.scope", KEEPER_SYSTEMD },
        { "/docker", KEEPER_NOBODY },
        { "/docker/1f", KEEPER_NOBODY },
        { "/system.slice/shop.service/worker", KEEPER_NOBODY },
        { "/system.slice/shop.service/worker/a", KEEPER_NOBODY },
        { "/machine.slice/libpod-1f.scope/container", KEEPER_NOBODY },
        { "/a.slice/other", KEEPER_NOBODY },
        { "/user.slice/user-7.slice/user@7.service/app.slice", KEEPER_OTHER },
        { "/user.slice/user-7.slice/user@7.service/app.slice/x.service", KEEPER_OTHER },
        { "/lxc.payload.a/system.slice/nginx.service", KEEPER_OTHER },
        { "/lxc.payload.a/init.scope", KEEPER_OTHER },
        { "/lxc.payload.a/system.slice/nginx.service/worker", KEEPER_NOBODY },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++)
        if (cgroup_keeper(cases[i].path) != cases[i].keeper)
            fail_msg("%s", cases[i].path);
}

static void found_by_name(void **state)
{
    RunningUnit units[] = { { (char *)"a.service", (char *)"/a" },
                            { (char *)"c.service", (char *)"/c" } };
    const RunningUnits list = { .units = units, .n_units = ELEMENTS(units) }, none = { 0 };

    assert_ptr_equal(running_units_find(&list, "c.service"), &units[1]);
    assert_null(running_units_find(&list, "b.service"));
    assert_null(running_units_find(&none, "a.service"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_of_cgroups),
        cmocka_unit_test(a_cgroup_by_its_path),
        cmocka_unit_test(who_keeps_a_cgroup),
        cmocka_unit_test(found_by_name),
        cmocka_unit_test(slices_are_read_and_services_are_not),
        cmocka_unit_test(names_lose_the_escape_that_systemd_gave_them),
        cmocka_unit_test(what_only_looks_like_a_unit),
        cmocka_unit_test(few_descriptors),
        cmocka_unit_test(no_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
