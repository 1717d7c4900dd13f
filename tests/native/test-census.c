/* SPDX-License-Identifier: MIT */
/* Counting with several threads, what one thread finds by walk_tree(). */
#include "kernel/census.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "native/native.h"
#include "native/seccomp.h"
#include "unit/hold/descriptors.h"
#include "util/io.h"

/* "PATH INODE SIZE" of each file, or "PATH why". */
typedef struct Account {
    char *text;
    size_t size;
    FILE *out;
    size_t progress;
} Account;

static void account_open(Account *account)
{
    *account = (Account){ 0 };
    account->out = open_memstream(&account->text, &account->size);
    check(account->out != NULL);
}

static void account_done(Account *account)
{
    fclose(account->out);
    free(account->text);
}

static int on_counted(const char *path, const CensusFile *file, void *userdata)
{
    Account *account = userdata;

    check(file->error == 0 && file->residency.has_resident);
    fprintf(account->out, "%s %ju %ju\n", path, (uintmax_t)file->ino, (uintmax_t)file->size);
    return 0;
}

static int on_file(const char *path, int path_fd, const struct stat *st, void *userdata)
{
    Account *account = userdata;

    fprintf(account->out, "%s %ju %ju\n", path, (uintmax_t)st->st_ino, (uintmax_t)st->st_size);
    return 0;
}

static int on_passed_over(const char *path, WalkReason reason, const char *why, void *userdata)
{
    Account *account = userdata;

    fprintf(account->out, "%s %s\n", path, why);
    return 0;
}

static int on_walked_past(const char *path, WalkReason reason, const char *why, void *userdata)
{
    bool special = reason == WALK_SYMLINK || reason == WALK_FIFO || reason == WALK_SOCKET ||
                   reason == WALK_DEVICE;

    return special ? 0 : on_passed_over(path, reason, why, userdata);
}

static void on_progress(size_t n_files, void *userdata)
{
    Account *account = userdata;

    check(n_files >= account->progress);
    account->progress = n_files;
}

static void check_same(const Scratch *scratch, const char *path)
{
    Account counted, walked;
    const CensusHandler census = { on_counted, on_passed_over, on_progress, &counted };
    const WalkHandler walk = { on_file, on_walked_past, &walked };
    int fd = openat(scratch->fd, path, O_PATH | O_CLOEXEC);

    check(fd >= 0);
    account_open(&counted);
    account_open(&walked);
    check(census_tree(fd, path, &census) == 0);
    check(walk_tree(fd, path, 0, &walk) == 0);
    fflush(counted.out);
    fflush(walked.out);
    check(walked.size > 0);
    check(strcmp(counted.text, walked.text) == 0);
    account_done(&counted);
    account_done(&walked);
    close(fd);
}

/* More names than one piece has, alike and different ones, and folders among them. */
static void make_tree(const Scratch *scratch)
{
    static const char *const names[] = { "", "a", "b\xff", "b\x01", "img-", "img-1", "zebra" };
    char path[300];

    for (unsigned i = 0; i < 1000; i++) {
        snprintf(path, sizeof path, "tree/many/image-%06u", i * 7919 % 1000);
        scratch_put(scratch, path, "12345" + i % 5);
        snprintf(path, sizeof path, "tree/dirs/%u/%u/f", i % 50, i % 7);
        scratch_put(scratch, path, "x");
    }
    for (size_t i = 0; i < ELEMENTS(names); i++) {
        snprintf(path, sizeof path, "tree/mixed/%s_", names[i]);
        scratch_put(scratch, path, "");
        snprintf(path, sizeof path, "tree/mixed/%s-/%s_", names[i], names[i]);
        scratch_put(scratch, path, "");
    }
    scratch_put(scratch, "outside/secret", "");
    must(symlinkat("../outside", scratch->fd, "tree/link"));
    must(symlinkat("../outside/secret", scratch->fd, "tree/link-to-file"));
    must(mkfifoat(scratch->fd, "tree/fifo", 0644));
}

static void compare(void *argument)
{
    const Scratch *scratch = argument;

    alarm(60);
    check_same(scratch, "tree");
    check_same(scratch, "tree/");
    check_same(scratch, "tree/many");
    check_same(scratch, "tree/mixed/a_");
}

static void the_same_as_one_thread(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);

    make_tree(&scratch);
    size_t descriptors = count_descriptors(0);
    compare(&scratch);
    assert_int_equal(count_descriptors(0), descriptors);
}

