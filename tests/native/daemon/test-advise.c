/* SPDX-License-Identifier: MIT */
/* Advice that is given, followed and taken back, with a process that reads, in a control group of
 * paper. */
#include "daemon/adviser.h"
#include "native/reader.h"
#include "unit/daemon/job-queue.h"
#include "unit/daemon/log-text.h"

static const Settings settings = { .interval_usec = USEC_PER_SEC,
                                   .refuse_network_filesystems = true };

typedef struct Setting {
    Scratch scratch; /* files, and the record */
    Scratch cgroups;
    Host host;
    Adviser *adviser;
    Reader reader;
    AdviseRule rule;
    Policy policy;
    uint64_t now;
} Setting;

static void setting_begin(Setting *s)
{
    char pid[32];

    *s = (Setting){ .scratch = scratch_new(SCRATCH_PARENT),
                    .cgroups = scratch_new(SCRATCH_PARENT),
                    .now = 3600 * USEC_PER_SEC };
    make_cold_file(&s->scratch, "file");
    int fd = must(openat(s->scratch.fd, "file", O_RDONLY));
    s->reader = reader_start(fd);
    close(fd);
    snprintf(pid, sizeof pid, "%d\n", s->reader.pid);
    scratch_put(&s->cgroups, "a.service/cgroup.procs", pid);
    s->host = (Host){
        .root_fd = must(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
        .proc_fd = must(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
        .cgroup_fd = s->cgroups.fd,
        .settings = &settings,
    };
    assert_int_equal(advised_open(&s->host.advised, s->scratch.fd), 0);
    assert_int_equal(adviser_new(&s->host, "a.service", &s->adviser), 0);
    s->rule = (AdviseRule){ .path = strdup(scratch_path(&s->scratch, "f*")),
                            .access = ACCESS_RANDOM };
    s->policy = (Policy){ .advises = &s->rule, .n_advises = 1 };
    assert_int_equal(adviser_want(s->adviser, &s->policy), 0);
    log_text[0] = '\0';
}

static void setting_end(Setting *s)
{
    adviser_free(s->adviser);
    run_queue();
    advised_close(&s->host.advised);
    reader_end(&s->reader);
    close(s->host.root_fd);
    close(s->host.proc_fd);
    free(s->rule.path);
    scratch_done(&s->scratch);
    scratch_done(&s->cgroups);
}

/* A second later. Whether there was a look. */
static bool tick(Setting *s, bool off)
{
    s->now += USEC_PER_SEC;
    adviser_tick(s->adviser, "/a.service", off, s->now);
    bool looked = n_queued > 0;
    run_queue();
    return looked;
}

static bool reads_ahead(Setting *s)
{
    return reader_count(&s->reader) > READER_PAGES;
}

static const char *noted(const Setting *s)
{
    static char text[2 * PATH_MAX];

    return scratch_get(&s->scratch, ADVISED_NAME, text, sizeof text);
}

static void given_and_taken_back(void **state)
{
    Setting s;
    char expected[2 * PATH_MAX];

    setting_begin(&s);
    assert_true(adviser_is_idle(s.adviser));
    assert_true(tick(&s, false));
    assert_int_equal(adviser_status(s.adviser).descriptors, 1);
    expect_log("info: a.service: advises the read-ahead of 1 open file\n");
    snprintf(expected, sizeof expected, "a.service\t/a.service\t%s\n", s.rule.path);
    assert_string_equal(noted(&s), expected);
    assert_false(reads_ahead(&s));
    assert_false(adviser_is_idle(s.adviser));

    /* Paused, or only observed: at once, and for as long as that lasts. */
    assert_true(tick(&s, true));
    assert_true(reads_ahead(&s));
    assert_true(adviser_is_idle(s.adviser));
    assert_string_equal(noted(&s), "");
    assert_false(tick(&s, true));

    assert_true(tick(&s, false));
    assert_false(reads_ahead(&s));
    assert_int_equal(adviser_want(s.adviser, NULL), 0);
    assert_true(tick(&s, false));
    assert_true(reads_ahead(&s));
    assert_true(adviser_is_idle(s.adviser));
    setting_end(&s);
}

static void one_rule_less(void **state)
{
    Setting s;

    setting_begin(&s);
    assert_true(tick(&s, false));
    assert_false(reads_ahead(&s));
    AdviseRule other = { .path = (char *)"/srv/x", .access = ACCESS_RANDOM };
    Policy policy = { .advises = &other, .n_advises = 1 };
    assert_int_equal(adviser_want(s.adviser, &policy), 0);
    assert_true(tick(&s, false));
    assert_true(reads_ahead(&s));
    assert_string_equal(noted(&s), "a.service\t/a.service\t/srv/x\n");
    setting_end(&s);
}

/* What is opened, or advised by the service itself, after a look is the next look's. */
static void files_that_are_opened_later(void **state)
{
    Setting s;

    setting_begin(&s);
    must(renameat(s.scratch.fd, "file", s.scratch.fd, "x"));
    assert_true(tick(&s, false));
    assert_int_equal(adviser_status(s.adviser).descriptors, 0);
    assert_true(reads_ahead(&s));
    must(renameat(s.scratch.fd, "x", s.scratch.fd, "file"));
    assert_true(tick(&s, false));
    assert_int_equal(adviser_status(s.adviser).descriptors, 1);
    assert_false(reads_ahead(&s));
    setting_end(&s);
}

/* kill -9: nothing is left but the record, and the policy may be another. */
static void after_a_crash(void **state)
{
    Setting s;

    setting_begin(&s);
    assert_true(tick(&s, false));
    assert_false(reads_ahead(&s));
    advised_close(&s.host.advised);
    assert_int_equal(advised_open(&s.host.advised, s.scratch.fd), 0);
    assert_int_equal(s.host.advised.n_entries, 1);
    assert_int_equal(advised_undo(&s.host.advised, s.host.root_fd, s.host.proc_fd, s.cgroups.fd, 0),
                     0);
    assert_true(reads_ahead(&s));
    assert_string_equal(noted(&s), "");
    setting_end(&s);
}

static void a_unit_that_has_ended(void **state)
{
    Setting s;

    setting_begin(&s);
    assert_true(tick(&s, false));
    must(unlinkat(s.cgroups.fd, "a.service/cgroup.procs", 0));
    must(unlinkat(s.cgroups.fd, "a.service", AT_REMOVEDIR));
    assert_true(tick(&s, true));
    assert_true(adviser_is_idle(s.adviser));
    assert_int_equal(adviser_status(s.adviser).descriptors, 0);
    setting_end(&s);
}

/* The daemon ends while a look is under way: the queue ends, and the job with it. */
static void the_queue_ends_first(void **state)
{
    Setting s;

    setting_begin(&s);
    adviser_tick(s.adviser, "/a.service", false, s.now);
    assert_int_equal(n_queued, 1);
    adviser_stop(s.adviser);
    run_queue();
    assert_int_equal(adviser_status(s.adviser).descriptors, 0);
    assert_true(tick(&s, false)); /* and would go on */
    assert_int_equal(adviser_status(s.adviser).descriptors, 1);
    setting_end(&s);
}

/* What cannot be noted is not done. */
static void without_a_record(void **state)
{
    Setting s;

    setting_begin(&s);
    int fd = s.host.advised.dir_fd;
    s.host.advised.dir_fd = -1;
    assert_false(tick(&s, false));
    expect_log("warning: a.service: cannot note what is advised: Bad file descriptor\n");
    assert_true(reads_ahead(&s));
    s.host.advised.dir_fd = fd;
    assert_true(tick(&s, false));
    assert_false(reads_ahead(&s));
    assert_non_null(strstr(noted(&s), "a.service\t/a.service\t"));
    setting_end(&s);
}

/* Process 1 is none of ours. What it has open stays as it is, and that is told once. */
static void as_nobody(void *argument)
{
    Setting *s = argument;

    if (geteuid() == 0)
        check(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
    for (int i = 0; i < 2; i++) {
        s->now += USEC_PER_SEC;
        adviser_tick(s->adviser, "/a.service", false, s->now);
        check(n_queued == 1);
        run_queue();
        check(adviser_status(s->adviser).unreachable == 1);
        check(strcmp(log_text, "warning: a.service: advising: the descriptors of some processes "
                               "cannot be had: Permission denied\n") == 0);
    }
}

static void without_privilege(void **state)
{
    Setting s;

    setting_begin(&s);
    scratch_put(&s.cgroups, "a.service/cgroup.procs", "1\n");
    must(chmod(s.scratch.path, 0777)); /* for the record */
    must(chmod(s.cgroups.path, 0755));
    assert_int_equal(run_child(as_nobody, &s), 0);
    setting_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_and_taken_back),        cmocka_unit_test(one_rule_less),
        cmocka_unit_test(files_that_are_opened_later), cmocka_unit_test(after_a_crash),
        cmocka_unit_test(a_unit_that_has_ended),       cmocka_unit_test(without_a_record),
        cmocka_unit_test(without_privilege),           cmocka_unit_test(the_queue_ends_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
