/* SPDX-License-Identifier: MIT */
/* Walking in folders that someone else is rearranging at the same time. */
#include "kernel/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mount.h>

#include "native/native.h"
#include "util/io.h"

typedef struct Attack {
    Scratch scratch;
    ino_t secret;
    atomic_bool over;
    void (*turn)(const Scratch *scratch, unsigned round);
    unsigned found, passed_over, secrets;
} Attack;

static int on_file(const char *path, int path_fd, const struct stat *st, void *userdata)
{
    Attack *attack = userdata;
    struct stat opened;

    attack->found++;
    attack->secrets += st->st_ino == attack->secret;
    int fd = walk_reopen(path_fd, O_RDONLY);
    if (fd >= 0) {
        must(fstat(fd, &opened));
        attack->secrets += opened.st_ino == attack->secret;
        close(fd);
    }
    return 0;
}

static int on_passed_over(const char *path, WalkReason reason, const char *why, void *userdata)
{
    Attack *attack = userdata;

    attack->passed_over++;
    return 0;
}

static void *run_attack(void *argument)
{
    Attack *attack = argument;

    for (unsigned round = 0; !attack->over; round++)
        attack->turn(&attack->scratch, round);
    return NULL;
}

/* Walks while @turn is called without pause beside it: for a second, and on a busy machine longer,
 * until the walk has met both states of the folders. */
static void walk_under_attack(Attack *attack, const char *pattern, bool both)
{
    WalkHandler handler = { on_file, on_passed_over, attack };
    pthread_t thread;

    must(-pthread_create(&thread, NULL, run_attack, attack));
    uint64_t begin = now_usec(), spent = 0;
    while (spent < USEC_PER_SEC ||
           (both && spent < 30 * USEC_PER_SEC && !(attack->found && attack->passed_over))) {
        assert_int_equal(walk_glob(attack->scratch.fd, pattern, 0, &handler), 0);
        spent = now_usec() - begin;
    }
    attack->over = true;
    pthread_join(thread, NULL);
}

static void prepare(Attack *attack)
{
    struct stat st;

    attack->scratch = scratch_new(SCRATCH_PARENT);
    scratch_put(&attack->scratch, "home/data/key", "mine");
    scratch_put(&attack->scratch, "secret/key", "yours");
    must(symlinkat("../secret", attack->scratch.fd, "home/link"));
    must(symlinkat("../../secret/key", attack->scratch.fd, "home/data/.link"));
    must(fstatat(attack->scratch.fd, "secret/key", &st, 0));
    attack->secret = st.st_ino;
}

static void exchange_folder(const Scratch *scratch, unsigned round)
{
    (void)renameat2(scratch->fd, "home/data", scratch->fd, "home/link", RENAME_EXCHANGE);
}

static void exchange_file(const Scratch *scratch, unsigned round)
{
    (void)renameat2(scratch->fd, "home/data/key", scratch->fd, "home/data/.link", RENAME_EXCHANGE);
}

static void a_folder_that_becomes_a_link(void **state)
{
    static const char *const patterns[] = { "/home/data/key", "/home/d*/k*", "/home/**" };

    for (size_t i = 0; i < ELEMENTS(patterns); i++) {
        Attack attack = { .turn = exchange_folder };
        prepare(&attack);
        walk_under_attack(&attack, patterns[i], true);
        print_message("%s: %u found, %u passed over\n", patterns[i], attack.found,
                      attack.passed_over);
        assert_int_equal(attack.secrets, 0);
        assert_true(attack.found > 0);
        assert_true(attack.passed_over > 0);
        scratch_done(&attack.scratch);
    }
}

static void a_file_that_becomes_a_link(void **state)
{
    Attack attack = { .turn = exchange_file };

    prepare(&attack);
    walk_under_attack(&attack, "/home/data/k*", true);
    print_message("%u found, %u passed over\n", attack.found, attack.passed_over);
    assert_int_equal(attack.secrets, 0);
    assert_true(attack.found > 0);
    assert_true(attack.passed_over > 0);
    scratch_done(&attack.scratch);
}

/* Folders are moved out of the walk, and others into it. */
static void shuffle(const Scratch *scratch, unsigned round)
{
    char from[32], to[32];

    snprintf(from, sizeof from, "home/many/d%u", round % 20);
    snprintf(to, sizeof to, "away/d%u", round % 20);
    if (renameat(scratch->fd, from, scratch->fd, to) < 0)
        (void)renameat(scratch->fd, to, scratch->fd, from);
}

