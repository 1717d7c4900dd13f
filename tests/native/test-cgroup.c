/* SPDX-License-Identifier: MIT */
/* What plain folders cannot show of a cgroup: the kernel's answers. They come from seccomp, and
 * from the host's own /proc/pressure. */
#include "kernel/cgroup.h"

#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>

#include "kernel/psi.h"
#include "native/native.h"
#include "native/seccomp.h"

#define LINUX_6_12 TEST_DATA "/cgroup/linux-6.12"

static Cgroup *open_shop(void)
{
    CLEANUP_CLOSE int root = must(open(LINUX_6_12, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    Cgroup *group = NULL;

    check(cgroup_open(root, "/system.slice/shop.service", &group) == 0);
    return group;
}

static void sample_of_a_removed_group(void *argument)
{
    Cgroup *group = open_shop();
    Sample sample = { .current = 99 };
    uint64_t high = 99;

    check(cgroup_sample(group, 1, &sample) == 0);
    sample.current = 99;
    seccomp_answer(__NR_pread64, ENODEV);
    check(cgroup_sample(group, 2, &sample) == -ENODEV);
    check(cgroup_read_high(group, &high) == -ENODEV);
    check(sample.current == 99 && high == 99);
    cgroup_free(group);
}

static void a_removed_group(void **state)
{
    assert_int_equal(run_child(sample_of_a_removed_group, NULL), 0);
}

/* The descriptor that this process has open on a file of this name. */
static unsigned descriptor_of(const char *name)
{
    char link[64], target[PATH_MAX];

    for (unsigned fd = 3; fd < 64; fd++) {
        snprintf(link, sizeof link, "/proc/self/fd/%u", fd);
        ssize_t n = readlink(link, target, sizeof target - 1);
        if (n > 0 && (target[n] = '\0', strstr(target, name)))
            return fd;
    }
    check(!"open");
    return 0;
}

/* After cgroup.pressure=0 and =1 again, the old descriptors answer ENODEV for good, and new ones
 * work. */
static void sample_with_dead_pressure(void *argument)
{
    Cgroup *group = open_shop();
    Sample sample;

    seccomp_answer_if(__NR_pread64, 0, descriptor_of("/io.pressure"), ENODEV);
    check(cgroup_sample(group, 1, &sample) == 0);
    check(sample.io_psi.valid && sample.io_psi.some_usec == 913220551);
    cgroup_free(group);
}

static void pressure_shown_again(void **state)
{
    assert_int_equal(run_child(sample_with_dead_pressure, NULL), 0);
}

/* cgroup.pressure=0: they answer ENODEV, cannot be opened again, and the group lives on. */
static void sample_without_pressure(void *argument)
{
    Cgroup *group = open_shop();
    Sample sample;

    seccomp_answer(__NR_openat, ENOENT);
    seccomp_answer_if(__NR_pread64, 0, descriptor_of("/memory.pressure"), ENODEV);
    seccomp_answer_if(__NR_pread64, 0, descriptor_of("/io.pressure"), EOPNOTSUPP);
    check(cgroup_sample(group, 1, &sample) == 0);
    check(!sample.memory_psi.valid && !sample.io_psi.valid);
    check(sample.memory_psi.some_usec == 0);
    check(sample.current == 360710144);
    cgroup_free(group);
}

static void pressure_switched_off(void **state)
{
    assert_int_equal(run_child(sample_without_pressure, NULL), 0);
}

static Cgroup *open_with_reclaim(const Scratch *scratch)
{
    Cgroup *group = NULL;

    scratch_put(scratch, "g/memory.current", "0\n");
    scratch_put(scratch, "g/memory.stat", "");
    scratch_put(scratch, "g/memory.reclaim", "");
    check(cgroup_open(scratch->fd, "/g", &group) == 0);
    return group;
}

static void reclaim_answers(void *argument)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    Cgroup *group = open_with_reclaim(&scratch);
    char text[64];

    /* A kernel before 6.8: only a number is taken. */
    seccomp_answer_if(__NR_write, 2, strlen("1048576 swappiness=0\n"), EINVAL);
    check(cgroup_reclaim(group, 1048576, RECLAIM_FILE) == -EINVAL);
    check(strcmp(scratch_get(&scratch, "g/memory.reclaim", text, sizeof text), "") == 0);
    /* With swap it might take anything; without, there is only the cache. */
    scratch_put(&scratch, "meminfo",
                "MemTotal: 9 kB\nMemFree: 9 kB\nMemAvailable: 9 kB\nSwapTotal: 9 kB\n");
    check(cgroup_reclaim_cache(group, 4194304, scratch.fd) == -EINVAL);
    scratch_put(&scratch, "meminfo",
                "MemTotal: 9 kB\nMemFree: 9 kB\nMemAvailable: 9 kB\nSwapTotal: 0 kB\n");
    check(cgroup_reclaim_cache(group, 4194304, scratch.fd) == 0);
    check(strcmp(scratch_get(&scratch, "g/memory.reclaim", text, sizeof text), "4194304\n") == 0);
    check(cgroup_reclaim(group, 1048576, RECLAIM_FILE_OR_ALL) == 0);
    check(strcmp(scratch_get(&scratch, "g/memory.reclaim", text, sizeof text), "1048576\n") == 0);

    /* A shortfall is not tried a second time in another way. */
    seccomp_answer_if(__NR_write, 2, strlen("64 swappiness=0\n"), EAGAIN);
    check(cgroup_reclaim(group, 64, RECLAIM_FILE_OR_ALL) == -EAGAIN);
    check(strcmp(scratch_get(&scratch, "g/memory.reclaim", text, sizeof text), "1048576\n") == 0);
    cgroup_free(group);
}

static void reclaim_on_old_kernels_and_shortfalls(void **state)
{
    assert_int_equal(run_child(reclaim_answers, NULL), 0);
}

/* Writing is buffered by nobody: what the kernel answers is what the caller gets. */
static void high_answers(void *argument)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    scratch_put(&scratch, "g/memory.high", "max\n");
    Cgroup *group = open_with_reclaim(&scratch);

    seccomp_answer_if(__NR_write, 2, strlen("4096\n"), EBUSY);
    check(cgroup_write_high(group, 4096) == -EBUSY);
    cgroup_free(group);
}

