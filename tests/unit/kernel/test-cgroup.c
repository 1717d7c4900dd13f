/* SPDX-License-Identifier: MIT */
#include "kernel/cgroup.h"

#include <errno.h>
#include <fcntl.h>

#include "unit/kernel/scratch.h"
#include "unit/test.h"
#include "util/units.h"

#define LINUX_6_12 TEST_DATA "/cgroup/linux-6.12"
#define LINUX_6_1  TEST_DATA "/cgroup/linux-6.1"
#define HYBRID     TEST_DATA "/cgroup/hybrid"

#define SHOP "/system.slice/shop.service"

static int open_root(const char *path)
{
    return must(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static Cgroup *open_group(int root, const char *path)
{
    Cgroup *group = NULL;

    assert_int_equal(cgroup_open(root, path, &group), 0);
    assert_non_null(group);
    return group;
}

/* What memory.stat must have, for groups that a test makes. */
static void put_group(const Scratch *root, const char *stat_tail)
{
    char text[1024];

    snprintf(text, sizeof text,
             "anon 4096\nfile 8192\nactive_file 0\ninactive_file 8192\nunevictable 0\n"
             "file_mapped 0\nfile_dirty 0\nfile_writeback 0\nshmem 0\nslab_unreclaimable 0\n%s",
             stat_tail);
    scratch_put(root, "a.service/cgroup.procs", "");
    scratch_put(root, "a.service/memory.current", "12288\n");
    scratch_put(root, "a.service/memory.stat", text);
}

static void the_root_is_checked(void **state)
{
    CLEANUP_CLOSE int good = open_root(LINUX_6_12), hybrid = open_root(HYBRID);
    CLEANUP_CLOSE int other = open_root(TEST_DATA);
    CLEANUP_SCRATCH Scratch similar = scratch_new("/tmp");

    assert_int_equal(cgroup_root_check(good), 0);
    assert_int_equal(cgroup_root_check(hybrid), -ENOTSUP);
    assert_int_equal(cgroup_root_check(other), -ENOTSUP);
    scratch_put(&similar, "cgroup.controllers", "cpu memory_something io\n");
    assert_int_equal(cgroup_root_check(similar.fd), -ENOTSUP);
    scratch_put(&similar, "cgroup.controllers", "memory\n");
    assert_int_equal(cgroup_root_check(similar.fd), 0);
}

static void a_sample_of_6_12(void **state)
{
    CLEANUP_CLOSE int root = open_root(LINUX_6_12);
    cleanup(cgroup_freep) Cgroup *group = open_group(root, SHOP);
    Sample s;

    assert_int_equal(cgroup_sample(group, 123456789, &s), 0);
    assert_int_equal(s.at_usec, 123456789);
    assert_true(s.cgroup != 0 && s.cgroup == cgroup_id(group));
    assert_int_equal(s.current, 360710144);
    assert_int_equal(s.high, 402653184);
    assert_true(s.max == LIMIT_NONE);
    assert_int_equal(s.anon, 41943040);
    assert_int_equal(s.file, 312475648);
    assert_int_equal(s.kernel, 5767168);
    assert_int_equal(s.shmem, 1048576);
    assert_int_equal(s.file_mapped, 268435456);
    assert_int_equal(s.file_dirty, 135168);
    assert_int_equal(s.file_writeback, 4096);
    assert_int_equal(s.inactive_file, 33554432);
    assert_int_equal(s.active_file, 9437184);
    assert_int_equal(s.unevictable, 268435456);
    assert_int_equal(s.slab_unreclaimable, 598016);
    assert_int_equal(s.refault_anon, 17);
    assert_int_equal(s.refault_file, 25471);
    assert_int_equal(s.pgscan, 101873);
    assert_int_equal(s.pgsteal, 61210);
    assert_int_equal(s.pgmajfault, 412);
    assert_int_equal(s.activate_file, 12811);
    assert_int_equal(s.active_anon, 753664);
    assert_int_equal(s.inactive_anon, 42237952);
    assert_int_equal(s.slab_reclaimable, 3670016);
    assert_int_equal(s.events_high, 41);
    assert_int_equal(s.page, sysconf(_SC_PAGESIZE));
    /* No such files. */
    assert_int_equal(s.min, 0);
    assert_int_equal(s.swap_current, 0);
    assert_int_equal(s.swap_max, 0);
    assert_true(s.memory_psi.valid && s.io_psi.valid);
    assert_int_equal(s.memory_psi.some_usec, 1843021);
    assert_int_equal(s.memory_psi.full_usec, 1420877);
    assert_float_equal(s.memory_psi.some_avg10, 12.34, 1e-9);
    assert_int_equal(s.io_psi.some_usec, 913220551);
    assert_float_equal(s.io_psi.full_avg10, 99.99, 1e-9);
}

static void swap_and_the_minimum(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/tmp");
    Sample s;

    put_group(&scratch, "");
    scratch_put(&scratch, "a.service/memory.min", "8192\n");
    scratch_put(&scratch, "a.service/memory.swap.current", "4096\n");
    scratch_put(&scratch, "a.service/memory.swap.max", "max\n");
    scratch_put(&scratch, "a.service/memory.events", "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\n");
    cleanup(cgroup_freep) Cgroup *group = open_group(scratch.fd, "/a.service");
    assert_int_equal(cgroup_sample(group, 1, &s), 0);
    assert_int_equal(s.min, 8192);
    assert_int_equal(s.swap_current, 4096);
    assert_true(s.swap_max == LIMIT_NONE);
    assert_int_equal(s.events_high, 2);
    assert_int_equal(s.events_max, 3);
    assert_int_equal(s.events_oom_kill, 5);
}

static void a_sample_of_6_1(void **state)
{
    CLEANUP_CLOSE int root = open_root(LINUX_6_1);
    cleanup(cgroup_freep) Cgroup *group = open_group(root, SHOP);
    Sample s;

    assert_int_equal(cgroup_sample(group, 1, &s), 0);
    assert_int_equal(s.current, 85012480);
    assert_true(s.high == LIMIT_NONE);
    assert_int_equal(s.max, 536870912);
    assert_int_equal(s.anon, 8605696);
    assert_int_equal(s.kernel, 2408448);
    assert_int_equal(s.refault_file, 211);
    assert_int_equal(s.pgsteal, 3871);
    assert_int_equal(s.events_high, 0);
}

static void the_root_group_has_no_limits(void **state)
{
    CLEANUP_CLOSE int root = open_root(LINUX_6_12);
    cleanup(cgroup_freep) Cgroup *group = open_group(root, "/");
    uint64_t high;
    Sample s;

    assert_int_equal(cgroup_sample(group, 1, &s), 0);
    assert_int_equal(s.current, 41943040 + 312475648 + 5767168);
    assert_true(s.high == LIMIT_NONE && s.max == LIMIT_NONE);
    assert_true(s.memory_psi.valid);
    assert_int_equal(cgroup_read_high(group, &high), -EOPNOTSUPP);
    assert_int_equal(cgroup_write_high(group, LIMIT_NONE), -EOPNOTSUPP);
}

static void groups_that_cannot_be_opened(void **state)
{
    CLEANUP_CLOSE int root = open_root(LINUX_6_12);
    Cgroup *group = NULL;

    assert_int_equal(cgroup_open(root, "/system.slice/gone.service", &group), -ENOENT);
    assert_int_equal(cgroup_open(root, "/init.scope", &group), -ENOTSUP);
    assert_int_equal(cgroup_open(root, SHOP "/memory.stat", &group), -ENOTDIR);
    assert_int_equal(cgroup_open(root, "system.slice", &group), -EINVAL);
    assert_int_equal(cgroup_open(root, "", &group), -EINVAL);
    assert_int_equal(cgroup_open(root, "/..", &group), -EINVAL);
    assert_int_equal(cgroup_open(root, "/system.slice/../../x", &group), -EINVAL);
    assert_null(group);
    assert_null(cgroup_free(NULL));
}

static void dots_in_names_are_only_dots(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    cleanup(cgroup_freep) Cgroup *group = NULL;

    scratch_put(&root, "a..b.service/memory.current", "0\n");
    scratch_put(&root, "a..b.service/memory.stat", "");
    group = open_group(root.fd, "/a..b.service");
}

static void files_that_are_missing(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    put_group(&root, "");
    cleanup(cgroup_freep) Cgroup *group = open_group(root.fd, "/a.service");
    Sample s;

    assert_int_equal(cgroup_sample(group, 1, &s), 0);
    assert_int_equal(s.current, 12288);
    assert_true(s.high == LIMIT_NONE && s.max == LIMIT_NONE);
    assert_int_equal(s.events_high, 0);
    assert_false(s.memory_psi.valid);
    assert_false(s.io_psi.valid);
    assert_int_equal(cgroup_arm_psi(group, "memory", 1000, 500000), -EOPNOTSUPP);
    assert_int_equal(cgroup_arm_psi(group, "io", 1000, 500000), -EOPNOTSUPP);
    assert_int_equal(cgroup_arm_psi(group, "cpu", 1000, 500000), -EINVAL);
    assert_int_equal(cgroup_reclaim(group, 4096, RECLAIM_FILE), -EOPNOTSUPP);
    assert_int_equal(cgroup_reclaim(group, 4096, RECLAIM_FILE_OR_ALL), -EOPNOTSUPP);
}

static void files_that_are_garbage(void **state)
{
    static const struct {
        const char *name, *text;
    } bad[] = {
        { "memory.current", "" },
        { "memory.current", "12288" }, /* cut */
        { "memory.current", "12288 \n" },
        { "memory.current", "lots\n" },
        { "memory.current", "18446744073709551616\n" },
        { "memory.high", "maximum\n" },
        { "memory.max", "\n" },
        { "memory.min", "none\n" },
        { "memory.swap.current", "0" },
        { "memory.swap.max", "\n" },
        { "memory.events", "low 0\n" },
        { "memory.events", "high\n" },
        { "memory.events", "high x\n" },
        { "memory.events", "low 0\nhigh 4" },
        { "memory.stat", "" },
        { "memory.stat", "anon 4096\n" },
    };

    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
        char path[64];

        put_group(&root, "");
        snprintf(path, sizeof path, "a.service/%s", bad[i].name);
        scratch_put(&root, path, bad[i].text);
        cleanup(cgroup_freep) Cgroup *group = open_group(root.fd, "/a.service");
        Sample s = { .current = 99 };
        if (cgroup_sample(group, 1, &s) != -EBADMSG)
            fail_msg("taken: %s \"%s\"", bad[i].name, bad[i].text);
        assert_int_equal(s.current, 99);
    }
}

static void pressure_that_is_garbage_is_not_known(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    put_group(&root, "");
    scratch_put(&root, "a.service/memory.pressure", "some avg10=0.0\n");
    cleanup(cgroup_freep) Cgroup *group = open_group(root.fd, "/a.service");
    Sample s;

    assert_int_equal(cgroup_sample(group, 1, &s), 0);
    assert_false(s.memory_psi.valid);
}

/* The file is another one after each change, and the group the same. */
static void pressure_that_comes_and_goes(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    put_group(&root, "");
    cleanup(cgroup_freep) Cgroup *group = open_group(root.fd, "/a.service");
    Sample s;

    assert_int_equal(cgroup_sample(group, 1, &s), 0);
    assert_false(s.io_psi.valid);
    scratch_put(&root, "a.service/io.pressure",
                "some avg10=0.00 avg60=0.00 avg300=0.00 total=17\n");
    assert_int_equal(cgroup_sample(group, 2, &s), 0);
    assert_true(s.io_psi.valid);
    assert_int_equal(s.io_psi.some_usec, 17);

    scratch_put(&root, "a.service/io.pressure", "");
    assert_int_equal(cgroup_sample(group, 3, &s), 0);
    assert_false(s.io_psi.valid);
    assert_int_equal(s.io_psi.some_usec, 0);
    scratch_put(&root, "a.service/new", "some avg10=0.00 avg60=0.00 avg300=0.00 total=18\n");
    must(renameat(root.fd, "a.service/new", root.fd, "a.service/io.pressure"));
    assert_int_equal(cgroup_sample(group, 4, &s), 0);
    assert_int_equal(s.io_psi.some_usec, 18);
}

static void a_stat_of_absurd_length(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_FREE char *text = malloc(100000);
    put_group(&root, "");
    memset(text, 'x', 99999);
    text[99999] = '\0';
    scratch_put(&root, "a.service/memory.stat", text);
    cleanup(cgroup_freep) Cgroup *group = open_group(root.fd, "/a.service");
    Sample s;

    assert_int_equal(cgroup_sample(group, 1, &s), -E2BIG);
}

static void a_new_sample_reads_anew(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    put_group(&root, "pgscan 1\n");
    cleanup(cgroup_freep) Cgroup *group = open_group(root.fd, "/a.service");
    Sample s;

    assert_int_equal(cgroup_sample(group, 1, &s), 0);
    assert_int_equal(s.pgscan, 1);
    put_group(&root, "pgscan 2\n");
    assert_int_equal(cgroup_sample(group, 2, &s), 0);
    assert_int_equal(s.pgscan, 2);
    assert_int_equal(s.at_usec, 2);
}

static void high_is_written_and_read(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    char text[64];
    uint64_t high = 0;

    put_group(&root, "");
    scratch_put(&root, "a.service/memory.high", "");
    cleanup(cgroup_freep) Cgroup *group = open_group(root.fd, "/a.service");

    assert_int_equal(cgroup_write_high(group, 67108864), 0);
    assert_string_equal(scratch_get(&root, "a.service/memory.high", text, sizeof text),
                        "67108864\n");
    assert_int_equal(cgroup_read_high(group, &high), 0);
    assert_int_equal(high, 67108864);

    scratch_put(&root, "a.service/memory.high", "");
    assert_int_equal(cgroup_write_high(group, LIMIT_NONE), 0);
    assert_string_equal(scratch_get(&root, "a.service/memory.high", text, sizeof text), "max\n");
    assert_int_equal(cgroup_read_high(group, &high), 0);
    assert_true(high == LIMIT_NONE);
}

/* The kernel is asked for that with a flag that a pipe without a reader knows, too. */
static void high_is_raised_without_a_wait(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    char text[64];

    put_group(&root, "");
    scratch_put(&root, "a.service/memory.high", "");
    cleanup(cgroup_freep) Cgroup *group = open_group(root.fd, "/a.service");

    assert_int_equal(cgroup_raise_high(group, LIMIT_NONE), 0);
    assert_string_equal(scratch_get(&root, "a.service/memory.high", text, sizeof text), "max\n");
    must(unlinkat(root.fd, "a.service/memory.high", 0));
    must(mkfifoat(root.fd, "a.service/memory.high", 0600));
    alarm(60); /* and no more than that */
    assert_int_equal(cgroup_raise_high(group, LIMIT_NONE), -ENXIO);
    alarm(0);
}

static void reclaim_asks_for_the_page_cache_only(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    char text[64];

    put_group(&root, "");
    scratch_put(&root, "a.service/memory.reclaim", "");
    cleanup(cgroup_freep) Cgroup *group = open_group(root.fd, "/a.service");

    assert_int_equal(cgroup_reclaim(group, 0, RECLAIM_FILE), 0);
    assert_string_equal(scratch_get(&root, "a.service/memory.reclaim", text, sizeof text), "");
    assert_int_equal(cgroup_reclaim(group, 1048576, RECLAIM_FILE), 0);
    assert_string_equal(scratch_get(&root, "a.service/memory.reclaim", text, sizeof text),
                        "1048576 swappiness=0\n");
}

static void a_trigger_as_the_kernel_wants_it(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    char text[64] = "";

    put_group(&root, "");
    scratch_put(&root, "a.service/io.pressure", "");
    cleanup(cgroup_freep) Cgroup *group = open_group(root.fd, "/a.service");
    CLEANUP_CLOSE int fd = cgroup_arm_psi(group, "io", 150000, 1000000);

    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    /* The NUL belongs to it. */
    assert_int_equal(lseek(fd, 0, SEEK_END), sizeof "some 150000 1000000");
    assert_string_equal(scratch_get(&root, "a.service/io.pressure", text, sizeof text),
                        "some 150000 1000000");
}

static void a_group_that_was_removed(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    put_group(&root, "");
    cleanup(cgroup_freep) Cgroup *group = open_group(root.fd, "/a.service");

    must(unlinkat(root.fd, "a.service/memory.current", 0));
    must(unlinkat(root.fd, "a.service/memory.stat", 0));
    must(unlinkat(root.fd, "a.service/cgroup.procs", 0));
    must(unlinkat(root.fd, "a.service", AT_REMOVEDIR));
    assert_int_equal(cgroup_write_high(group, 1), -ENODEV);
    assert_int_equal(cgroup_reclaim(group, 1, RECLAIM_FILE), -ENODEV);
    assert_int_equal(cgroup_arm_psi(group, "memory", 1000, 500000), -ENODEV);
}

static void a_namesake_is_another_group(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    put_group(&root, "");
    cleanup(cgroup_freep) Cgroup *old = open_group(root.fd, "/a.service");
    must(renameat(root.fd, "a.service", root.fd, "b.service"));
    put_group(&root, "");
    cleanup(cgroup_freep) Cgroup *new = open_group(root.fd, "/a.service");
    cleanup(cgroup_freep) Cgroup *same = open_group(root.fd, "/b.service");

    assert_true(cgroup_id(old) != cgroup_id(new));
    assert_true(cgroup_id(old) == cgroup_id(same));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_root_is_checked),
        cmocka_unit_test(a_sample_of_6_12),
        cmocka_unit_test(swap_and_the_minimum),
        cmocka_unit_test(a_sample_of_6_1),
        cmocka_unit_test(the_root_group_has_no_limits),
        cmocka_unit_test(groups_that_cannot_be_opened),
        cmocka_unit_test(dots_in_names_are_only_dots),
        cmocka_unit_test(files_that_are_missing),
        cmocka_unit_test(files_that_are_garbage),
        cmocka_unit_test(pressure_that_is_garbage_is_not_known),
        cmocka_unit_test(pressure_that_comes_and_goes),
        cmocka_unit_test(a_stat_of_absurd_length),
        cmocka_unit_test(a_new_sample_reads_anew),
        cmocka_unit_test(high_is_written_and_read),
        cmocka_unit_test(high_is_raised_without_a_wait),
        cmocka_unit_test(reclaim_asks_for_the_page_cache_only),
        cmocka_unit_test(a_trigger_as_the_kernel_wants_it),
        cmocka_unit_test(a_group_that_was_removed),
        cmocka_unit_test(a_namesake_is_another_group),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