static void compare_without_openat2(void *argument)
{
    seccomp_answer(SYS_openat2, ENOSYS);
    compare(argument);
}

static void without_openat2(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);

    make_tree(&scratch);
    assert_int_equal(run_child(compare_without_openat2, &scratch), 0);
}

static void what_is_named(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    Account account;
    const CensusHandler handler = { on_counted, on_passed_over, NULL, &account };

    make_tree(&scratch);
    int fd = must(openat(scratch.fd, "tree/fifo", O_PATH | O_CLOEXEC));
    account_open(&account);
    assert_int_equal(census_tree(fd, "it", &handler), 0);
    fflush(account.out);
    assert_string_equal(account.text, "it is a FIFO\n");
    account_done(&account);
    close(fd);
}

static int stop(const char *path, const CensusFile *file, void *userdata)
{
    return ++*(int *)userdata == 3 ? 42 : 0;
}

static void a_handler_that_has_enough(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    int calls = 0;
    const CensusHandler handler = { stop, on_passed_over, NULL, &calls };

    make_tree(&scratch);
    assert_int_equal(census_tree(scratch.fd, "", &handler), 42);
    assert_int_equal(calls, 3);
}

static void count_with_few_descriptors(void *argument)
{
    const Scratch *scratch = argument;
    struct rlimit limit = { 64, 64 };
    int last = -1;
    Account account;
    const CensusHandler handler = { on_counted, on_passed_over, NULL, &account };

    account_open(&account);
    check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    for (int fd; (fd = dup(scratch->fd)) >= 0;)
        last = fd;
    close(last); /* enough for the folder itself, and not for what is in it */
    check(census_tree(scratch->fd, "", &handler) == -EMFILE);
    fflush(account.out);
    check(account.size == 0);
}

static void too_few_descriptors(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);

    scratch_put(&scratch, "1/f", "");
    assert_int_equal(run_child(count_with_few_descriptors, &scratch), 0);
}

/* Somebody puts links, FIFOs and folders where a file was just listed. */
typedef struct Attack {
    Scratch scratch;
    ino_t secret;
    atomic_bool over;
    unsigned found;
} Attack;

static void *exchange(void *argument)
{
    Attack *attack = argument;
    static const char *const others[] = { "link", "fifo", "folder", "secrets" };

    for (unsigned i = 0; !attack->over; i++)
        (void)renameat2(attack->scratch.fd, "tree/a", attack->scratch.fd, others[i / 2 % 4],
                        RENAME_EXCHANGE);
    return NULL;
}

static int on_attacked_file(const char *path, const CensusFile *file, void *userdata)
{
    Attack *attack = userdata;

    assert_true(file->ino != attack->secret);
    attack->found++;
    return 0;
}

static int on_attacked(const char *path, WalkReason reason, const char *why, void *userdata)
{
    fail_msg("%s %s", path, why);
    return 0;
}

static void what_changes_meanwhile(void **state)
{
    Attack attack = { .scratch = scratch_new(SCRATCH_PARENT) };
    const CensusHandler handler = { on_attacked_file, on_attacked, NULL, &attack };
    const Scratch *scratch = &attack.scratch;
    pthread_t thread;
    struct stat st;

    scratch_put(scratch, "tree/a", "");
    scratch_put(scratch, "folder/f", "");
    scratch_put(scratch, "secret/f", "");
    must(fstatat(scratch->fd, "secret/f", &st, 0));
    attack.secret = st.st_ino;
    must(symlinkat("../secret/f", scratch->fd, "link"));
    must(symlinkat("../secret", scratch->fd, "secrets"));
    must(mkfifoat(scratch->fd, "fifo", 0644));
    size_t descriptors = count_descriptors(0);
    int fd = must(openat(scratch->fd, "tree", O_PATH | O_CLOEXEC));

    must(-pthread_create(&thread, NULL, exchange, &attack));
    for (uint64_t begin = now_usec(); now_usec() - begin < USEC_PER_SEC;)
        assert_int_equal(census_tree(fd, "tree", &handler), 0);
    attack.over = true;
    pthread_join(thread, NULL);
    close(fd);
    print_message("%u found\n", attack.found);
    assert_true(attack.found > 0);
    assert_int_equal(count_descriptors(0), descriptors);
    scratch_done(&attack.scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_as_one_thread), cmocka_unit_test(without_openat2),
        cmocka_unit_test(what_is_named),          cmocka_unit_test(a_handler_that_has_enough),
        cmocka_unit_test(too_few_descriptors),    cmocka_unit_test(what_changes_meanwhile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
