/* SPDX-License-Identifier: MIT */
#include "daemon/policies.h"

#include <errno.h>
#include <sys/wait.h>

#include "policy/decode.h"
#include "policy/reader.h"
#include "unit/kernel/scratch.h"
#include "unit/test.h"
#include "util/units.h"

#define GOOD "version: 1\nmatch: {units: [%s.service]}\n"
#define RAM  GIB

static void put_good(const Scratch *dir, const char *file, const char *unit)
{
    char text[256];

    snprintf(text, sizeof(text), GOOD, unit);
    scratch_put(dir, file, text);
}

static Policies loaded(const Scratch *dir)
{
    Policies policies;

    assert_int_equal(policies_load(dir->path, RAM, &policies), 0);
    return policies;
}

#define CLEANUP_POLICIES cleanup(policies_clear)

/* The file @name is refused, and its error begins with its path and then @error. */
static void expect_refused(const Policies *policies, const Scratch *dir, const char *name,
                           const char *error)
{
    const PolicyFile *file = policies_find_file(policies, name);
    char expected[2 * PATH_MAX];

    assert_non_null(file);
    assert_non_null(file->error);
    snprintf(expected, sizeof(expected), "%s/%s.yaml%s", dir->path, name, error);
    if (strncmp(file->error, expected, strlen(expected)) != 0)
        fail_msg("\"%s\", not \"%s\"", file->error, expected);
    assert_null(policy_set_find(&policies->set, name));
}

static void expect_loaded(const Policies *policies, const Scratch *dir, const char *name)
{
    const PolicyFile *file = policies_find_file(policies, name);
    const Policy *policy = policy_set_find(&policies->set, name);
    char path[2 * PATH_MAX];

    assert_non_null(file);
    assert_null(file->error);
    snprintf(path, sizeof(path), "%s/%s.yaml", dir->path, name);
    assert_string_equal(file->path, path);
    assert_non_null(policy);
    assert_string_equal(policy->name, name);
    assert_string_equal(policy->files[0], path);
}

static void no_folder_and_an_empty_one(void **state)
{
    CLEANUP_SCRATCH Scratch dir = scratch_new("/tmp");
    CLEANUP_POLICIES Policies none = loaded(&dir);

    assert_int_equal(none.n_files, 0);
    assert_int_equal(none.set.n_policies, 0);
    CLEANUP_POLICIES Policies missing;
    assert_int_equal(policies_load(scratch_path(&dir, "nope"), RAM, &missing), 0);
    assert_int_equal(missing.n_files, 0);
    assert_int_equal(missing.n_refused, 0);
    assert_null(policies_find_file(&missing, "a"));
}

static void a_folder_that_is_none(void **state)
{
    CLEANUP_SCRATCH Scratch dir = scratch_new("/tmp");
    Policies policies = { .n_refused = 42 };

    scratch_put(&dir, "file", "");
    assert_int_equal(policies_load(scratch_path(&dir, "file"), RAM, &policies), -ENOTDIR);
    assert_int_equal(policies.n_refused, 42);
}

static void good_and_bad_files(void **state)
{
    CLEANUP_SCRATCH Scratch dir = scratch_new("/tmp");

    put_good(&dir, "a.yaml", "a");
    scratch_put(&dir, "b.yaml", "version: 1\nmatch: {units: [b.service]}\nrole: critcal\n");
    put_good(&dir, "c.yaml", "c");
    scratch_put(&dir, "d.yaml", "version: 1\n\tx\n");
    CLEANUP_POLICIES Policies policies = loaded(&dir);
    assert_int_equal(policies.n_files, 4);
    assert_int_equal(policies.n_refused, 2);
    assert_int_equal(policies.set.n_policies, 2);
    expect_loaded(&policies, &dir, "a");
    expect_refused(&policies, &dir, "b", ":3:7: ");
    expect_loaded(&policies, &dir, "c");
    expect_refused(&policies, &dir, "d", ":2:");
    assert_non_null(policy_set_match(&policies.set, "a.service", NULL, NULL));
    assert_null(policy_set_match(&policies.set, "b.service", NULL, NULL));
}

