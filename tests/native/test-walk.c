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
#include <sys/syscall.h>

#include "kernel/census.h"
#include "native/native.h"
#include "native/seccomp.h"
#include "unit/hold/descriptors.h"
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
        /* Else it were root's link, which is followed where the path is literal. */
        if (!strchr(patterns[i], '*'))
            must(fchmodat(attack.scratch.fd, "home", 0777, 0));
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

#define CHURN_NAMES 8

/* Files that stay, and how often the walk has told each; and all paths of one walk. */
typedef struct Churn {
    Attack attack;
    unsigned stays[CHURN_NAMES];
    char *paths[4096];
    size_t n_paths;
} Churn;

/* Files and folders come, change their names and places, and go, deep ones included. */
static void churn(const Scratch *scratch, unsigned round)
{
    char a[64], b[64], below[80];

    snprintf(a, sizeof a, "home/many/d%u/%u", round % 3, round % CHURN_NAMES);
    snprintf(b, sizeof b, "home/many/d%u/%u", round / 3 % 3, round / 5 % CHURN_NAMES);
    switch (round % 7) {
    case 0:
    case 1:
        close(openat(scratch->fd, a, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        break;
    case 2:
    case 3:
        (void)mkdirat(scratch->fd, a, 0755);
        snprintf(below, sizeof below, "%s/x", a);
        close(openat(scratch->fd, below, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        break;
    case 4:
        (void)renameat(scratch->fd, a, scratch->fd, b);
        break;
    case 5:
        (void)renameat2(scratch->fd, a, scratch->fd, b, RENAME_EXCHANGE);
        break;
    default:
        snprintf(below, sizeof below, "%s/x", a);
        (void)unlinkat(scratch->fd, below, 0);
        (void)unlinkat(scratch->fd, a, 0);
        (void)unlinkat(scratch->fd, a, AT_REMOVEDIR);
    }
}

static int on_churned_file(const char *path, int path_fd, const struct stat *st, void *userdata)
{
    Churn *c = userdata;
    unsigned stays;

    if (sscanf(path, "/home/many/stays%u", &stays) == 1 && stays < CHURN_NAMES)
        c->stays[stays]++;
    assert_true(c->n_paths < ELEMENTS(c->paths));
    c->paths[c->n_paths] = strdup(path);
    assert_non_null(c->paths[c->n_paths++]);
    return 0;
}

static int expect_nothing(const char *path, WalkReason reason, const char *why, void *userdata)
{
    fail_msg("%s %s", path, why);
    return 0;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Each path once, and what stays is always there. Leaves the walk's account empty. */
static void check_walk(Churn *c)
{
    for (size_t i = 0; i < CHURN_NAMES; i++)
        assert_int_equal(c->stays[i], 1);
    qsort(c->paths, c->n_paths, sizeof *c->paths, compare_paths);
    for (size_t i = 1; i < c->n_paths; i++)
        assert_string_not_equal(c->paths[i - 1], c->paths[i]);
    for (size_t i = 0; i < c->n_paths; i++)
        free(c->paths[i]);
    memset(c->stays, 0, sizeof c->stays);
    c->n_paths = 0;
}

static void a_folder_that_changes_underneath(void **state)
{
    Churn c = { .attack.turn = churn };
    WalkHandler handler = { on_churned_file, expect_nothing, &c };
    const Scratch *scratch = &c.attack.scratch;
    unsigned walks = 0, more = 0;
    pthread_t thread;
    char name[64];

    prepare(&c.attack);
    scratch_folders(scratch, "home/many/d0/");
    scratch_folders(scratch, "home/many/d1/");
    scratch_folders(scratch, "home/many/d2/");
    for (unsigned i = 0; i < CHURN_NAMES; i++) {
        snprintf(name, sizeof name, "home/many/stays%u", i);
        scratch_put(scratch, name, "");
    }
    size_t descriptors = count_descriptors(0);

    must(-pthread_create(&thread, NULL, run_attack, &c.attack));
    uint64_t begin = now_usec(), spent = 0;
    for (; spent < USEC_PER_SEC || (spent < 30 * USEC_PER_SEC && more == 0); walks++) {
        assert_int_equal(walk_glob(scratch->fd, "/home/many/{**,{**,*}/x}", 0, &handler), 0);
        more += c.n_paths > CHURN_NAMES;
        check_walk(&c);
        spent = now_usec() - begin;
    }
    c.attack.over = true;
    pthread_join(thread, NULL);
    print_message("%u walks, %u met what comes and goes\n", walks, more);
    assert_true(more > 0);
    assert_int_equal(count_descriptors(0), descriptors);
    scratch_done(&c.attack.scratch);
}

/* A FUSE file system of which no process ever answers: who asks it anything waits for good. */
typedef struct Remote {
    int parent_fd; /* of the folder it is mounted in */
    int fd;        /* its root */
    char text[1024];
} Remote;

static int tell_file(const char *path, int path_fd, const struct stat *st, void *userdata)
{
    Remote *remote = userdata;

    strcat(strcat(remote->text, path), "\n");
    return 0;
}

static int tell_passed_over(const char *path, WalkReason reason, const char *why, void *userdata)
{
    Remote *remote = userdata;
    size_t n = strlen(remote->text);

    snprintf(remote->text + n, sizeof remote->text - n, "%s %s\n", path, why);
    return 0;
}

static int tell_counted(const char *path, const CensusFile *file, void *userdata)
{
    return tell_file(path, -1, NULL, userdata);
}

static void check_told(Remote *remote, int result, const char *expected)
{
    check(result == 0);
    if (strcmp(remote->text, expected) != 0)
        fprintf(stderr, "%s", remote->text);
    check(strcmp(remote->text, expected) == 0);
    remote->text[0] = '\0';
}

#define IS_FUSE "is on a FUSE file system (fuse.sshfs), which is passed over\n"

static void walk_to_the_remote(Remote *remote)
{
    WalkHandler handler = { tell_file, tell_passed_over, remote };
    CensusHandler census = { tell_counted, tell_passed_over, NULL, remote };
    int fd = remote->parent_fd;

    check_told(remote, walk_glob(fd, "/remote", 0, &handler), "/remote " IS_FUSE);
    check_told(remote, walk_glob(fd, "/remote/a/b", 0, &handler), "/remote " IS_FUSE);
    check_told(remote, walk_glob(fd, "/link/a", 0, &handler), "/remote " IS_FUSE);
    check_told(remote, walk_glob(fd, "/r*/a", 0, &handler), "/remote " IS_FUSE);
    check_told(remote, walk_glob(fd, "/**/a", 0, &handler), "/near/a\n/remote " IS_FUSE);
    check_told(remote, walk_tree(fd, "", 0, &handler),
               "/link is a symbolic link, which is not "
               "followed\n/near/a\n/remote " IS_FUSE);
    check_told(remote, walk_glob(remote->fd, "/a", 0, &handler), "/ " IS_FUSE);
    check_told(remote, census_tree(fd, "", &census), "/near/a\n/remote " IS_FUSE);
}

static void walk_to_a_dead_server(void *argument)
{
    const Scratch *scratch = argument;
    Remote remote = { 0 };
    WalkHandler handler = { tell_file, tell_passed_over, &remote };
    char options[64];

    int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
    if (fuse < 0 || fchdir(scratch->fd) < 0 || unshare(CLONE_NEWNS) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("host:", "remote", "fuse.sshfs", 0, options) < 0) {
        perror("mounting FUSE");
        _exit(CHILD_SKIPS);
    }
    alarm(30);
    remote.parent_fd = open(".", O_PATH | O_CLOEXEC); /* the one of this namespace */
    remote.fd = open("remote", O_PATH | O_CLOEXEC);
    check(remote.parent_fd >= 0 && remote.fd >= 0);
    walk_to_the_remote(&remote);
    check_told(&remote, walk_glob(remote.parent_fd, "/remote", WALK_NETWORK, &handler),
               "/remote is a directory\n");
    check_told(&remote, walk_glob(remote.parent_fd, "/link", WALK_NETWORK, &handler),
               "/remote is a directory\n");
    check_told(&remote, walk_glob(remote.fd, "/", WALK_NETWORK, &handler), "/ is a directory\n");

    /* Nor does it let other users in. */
    check(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
    walk_to_the_remote(&remote);
    check_told(&remote, walk_glob(remote.parent_fd, "/remote", WALK_NETWORK, &handler),
               "/remote cannot be read: Permission denied\n");
    check_told(&remote, walk_tree(remote.fd, "it", 0, &handler),
               "it cannot be read: Permission denied\n");
}

static void a_server_that_never_answers(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);

    if (geteuid() != 0)
        skip();
    scratch_put(&scratch, "near/a", "");
    scratch_folders(&scratch, "remote/");
    must(symlinkat("remote", scratch.fd, "link"));
    must(fchmod(scratch.fd, 0755));
    int status = run_child(walk_to_a_dead_server, &scratch);
    if (status == CHILD_SKIPS)
        skip();
    assert_int_equal(status, 0);
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

/* A disk that fails, for one folder, when the first of its names have been told. */
static ino_t bad_folder;
static unsigned bad_calls, bad_from;

ssize_t __real_getdents64(int fd, void *buffer, size_t size);
ssize_t __wrap_getdents64(int fd, void *buffer, size_t size);
ssize_t __wrap_getdents64(int fd, void *buffer, size_t size)
{
    struct stat st;

    if (bad_folder != 0 && fstat(fd, &st) == 0 && st.st_ino == bad_folder &&
        ++bad_calls > bad_from) {
        errno = EIO;
        return -1;
    }
    return __real_getdents64(fd, buffer, size);
}

static int expect_bad_folder(const char *path, WalkReason reason, const char *why, void *userdata)
{
    assert_string_equal(path, "/b");
    assert_int_equal(reason, WALK_UNREADABLE);
    assert_string_equal(why, "cannot be read: Input/output error");
    *(unsigned *)userdata += 100;
    return 0;
}

static void a_folder_that_the_disk_has_lost(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    struct stat st;

    scratch_put(&scratch, "a/f", "x");
    scratch_put(&scratch, "b/f", "x");
    scratch_put(&scratch, "c/f", "x");
    must(fstatat(scratch.fd, "b", &st, 0));
    bad_folder = st.st_ino;
    for (bad_from = 0; bad_from < 2; bad_from++) {
        unsigned calls = 0;
        WalkHandler handler = { count, expect_bad_folder, &calls };

        bad_calls = 0;
        assert_int_equal(walk_glob(scratch.fd, "/**", 0, &handler), 0);
        /* The files beside it, those that were told of it, and its trouble. */
        assert_true(calls == 102 || (bad_from == 1 && calls == 103));
    }
    bad_folder = 0;
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

/* What RESOLVE_NO_SYMLINKS and RESOLVE_BENEATH would do has to hold where a sandbox knows neither.
 */
static void walk_without_openat2(void *argument)
{
    Attack *attack = argument;
    WalkHandler handler = { on_file, on_passed_over, attack };

    seccomp_answer(SYS_openat2, ENOSYS);
    check(syscall(SYS_openat2, AT_FDCWD, "/", NULL, 0) < 0 && errno == ENOSYS);
    check(walk_glob(attack->scratch.fd, "/home/**", 0, &handler) == 0);
    check(attack->found == 1 && attack->passed_over == 1);
    must(fchmodat(attack->scratch.fd, "home", 0777, 0));
    check(walk_glob(attack->scratch.fd, "/home/link/key", 0, &handler) == 0);
    check(attack->found == 1 && attack->passed_over == 2);
    check(walk_glob(attack->scratch.fd, "/home/../secret/key", 0, &handler) == -EINVAL);
    check(attack->secrets == 0);
    if (geteuid() != 0)
        return;
    /* A link of root's is followed there, too. */
    must(fchmodat(attack->scratch.fd, "home", 0755, 0));
    check(walk_glob(attack->scratch.fd, "/home/link/key", 0, &handler) == 0);
    check(attack->found == 2 && attack->secrets == 2);
}

static void without_openat2(void **state)
{
    Attack attack = { 0 };

    prepare(&attack);
    assert_int_equal(run_child(walk_without_openat2, &attack), 0);
    scratch_done(&attack.scratch);
}

static void a_hundred_thousand_files(void **state)
{
    /* ext4 takes minutes to make so many where as many were removed just before. */
    CLEANUP_SCRATCH Scratch scratch = scratch_new("/dev/shm");
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

static unsigned n_lists; /* of mounts, that were read */

FILE *__real_fopen64(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode);

FILE *__wrap_fopen64(const char *path, const char *mode)
{
    n_lists++;
    return __real_fopen64(path, mode);
}

static int on_named(const char *path, int fd, const struct stat *st, void *userdata)
{
    ++*(unsigned *)userdata;
    return 0;
}

static int on_counted(const char *path, const CensusFile *file, void *userdata)
{
    ++*(unsigned *)userdata;
    return 0;
}

/* Whoever names a hundred thousand files would have the list of mounts read as often. */
static void named_files_need_no_list_of_mounts(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_CLOSE int fd = make_file(&scratch, "f", 4096);
    unsigned n = 0;
    CLEANUP_CLOSE int path_fd = must(openat(scratch.fd, "f", O_PATH | O_CLOEXEC));
    const CensusHandler census = { .file = on_counted, .userdata = &n };
    const WalkHandler handler = { .file = on_named, .userdata = &n };

    n_lists = 0;
    assert_int_equal(walk_tree(path_fd, "f", 0, &handler), 0);
    assert_int_equal(census_tree(path_fd, "f", &census), 0);
    assert_int_equal(n, 2);
    assert_int_equal(n_lists, 0);
    assert_int_equal(walk_tree(scratch.fd, "d", 0, &handler), 0);
    assert_int_equal(n_lists, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_that_becomes_a_link),
        cmocka_unit_test(a_file_that_becomes_a_link),
        cmocka_unit_test(folders_that_vanish),
        cmocka_unit_test(a_folder_that_changes_underneath),
        cmocka_unit_test(a_server_that_never_answers),
        cmocka_unit_test(folders_that_may_not_be_read),
        cmocka_unit_test(a_folder_that_the_disk_has_lost),
        cmocka_unit_test(a_proc_that_lies),
        cmocka_unit_test(without_openat2),
        cmocka_unit_test(a_hundred_thousand_files),
        cmocka_unit_test(named_files_need_no_list_of_mounts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
