/* SPDX-License-Identifier: MIT */
/* Every allocation fails once: there is no list then, or the right one. The linker wraps the
 * allocators, see meson.build. */
#include "kernel/mapped.h"
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
    for (unsigned i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        scratch_put(&data, name, "");
        put_mapping(&proc, 1, 1 + i, "r-xp", "fe:01", 1 + i, scratch_path(&data, name));
        put_mapping(&proc, 1, 100 + i, "r-xp", "fe:01", 100 + i, "/proc/self/status");
    }
    do {
        cleanup(mapped_files_clear) MappedFiles list = { 0 };
        countdown = failures + 1;
        int r = mapped_files(&scope, &list);
        failed = countdown == 0;
        countdown = 0;
        assert_int_equal(r, failed ? -ENOMEM : 0);
        assert_int_equal(list.n_files, failed ? 0 : 20);
        failures += failed;
    } while (failed);
    /* Paths; the device; files, and what was told of, grow twice each. */
    assert_int_equal(failures, 20 + 1 + 2 + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes),
        cmocka_unit_test(mapped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