static void every_mistake_has_its_line(void **state)
{
    CLEANUP_SCRATCH Scratch dir = scratch_new("/tmp");

    scratch_put(&dir, "bad.yaml", "version: 2\nmatch: {units: []}\nrole: boss\n");
    CLEANUP_POLICIES Policies policies = loaded(&dir);
    expect_refused(&policies, &dir, "bad", ":1:10: ");
    const char *error = policies_find_file(&policies, "bad")->error;
    const char *second = strchr(error, '\n');
    assert_non_null(second);
    assert_int_equal(strncmp(second + 1, dir.path, strlen(dir.path)), 0);
    const char *third = strchr(second + 1, '\n');
    assert_non_null(third);
    assert_non_null(strstr(third, "/bad.yaml:3:7: "));
    assert_null(strchr(third + 1, '\n'));
}

static void only_files_of_that_name(void **state)
{
    CLEANUP_SCRATCH Scratch dir = scratch_new("/tmp");
    static const char *const others[] = {
        "a.yml", "a.yaml~", "a.yaml.bak", "a", "yaml", ".yaml", ".a.yaml", "a.YAML", "#a.yaml#",
    };

    for (size_t i = 0; i < ELEMENTS(others); i++)
        scratch_put(&dir, others[i], "not a policy");
    put_good(&dir, "sub/b.yaml", "b");
    put_good(&dir, "a.b.yaml", "ab");
    CLEANUP_POLICIES Policies policies = loaded(&dir);
    assert_int_equal(policies.n_files, 1);
    expect_loaded(&policies, &dir, "a.b");
}

static void in_the_order_of_their_names(void **state)
{
    CLEANUP_SCRATCH Scratch dir = scratch_new("/tmp");
    static const char *const sorted[] = { "10", "9", "B", "a", "b", "c10", "c9", "\xc3\xa4" };

    for (size_t i = 0; i < ELEMENTS(sorted); i++) {
        char name[64];
        snprintf(name, sizeof(name), "%s.yaml", sorted[(i * 5 + 3) % ELEMENTS(sorted)]);
        put_good(&dir, name, "x");
    }
    CLEANUP_POLICIES Policies policies = loaded(&dir);
    assert_int_equal(policies.n_files, ELEMENTS(sorted));
    for (size_t i = 0; i < ELEMENTS(sorted); i++)
        assert_string_equal(policies.files[i].name, sorted[i]);
    /* All of them match it equally well: the first by name governs. */
    const Policy *draw = NULL;
    assert_string_equal(policy_set_match(&policies.set, "x.service", NULL, &draw)->name, "10");
    assert_string_equal(draw->name, "9");
}

static void what_is_not_a_regular_file(void **state)
{
    CLEANUP_SCRATCH Scratch dir = scratch_new("/tmp");

    put_good(&dir, "good.yaml", "good");
    must(mkfifoat(dir.fd, "fifo.yaml", 0600)); /* would block whoever opens it */
    must(mkdirat(dir.fd, "folder.yaml", 0700));
    must(symlinkat("/dev/null", dir.fd, "null.yaml"));
    must(symlinkat("loop.yaml", dir.fd, "loop.yaml"));
    must(symlinkat("good.yaml", dir.fd, "link.yaml"));
    CLEANUP_POLICIES Policies policies = loaded(&dir);
    expect_refused(&policies, &dir, "fifo", ": not a regular file");
    expect_refused(&policies, &dir, "folder", ": a folder, not a file");
    expect_refused(&policies, &dir, "null", ": not a regular file");
    expect_refused(&policies, &dir, "loop", ": Too many levels of symbolic links");
    expect_loaded(&policies, &dir, "good");
    /* The folder is root's: its links are followed. */
    expect_loaded(&policies, &dir, "link");
    assert_int_equal(policies.n_refused, 4);
}

static void as_large_as_is_allowed(void **state)
{
    CLEANUP_SCRATCH Scratch dir = scratch_new("/tmp");
    CLEANUP_FREE char *text = malloc(READER_TEXT_MAX + 2);

    assert_non_null(text);
    int n = snprintf(text, 256, GOOD "#", "large");
    memset(text + n, '#', READER_TEXT_MAX + 1 - (size_t)n);
    text[READER_TEXT_MAX + 1] = '\0';
    scratch_put(&dir, "larger.yaml", text);
    text[READER_TEXT_MAX] = '\0';
    scratch_put(&dir, "large.yaml", text);
    scratch_put(&dir, "empty.yaml", "");
    CLEANUP_POLICIES Policies policies = loaded(&dir);
    expect_loaded(&policies, &dir, "large");
    expect_refused(&policies, &dir, "larger", ": larger than 1 MiB");
    expect_refused(&policies, &dir, "empty", ":");
}

