/* SPDX-License-Identifier: MIT */
#include "kernel/locked.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include "native/native.h"

#define SIZE (2 * MIB)

/* A child that holds something, until its end of the pipe is closed. */
typedef struct Holder {
    pid_t pid;
    int leash;
} Holder;

static Holder start_holder(int fd, void (*hold)(int))
{
    int leash[2], ready[2];

    must(pipe2(leash, O_CLOEXEC));
    must(pipe2(ready, O_CLOEXEC));
    fflush(NULL);
    pid_t pid = must(fork());
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(leash[1]);
        hold(fd);
        must(write(ready[1], "", 1));
        (void)!read(leash[0], &(char){ 0 }, 1);
        _exit(0);
    }
    close(leash[0]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &(char){ 0 }, 1), 1);
    close(ready[0]);
    return (Holder){ pid, leash[1] };
}

static void end_holder(Holder holder)
{
    int status;

    close(holder.leash);
    must(waitpid(holder.pid, &status, 0));
    assert_int_equal(status, 0);
}

static void hold_as_pagewarden_does(int fd)
{
    must(mprotect(lock_part(fd, 0, SIZE), SIZE, PROT_NONE));
}

static void hold_twice_and_map(int fd)
{
    lock_part(fd, 0, SIZE);
    lock_part(fd, SIZE, MIB);
    volatile char *mapped = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
    for (size_t i = 0; i < SIZE; i += 4096)
        (void)mapped[i];
}

static void hold_nothing(int fd)
{
    must(madvise(mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0), SIZE, MADV_POPULATE_READ));
}

static uint64_t locked_in(pid_t pid)
{
    CLEANUP_CLOSE int proc = must(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
    uint64_t locked = 0;

    assert_int_equal(locked_bytes(proc, pid, &locked), 0);
    return locked;
}

/* The reason for Rss: with two mappers, Locked is half of what is locked. */
static void mappings_without_access_count_in_full(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", 2 * SIZE);
    Holder holder = start_holder(fd, hold_as_pagewarden_does);

    assert_int_equal(locked_in(holder.pid), SIZE);
    Holder second = start_holder(fd, hold_nothing);
    assert_int_equal(locked_in(holder.pid), SIZE);
    assert_int_equal(locked_in(second.pid), 0);
    end_holder(second);
    end_holder(holder);
}

static void only_locked_mappings_count(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", 2 * SIZE);
    Holder holder = start_holder(fd, hold_twice_and_map);

    assert_int_equal(locked_in(holder.pid), SIZE + MIB);
    end_holder(holder);
}

static void processes_that_are_gone(void **state)
{
    CLEANUP_CLOSE int proc = must(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
    uint64_t locked = 99;

    pid_t pid = must(fork());
    if (pid == 0)
        _exit(0);
    siginfo_t info;
    must(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
    assert_int_equal(locked_bytes(proc, pid, &locked), -ESRCH); /* a zombie */
    must(waitpid(pid, NULL, 0));
    assert_int_equal(locked_bytes(proc, pid, &locked), -ESRCH);
    assert_int_equal(locked, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mappings_without_access_count_in_full),
        cmocka_unit_test(only_locked_mappings_count),
        cmocka_unit_test(processes_that_are_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
