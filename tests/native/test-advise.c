/* SPDX-License-Identifier: MIT */
/* What advice does to the read-ahead of another process: counted in pages. */
#include "kernel/advise.h"

#include "native/reader.h"

typedef struct Setting {
    Scratch scratch;
    int root, proc, file;
    Reader reader;
} Setting;

static Setting setting_new(void)
{
    Setting s = { .scratch = scratch_new(SCRATCH_PARENT) };

    s.root = must(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    s.proc = must(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    make_cold_file(&s.scratch, "file");
    s.file = must(openat(s.scratch.fd, "file", O_RDONLY));
    s.reader = reader_start(s.file);
    return s;
}

static void setting_done(Setting *s)
{
    reader_end(&s->reader);
    close(s->file);
    close(s->proc);
    close(s->root);
    scratch_done(&s->scratch);
}

static AdviseOutcome advise_pattern(const Setting *s, AdvisePattern pattern)
{
    AdviseOutcome outcome;
    AdviseScope scope = { .root_fd = s->root,
                          .proc_fd = s->proc,
                          .patterns = &pattern,
                          .n_patterns = 1,
                          .pids = &s->reader.pid,
                          .n_pids = 1 };

    assert_int_equal(advise_descriptors(&scope, &outcome), 0);
    return outcome;
}

/* How many of its descriptors below the folder were advised. */
static size_t advise(const Setting *s, const char *name, Access access)
{
    AdviseOutcome outcome = advise_pattern(
        s, (AdvisePattern){ scratch_path(&s->scratch, name), access, false });

    assert_int_equal(outcome.unreachable, 0);
    return outcome.descriptors;
}

static void read_ahead_is_what_was_advised(void **state)
{
    cleanup(setting_done) Setting s = setting_new();

    unsigned normal = reader_count(&s.reader);
    assert_true(normal > READER_PAGES);
    assert_int_equal(advise(&s, "f*", ACCESS_RANDOM), 1);
    assert_int_equal(reader_count(&s.reader), READER_PAGES);
    /* Whether that is more than normal shows beyond the normal maximum only, which is anything from
     * 128 KiB to 8 MiB. */
    assert_int_equal(advise(&s, "file", ACCESS_SEQUENTIAL), 1);
    assert_true(reader_count(&s.reader) >= normal);
    assert_int_equal(advise(&s, "file", ACCESS_RANDOM), 1);
    assert_int_equal(reader_count(&s.reader), READER_PAGES);
    assert_int_equal(advise(&s, "file", ACCESS_NORMAL), 1);
    assert_int_equal(reader_count(&s.reader), normal);
}

static void others_are_left_alone(void **state)
{
    cleanup(setting_done) Setting s = setting_new();
    AdvisePattern patterns[] = {
        { strdup(scratch_path(&s.scratch, "file")), ACCESS_NORMAL, false },
        { strdup(scratch_path(&s.scratch, "**")), ACCESS_RANDOM, false },
    };
    AdviseScope scope = { .root_fd = s.root,
                          .proc_fd = s.proc,
                          .patterns = patterns,
                          .n_patterns = 2,
                          .pids = &s.reader.pid,
                          .n_pids = 1 };
    AdviseOutcome outcome;

    assert_int_equal(advise(&s, "other*", ACCESS_RANDOM), 0);
    assert_true(reader_count(&s.reader) > READER_PAGES);
    /* The first that matches counts. */
    assert_int_equal(advise_descriptors(&scope, &outcome), 0);
    assert_int_equal(outcome.descriptors, 1);
    assert_true(reader_count(&s.reader) > READER_PAGES);
    free((char *)patterns[0].path);
    free((char *)patterns[1].path);
}

/* Another file has its name here now; then none. What was advised is taken back by name. */
static void a_name_is_not_enough(void **state)
{
    cleanup(setting_done) Setting s = setting_new();

    assert_int_equal(advise(&s, "file", ACCESS_RANDOM), 1);
    must(unlinkat(s.scratch.fd, "file", 0));
    assert_int_equal(advise(&s, "file", ACCESS_NORMAL), 0);
    scratch_put(&s.scratch, "file", "another");
    assert_int_equal(advise(&s, "file", ACCESS_NORMAL), 0);
    assert_int_equal(reader_count(&s.reader), READER_PAGES);

    AdviseOutcome outcome = advise_pattern(
        &s, (AdvisePattern){ scratch_path(&s.scratch, "file"), ACCESS_NORMAL, .by_name = true });
    assert_int_equal(outcome.descriptors, 0);
    assert_true(reader_count(&s.reader) > READER_PAGES);
}

static void names_that_look_like_globs(void **state)
{
    cleanup(setting_done) Setting s = setting_new();

    must(renameat(s.scratch.fd, "file", s.scratch.fd, "f[1]{a,b}*?\\"));
    assert_int_equal(advise(&s, "f*", ACCESS_RANDOM), 1);
    assert_int_equal(reader_count(&s.reader), READER_PAGES);
}

static void processes_that_end(void **state)
{
    cleanup(setting_done) Setting s = setting_new();
    pid_t pid = must(fork());

    if (pid == 0)
        _exit(0);
    must(waitpid(pid, NULL, 0));
    pid_t reader = s.reader.pid;
    s.reader.pid = pid;
    assert_int_equal(advise(&s, "file", ACCESS_RANDOM), 0);
    s.reader.pid = reader;
}

static void as_nobody(void *argument)
{
    const Setting *s = argument;
    AdvisePattern pattern = { "/**", ACCESS_RANDOM, false };
    pid_t init = 1;
    AdviseScope scope = { .root_fd = s->root,
                          .proc_fd = s->proc,
                          .patterns = &pattern,
                          .n_patterns = 1,
                          .pids = &init,
                          .n_pids = 1 };
    AdviseOutcome outcome;

    if (geteuid() == 0)
        check(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
    check(advise_descriptors(&scope, &outcome) == 0);
    check(outcome.unreachable == 1 && outcome.error == -EACCES);
}

static void without_privilege(void **state)
{
    cleanup(setting_done) Setting s = setting_new();

    assert_int_equal(run_child(as_nobody, &s), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_ahead_is_what_was_advised),
        cmocka_unit_test(others_are_left_alone),
        cmocka_unit_test(a_name_is_not_enough),
        cmocka_unit_test(names_that_look_like_globs),
        cmocka_unit_test(processes_that_end),
        cmocka_unit_test(without_privilege),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