static void bytes_that_are_no_text(void **state)
{
    CLEANUP_SCRATCH Scratch dir = scratch_new("/tmp");
    static const char text[] = "version: 1\nmatch: {units: [a.service]}\n\0role: critical\n";

    int fd = must(openat(dir.fd, "nul.yaml", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    must(write(fd, text, sizeof(text) - 1));
    close(fd);
    CLEANUP_POLICIES Policies policies = loaded(&dir);
    expect_refused(&policies, &dir, "nul", ":");
}

static void unreadable_files(void **state)
{
    CLEANUP_SCRATCH Scratch dir = scratch_new("/tmp");
    int status;

    put_good(&dir, "a.yaml", "a");
    put_good(&dir, "secret.yaml", "secret");
    must(fchmodat(dir.fd, "secret.yaml", 0600, 0));
    must(fchmod(dir.fd, 0755));
    fflush(NULL);
    pid_t pid = must(fork());
    if (pid == 0) { /* root reads everything */
        Policies policies;
        if (geteuid() == 0 && setuid(65534) < 0)
            _exit(1);
        if (policies_load(dir.path, RAM, &policies) < 0)
            _exit(2);
        const PolicyFile *file = policies_find_file(&policies, "secret");
        bool good = policies.n_files == 2 && policies.n_refused == 1 && file && file->error &&
                    strstr(file->error, "/secret.yaml: Permission denied");
        policies_clear(&policies);
        _exit(good ? 0 : 3);
    }
    must(waitpid(pid, &status, 0));
    if (geteuid() == 0)
        assert_int_equal(status, 0);
}

static void shares_are_of_this_machines_memory(void **state)
{
    CLEANUP_SCRATCH Scratch dir = scratch_new("/tmp");
    Policies policies;

    scratch_put(&dir, "a.yaml",
                "version: 1\nmatch: {units: [a.service]}\n"
                "pin: {budget: 25%, files: [{path: /srv/a}]}\n");
    assert_int_equal(policies_load(dir.path, 8 * GIB, &policies), 0);
    assert_int_equal(policy_set_find(&policies.set, "a")->pin_budget, 2 * GIB);
    policies_clear(&policies);
    assert_int_equal(policies.n_files, 0);
    assert_int_equal(policies.set.n_policies, 0);
    policies_clear(&policies);
}

static void a_newer_text_was_refused(void **state)
{
    CLEANUP_SCRATCH Scratch dir = scratch_new("/tmp");

    put_good(&dir, "a.yaml", "a");
    CLEANUP_POLICIES Policies policies = loaded(&dir);
    PolicyFile newer = { .name = (char *)"a",
                         .path = (char *)"/x/a.yaml",
                         .error = (char *)"wrong" };
    assert_int_equal(policies_note_error(&policies, &newer), 0);
    assert_string_equal(policies_find_file(&policies, "a")->error, "wrong");
    /* It is in force all the same. */
    assert_non_null(policy_set_find(&policies.set, "a"));
    assert_int_equal(policies.n_files, 1);

    newer.error = (char *)"still wrong";
    assert_int_equal(policies_note_error(&policies, &newer), 0);
    assert_string_equal(policies_find_file(&policies, "a")->error, "still wrong");

    /* One that was not there before. */
    PolicyFile other = { .name = (char *)"b", .path = (char *)"/x/b.yaml", .error = (char *)"bad" };
    assert_int_equal(policies_note_error(&policies, &other), 0);
    assert_int_equal(policies.n_files, 2);
    assert_int_equal(policies.n_refused, 1);
    assert_string_equal(policies_find_file(&policies, "b")->path, "/x/b.yaml");
    assert_null(policy_set_find(&policies.set, "b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_folder_and_an_empty_one),
        cmocka_unit_test(a_folder_that_is_none),
        cmocka_unit_test(good_and_bad_files),
        cmocka_unit_test(every_mistake_has_its_line),
        cmocka_unit_test(only_files_of_that_name),
        cmocka_unit_test(in_the_order_of_their_names),
        cmocka_unit_test(what_is_not_a_regular_file),
        cmocka_unit_test(as_large_as_is_allowed),
        cmocka_unit_test(bytes_that_are_no_text),
        cmocka_unit_test(unreadable_files),
        cmocka_unit_test(shares_are_of_this_machines_memory),
        cmocka_unit_test(a_newer_text_was_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
