/* SPDX-License-Identifier: MIT */
/* Every allocation fails once: there is no list then, or the right one. The linker wraps the
 * allocators, see meson.build. */
#include <sched.h>

#include "kernel/advise.h"
#include "kernel/census.h"
#include "kernel/mapped.h"
#include "kernel/proc_files.h"
#include "kernel/procs.h"
#include "unit/failing-memory.h"
#include "unit/kernel/processes.h"
#include "unit/test.h"

static void processes(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    char text[1024] = "";
    unsigned failures = 0;
    bool failed;

    for (size_t i = 1, n = 0; i <= 100; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%zu\n", i);
    scratch_put(&root, "a/b/cgroup.procs", text);
    do {
        cleanup(pids_clear) Pids pids = { 0 };
        countdown = failures + 1;
        int r = cgroup_pids(root.fd, "/a", &pids);
        failed = countdown == 0;
        countdown = 0;
        assert_int_equal(r, failed ? -ENOMEM : 0);
        assert_int_equal(pids.n_pids, failed ? 0 : 100);
        failures += failed;
    } while (failed);
    assert_int_equal(failures, 2); /* the list grows twice */
}

static void mapped(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp"), data = scratch_new("/tmp");
    const pid_t pid = 1;
    const MappedScope scope = {
        .proc_fd = proc.fd,
        .pids = &pid,
        .n_pids = 1,
        .kinds = 1u << MAPPED_LIBRARY,
    };
    unsigned failures = 0;
    bool failed;

    put_process(&proc, 1, NULL);
    for (unsigned i = 0; i < 70; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        scratch_put(&data, name, "");
        put_mapping(&proc, 1, 1 + i, "r-xp", "fe:01", 1 + i, scratch_path(&data, name));
        put_mapping(&proc, 1, 200 + i, "r-xp", "fe:01", 200 + i, "/proc/self/status");
    }
    do {
        cleanup(mapped_files_clear) MappedFiles list = { 0 };
        countdown = failures + 1;
        int r = mapped_files(&scope, &list);
        failed = countdown == 0;
        countdown = 0;
        assert_int_equal(r, failed ? -ENOMEM : 0);
        assert_int_equal(list.n_files, failed ? 0 : 70);
        failures += failed;
    } while (failed);
    /* Paths; the device; files, and what was told of, grow twice each. */
    assert_int_equal(failures, 70 + 1 + 2 + 2);
}

#define NOBODY 4194305U /* above the largest number that a process can have */

/* In @proc, 70 files of @data that the process has open, and 70 that it has mapped. */
static void put_uses(const Scratch *proc, const Scratch *data)
{
    char name[64];

    put_process(proc, NOBODY, NULL);
    for (unsigned i = 0; i < 140; i++) {
        snprintf(name, sizeof name, "file-%u", i);
        scratch_put(data, name, "");
        if (i % 2) {
            put_mapping(proc, NOBODY, 1 + i, "r--s", "fe:01", 1 + i, scratch_path(data, name));
        } else {
            char link[64];
            snprintf(link, sizeof link, "%u/fd/%u", NOBODY, i);
            scratch_folders(proc, link);
            must(symlinkat(scratch_path(data, name), proc->fd, link));
        }
    }
}

static void files_of_processes(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp"), data = scratch_new("/tmp");
    const pid_t pid = NOBODY;
    unsigned failures = 0;
    bool failed;

    put_uses(&proc, &data);
    do {
        cleanup(proc_files_clear) ProcFiles list = { 0 };
        countdown = failures + 1;
        int r = proc_files_scan(proc.fd, &pid, 1, &list);
        failed = countdown == 0;
        countdown = 0;
        assert_int_equal(r, failed ? -ENOMEM : 0);
        assert_int_equal(list.n_files, failed ? 0 : 140);
        assert_int_equal(list.unreadable, 0);
        failures += failed;
    } while (failed);
    assert_true(failures >= 3); /* the list grows twice, and so does the pool of paths */
}

static void advice(void **state)
{
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp"), data = scratch_new("/tmp");
    CLEANUP_CLOSE int root = must(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    CLEANUP_FREE char *path = strdup(scratch_path(&data, "*"));
    const AdvisePattern patterns[] = { { path, ACCESS_RANDOM, false } };
    const pid_t pid = NOBODY;
    const AdviseScope scope = {
        .root_fd = root,
        .proc_fd = proc.fd,
        .patterns = patterns,
        .n_patterns = 1,
        .pids = &pid,
        .n_pids = 1,
        .flags = WALK_NETWORK, /* there is no fdinfo here that would tell of mounts */
    };
    unsigned failures = 0;
    bool failed;

    put_uses(&proc, &data);
    do {
        AdviseOutcome outcome = { .descriptors = 17 };
        countdown = failures + 1;
        int r = advise_descriptors(&scope, &outcome);
        failed = countdown == 0;
        countdown = 0;
        assert_int_equal(r, failed ? -ENOMEM : 0);
        assert_int_equal(outcome.descriptors, failed ? 17 : 0);
        failures += failed;
    } while (failed);
    assert_true(failures >= 70); /* each file is looked for */
}

static int count_file(const char *path, const CensusFile *file, void *userdata)
{
    ++*(unsigned *)userdata;
    return 0;
}

static int count_trouble(const char *path, WalkReason reason, const char *why, void *userdata)
{
    return 0;
}

/* By one thread: the count of allocations is not for two. */
static void census(void **state)
{
    CLEANUP_SCRATCH Scratch data = scratch_new("/tmp");
    unsigned failures = 0, files;
    const CensusHandler handler = { count_file, count_trouble, NULL, &files };
    cpu_set_t before, one;
    bool failed;
    int cpu = 0;

    for (unsigned i = 0; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof name, "folder-%u/%u", i % 3, i);
        scratch_put(&data, name, "");
    }
    must(sched_getaffinity(0, sizeof before, &before));
    while (!CPU_ISSET(cpu, &before))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    must(sched_setaffinity(0, sizeof one, &one));
    do {
        files = 0;
        countdown = failures + 1;
        int r = census_tree(data.fd, "x", &handler);
        failed = countdown == 0;
        countdown = 0;
        assert_int_equal(r, failed ? -ENOMEM : 0);
        assert_int_equal(files, failed ? 0 : 300);
        failures += failed;
    } while (failed);
    must(sched_setaffinity(0, sizeof before, &before));
    assert_true(failures >= 4 + 4 + 1); /* folders, what is found in them, tasks */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes), cmocka_unit_test(mapped), cmocka_unit_test(files_of_processes),
        cmocka_unit_test(advice),    cmocka_unit_test(census),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