static void a_write_that_fails(void **state)
{
    assert_int_equal(run_child(high_answers, NULL), 0);
}

/* The kernel's own trigger parser, by the host's pressure file. */
static void triggers(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int proc = must(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
    cleanup(cgroup_freep) Cgroup *group = NULL;

    if (psi_probe(proc) < 0)
        skip();
    scratch_put(&scratch, "g/memory.current", "0\n");
    scratch_put(&scratch, "g/memory.stat", "");
    must(symlinkat("/proc/pressure/memory", scratch.fd, "g/memory.pressure"));
    assert_int_equal(cgroup_open(scratch.fd, "/g", &group), 0);

    /* Windows that users without privilege are allowed too. */
    CLEANUP_CLOSE int fd = cgroup_arm_psi(group, "memory", 1900000, 2000000);
    assert_true(fd >= 0);
    struct pollfd poll_fd = { fd, POLLPRI, 0 };
    assert_true(poll(&poll_fd, 1, 10) >= 0);
    assert_false(poll_fd.revents & (POLLERR | POLLNVAL));
    /* One trigger a descriptor: that it was taken shows in the refusal of a second. */
    assert_int_equal(write(fd, "some 1900000 2000000", 21), -1);
    assert_int_equal(errno, EBUSY);

    assert_int_equal(cgroup_arm_psi(group, "memory", 3000000, 2000000), -EINVAL);
    assert_int_equal(cgroup_arm_psi(group, "memory", 1000, 20000000), -EINVAL);
    assert_int_equal(cgroup_arm_psi(group, "memory", 0, 2000000), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_removed_group),
        cmocka_unit_test(pressure_shown_again),
        cmocka_unit_test(pressure_switched_off),
        cmocka_unit_test(reclaim_on_old_kernels_and_shortfalls),
        cmocka_unit_test(a_write_that_fails),
        cmocka_unit_test(triggers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