static void folders_that_vanish(void **state)
{
    Attack attack = { .turn = shuffle };
    char path[64];

    prepare(&attack);
    scratch_folders(&attack.scratch, "away/");
    for (unsigned i = 0; i < 20; i++)
        for (unsigned j = 0; j < 5; j++) {
            snprintf(path, sizeof path, "home/many/d%u/e%u/f", i, j);
            scratch_put(&attack.scratch, path, "x");
        }
    walk_under_attack(&attack, "/home/many/**/f", false);
    print_message("%u found, %u passed over\n", attack.found, attack.passed_over);
    assert_true(attack.found > 0);
    assert_int_equal(attack.passed_over, 0);
    scratch_done(&attack.scratch);
}

static int count(const char *path, int path_fd, const struct stat *st, void *userdata)
{
    ++*(unsigned *)userdata;
    return 0;
}

/* Told once by its path; @userdata counts. */
static int expect_locked_folder(const char *path, WalkReason reason, const char *why,
                                void *userdata)
{
    check(strcmp(path, "/closed") == 0);
    check(reason == WALK_UNREADABLE && strcmp(why, "cannot be read: Permission denied") == 0);
    ++*(unsigned *)userdata;
    return 0;
}

static void walk_as_nobody(void *argument)
{
    const Scratch *scratch = argument;
    unsigned calls = 0;
    WalkHandler handler = { count, expect_locked_folder, &calls };

    if (geteuid() == 0)
        check(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
    check(walk_glob(scratch->fd, "/closed/*", 0, &handler) == 0);
    check(calls == 1);
    check(walk_glob(scratch->fd, "/**", 0, &handler) == 0);
    check(calls == 3); /* one file in open/, and the folder */
    /* Named literally, a file needs no list of its folder. */
    check(walk_glob(scratch->fd, "/closed/f", 0, &handler) == 0);
    check(calls == 4);
}

static void folders_that_may_not_be_read(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);

    scratch_put(&scratch, "closed/f", "x");
    scratch_put(&scratch, "open/f", "x");
    must(fchmod(scratch.fd, 0755));
    must(fchmodat(scratch.fd, "closed", 0311, 0));
    assert_int_equal(run_child(walk_as_nobody, &scratch), 0);
    must(fchmodat(scratch.fd, "closed", 0755, 0));
}

/* Another file system over /proc: the number of the descriptor leads elsewhere. */
static void reopen_under_another_proc(void *argument)
{
    int fd = *(int *)argument;
    char link[64];

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", "/proc", "tmpfs", 0, NULL) < 0) {
        perror("mounting over /proc");
        _exit(CHILD_SKIPS);
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    check(mkdir("/proc/self", 0755) == 0 && mkdir("/proc/self/fd", 0755) == 0);
    check(walk_reopen(fd, O_RDONLY) == -ENOENT);
    close(open(link, O_WRONLY | O_CREAT, 0644));
    check(walk_reopen(fd, O_RDONLY) == -ESTALE);
}

static void a_proc_that_lies(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);

    scratch_put(&scratch, "f", "x");
    CLEANUP_CLOSE int fd = must(openat(scratch.fd, "f", O_PATH | O_CLOEXEC));
    int status = run_child(reopen_under_another_proc, &fd);
    if (status == CHILD_SKIPS)
        skip();
    assert_int_equal(status, 0);
}

static void a_hundred_thousand_files(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    unsigned found = 0;
    WalkHandler handler = { count, NULL, &found };
    char name[32];

    for (unsigned d = 0; d < 10; d++) {
        snprintf(name, sizeof name, "d%u/", d);
        scratch_folders(&scratch, name);
        for (unsigned i = 0; i < 10000; i++) {
            snprintf(name, sizeof name, "d%u/%u", d, i);
            close(must(openat(scratch.fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)));
        }
    }
    uint64_t begin = now_usec();
    assert_int_equal(walk_glob(scratch.fd, "/**", 0, &handler), 0);
    print_message("%u files in %" PRIu64 " ms\n", found, (now_usec() - begin) / 1000);
    assert_int_equal(found, 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_that_becomes_a_link),
        cmocka_unit_test(a_file_that_becomes_a_link),
        cmocka_unit_test(folders_that_vanish),
        cmocka_unit_test(folders_that_may_not_be_read),
        cmocka_unit_test(a_proc_that_lies),
        cmocka_unit_test(a_hundred_thousand_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
