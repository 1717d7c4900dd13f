/* SPDX-License-Identifier: MIT */
#include "kernel/openers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include "native/native.h"

static int open_proc(void)
{
    return must(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static struct stat stat_of(const Scratch *scratch, const char *name)
{
    struct stat st;

    must(fstatat(scratch->fd, name, &st, 0));
    return st;
}

static bool scan_has(pid_t exclude, struct stat st)
{
    CLEANUP_CLOSE int proc = open_proc();
    cleanup(open_set_freep) OpenSet *set = NULL;

    assert_int_equal(open_set_scan(proc, exclude, &set), 0);
    return open_set_has(set, st.st_dev, st.st_ino);
}

/* A process that has one file open, and another mapped after closing it. */
static pid_t start_user(const Scratch *scratch, int *ret_leash)
{
    int leash[2], ready[2];

    must(pipe2(leash, O_CLOEXEC));
    must(pipe2(ready, O_CLOEXEC));
    fflush(NULL);
    pid_t pid = must(fork());
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(leash[1]);
        must(openat(scratch->fd, "opened", O_RDONLY));
        int fd = must(openat(scratch->fd, "mapped", O_RDONLY));
        must(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
        close(fd);
        must(write(ready[1], "", 1));
        (void)!read(leash[0], &(char){ 0 }, 1);
        _exit(0);
    }
    close(leash[0]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &(char){ 0 }, 1), 1);
    close(ready[0]);
    *ret_leash = leash[1];
    return pid;
}

static void another_process_has_them(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    int leash;

    scratch_put(&scratch, "opened", "x");
    scratch_put(&scratch, "mapped", "x");
    scratch_put(&scratch, "idle", "x");
    struct stat opened = stat_of(&scratch, "opened"), mapped = stat_of(&scratch, "mapped"),
                idle = stat_of(&scratch, "idle");

    assert_false(scan_has(0, opened));
    assert_false(scan_has(0, mapped));
    pid_t pid = start_user(&scratch, &leash);
    assert_true(scan_has(0, opened));
    assert_true(scan_has(0, mapped));
    assert_false(scan_has(0, idle));
    assert_false(scan_has(pid, opened));
    assert_false(scan_has(pid, mapped));
    close(leash);
    must(waitpid(pid, NULL, 0));
    assert_false(scan_has(0, opened));
    assert_false(scan_has(0, mapped));
}

static void deleted_files_too(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    int leash;

    scratch_put(&scratch, "opened", "x");
    scratch_put(&scratch, "mapped", "x");
    struct stat opened = stat_of(&scratch, "opened"), mapped = stat_of(&scratch, "mapped");
    pid_t pid = start_user(&scratch, &leash);
    must(unlinkat(scratch.fd, "opened", 0));
    must(unlinkat(scratch.fd, "mapped", 0));
    assert_true(scan_has(0, opened));
    assert_true(scan_has(0, mapped));
    close(leash);
    must(waitpid(pid, NULL, 0));
}

/* Processes come and go under the scan. */
static void many_short_lives(void **state)
{
    CLEANUP_CLOSE int proc = open_proc();

    fflush(NULL);
    pid_t breeder = must(fork());
    if (breeder == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            pid_t pid = must(fork());
            if (pid == 0)
                _exit(0);
            must(waitpid(pid, NULL, 0));
        }
    }
    unsigned processes = 0;
    for (int i = 0; i < 50; i++) {
        cleanup(open_set_freep) OpenSet *set = NULL;
        assert_int_equal(open_set_scan(proc, 0, &set), 0);
        processes += open_set_processes(set);
    }
    assert_true(processes >= 100);
    must(kill(breeder, SIGKILL));
    must(waitpid(breeder, NULL, 0));
}

/* A process of root's that may not be looked into is counted, not passed by. */
static void scan_as_nobody(void *argument)
{
    int proc = open_proc();
    OpenSet *set = NULL;

    if (geteuid() == 0)
        check(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
    check(open_set_scan(proc, 0, &set) == 0);
    check(open_set_unreadable(set) > 0);
    open_set_free(set);
}

static void without_privilege_nothing_is_concluded(void **state)
{
    assert_int_equal(run_child(scan_as_nobody, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_process_has_them),
        cmocka_unit_test(deleted_files_too),
        cmocka_unit_test(many_short_lives),
        cmocka_unit_test(without_privilege_nothing_is_concluded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
