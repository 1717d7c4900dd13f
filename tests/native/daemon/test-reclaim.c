/* SPDX-License-Identifier: MIT */
/* Real processes that map a file, and a control group of which the test says who is in it. */
#include <fcntl.h>

#include "daemon/evict_job.h"
#include "native/elsewhere.h"
#include "native/native.h"

#define SIZE (4 * MIB)

/* Of the real /proc just these two, and an init: of others some may not be looked into, and then
 * nothing is done.
 */
static Scratch proc_of(pid_t one, pid_t two)
{
    Scratch proc = scratch_new("/tmp");

    scratch_put(&proc, "1/maps", "");
    must(mkdirat(proc.fd, "1/fd", 0755));
    for (int i = 0; i < 2; i++) {
        char name[16], real[32];

        snprintf(name, sizeof name, "%d", i ? two : one);
        snprintf(real, sizeof real, "/proc/%s", name);
        must(symlinkat(real, proc.fd, name));
    }
    return proc;
}

/* What a look writes to memory.reclaim when @pids are the unit's. */
static void look(const Scratch *root, int proc_fd, const char *pids, char ret[static 64])
{
    CLEANUP_SCRATCH Scratch groups = scratch_new("/tmp");

    scratch_put(&groups, "x/memory.stat", "");
    scratch_put(&groups, "x/memory.current", "0\n");
    scratch_put(&groups, "x/memory.reclaim", "");
    scratch_put(&groups, "x/cgroup.procs", pids);
    EvictTask task = {
        .root_fd = root->fd,
        .proc_fd = proc_fd,
        .cgroup_fd = groups.fd,
        .path = strdup("/f"),
        .control_group = strdup("/x"),
        .allowed = { .page_out = true, .reclaim = true },
        .bounds = EVICT_WHOLE_FILE,
        .table = idle_table_new(),
    };
    EvictJob *ej = evict_job_new(&task);
    assert_non_null(ej);
    ej->job.run(&ej->job);
    assert_int_equal(ej->error, 0);
    assert_int_equal(ej->unreadable, 0);
    assert_int_equal(ej->sum.mapped, ej->sum.after);
    ej->job.destroy(&ej->job);

    CLEANUP_CLOSE int fd = must(openat(groups.fd, "x/memory.reclaim", O_RDONLY | O_CLOEXEC));
    ret[must(read(fd, ret, 63))] = '\0';
}

static void what_a_stranger_maps_is_not_reclaimed(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", SIZE);
    char own[64], all[64], written[64];

    if (geteuid() != 0)
        skip();
    must(fsync(fd));
    pid_t one = map_elsewhere(fd, SIZE), two = map_elsewhere(fd, SIZE);
    CLEANUP_SCRATCH Scratch proc = proc_of(one, two);
    snprintf(own, sizeof own, "%d\n", one);
    snprintf(all, sizeof all, "%d\n%d\n", one, two);

    look(&scratch, proc.fd, own, written);
    assert_string_equal(written, "");
    look(&scratch, proc.fd, all, written);
    assert_string_not_equal(written, "");
    unmap(one);
    unmap(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_stranger_maps_is_not_reclaimed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
