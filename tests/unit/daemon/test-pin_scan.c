/* SPDX-License-Identifier: MIT */
/* What is wanted. */
#include "daemon/pin_scan.h"

#include <errno.h>
#include <sys/wait.h>

#include "unit/daemon/scanning.h"
#include "unit/hold/descriptors.h"

static void in_the_order_of_the_policy(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCAN PinScan *scan = a_scan(&root, MIB, "/b/*", "/a/**");

    scratch_put_sized(&root, "a/2", 5);
    scratch_put_sized(&root, "a/1/x", PAGE);
    scratch_put_sized(&root, "b/2", PAGE + 1);
    scratch_put_sized(&root, "b/1", 3 * PAGE);
    run_scan(scan);
    expect_steps(&root, scan, "/b/1 12288/12288\n/b/2 4097/4097\n/a/1/x 4096/4096\n/a/2 5/5\n");
    expect_problems(scan, "");
    assert_int_equal(scan->n_wishes, 4);
}

static void as_far_as_the_budget_goes(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCAN PinScan *scan = a_scan(&root, 4 * PAGE + 4095, "/*", NULL);

    scratch_put_sized(&root, "1", PAGE + 1);
    scratch_put_sized(&root, "2", 9 * PAGE);
    scratch_put_sized(&root, "3", 1);
    run_scan(scan);
    expect_steps(&root, scan, "/1 4097/4097\n/2 8192/36864\n");
    expect_problems(scan, "");
    assert_int_equal(scan->n_wishes, 3);

    CLEANUP_SCAN PinScan *none = a_scan(&root, 0, "/*", NULL);
    run_scan(none);
    expect_steps(&root, none, "");
    assert_int_equal(none->n_wishes, 3);
}

static void a_file_counts_once(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCAN PinScan *scan = a_scan(&root, MIB, "/a/{y,x}", "/**");

    scratch_put_sized(&root, "a/x", PAGE);
    must(linkat(root.fd, "a/x", root.fd, "a/y", 0));
    must(linkat(root.fd, "a/x", root.fd, "z", 0));
    scratch_put_sized(&root, "other", PAGE);
    run_scan(scan);
    expect_steps(&root, scan, "/a/x 4096/4096\n/other 4096/4096\n");
    assert_int_equal(scan->n_wishes, 2);
}

static void what_a_rule_leaves_out(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCAN PinScan *scan = a_scan(&root, MIB, NULL, NULL);

    PinRule *rule = add_rule(scan, "/a/**");
    rule->max_size = 2 * PAGE;
    exclude_also(rule, "*_fsm");
    exclude_also(rule, "/a/tmp/**");
    scratch_put_sized(&root, "a/1", 2 * PAGE);
    scratch_put_sized(&root, "a/1_fsm", 1);
    scratch_put_sized(&root, "a/2", 2 * PAGE + 1);
    scratch_put_sized(&root, "a/tmp/3", 1);
    scratch_put_sized(&root, "b/4", 1);
    /* What is left out and held is released. */
    add_held(&root, scan, "a/1_fsm", 1, 1);
    add_held(&root, scan, "a/2", PAGE, PAGE);
    run_scan(scan);
    expect_steps(&root, scan, "/a/1 8192/8192\n");
    expect_problems(scan, "");
    assert_int_equal(scan->n_wishes, 1);
    assert_false(is_kept(&root, scan, "a/1_fsm"));
    assert_false(is_kept(&root, scan, "a/2"));
}

static void the_order_spends_the_budget(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCAN PinScan *smallest = a_scan(&root, 4 * PAGE, "/*", NULL);
    CLEANUP_SCAN PinScan *largest = a_scan(&root, 4 * PAGE, "/*", NULL);

    scratch_put_sized(&root, "1", 2 * PAGE);
    scratch_put_sized(&root, "2", 3 * PAGE);
    scratch_put_sized(&root, "3", PAGE);
    smallest->order = (PinOrder){ { PIN_BY_SMALLEST }, 1 };
    run_scan(smallest);
    expect_steps(&root, smallest, "/3 4096/4096\n/1 8192/8192\n/2 4096/12288\n");
    largest->order = (PinOrder){ { PIN_BY_LARGEST }, 1 };
    run_scan(largest);
    expect_steps(&root, largest, "/2 12288/12288\n/1 4096/8192\n");
}

static void a_part_of_each_file(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCAN PinScan *scan = a_scan(&root, 6 * PAGE, NULL, NULL);

    scratch_put_sized(&root, "1", 9 * PAGE);
    scratch_put_sized(&root, "2", 2 * PAGE);
    scratch_put_sized(&root, "3", PAGE);
    scratch_put_sized(&root, "4", 2 * PAGE + 1);
    add_rule(scan, "/*")->range.end = 2 * PAGE;
    run_scan(scan);
    expect_steps(&root, scan, "/1 8192/8192\n/2 8192/8192\n/3 4096/4096\n/4 4096/8192\n");
}

/* From the page on in which the range begins; what ends before has nothing of it. */
static void a_part_in_the_middle(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCAN PinScan *scan = a_scan(&root, MIB, NULL, NULL);
    PinRule *rule = add_rule(scan, "/*");

    scratch_put_sized(&root, "1", 9 * PAGE);
    scratch_put_sized(&root, "2", 3 * PAGE);
    scratch_put_sized(&root, "3", 2 * PAGE + 7);
    scratch_put_sized(&root, "4", 2 * PAGE + 8);
    rule->range.begin = 2 * PAGE + 7;
    rule->range.end = 5 * PAGE + 1;
    run_scan(scan);
    expect_steps(&root, scan, "/1 12289/12289\n/2 4096/4096\n/4 8/8\n");
    for (size_t i = 0; i < scan->n_steps; i++)
        assert_int_equal(pin_step_part(scan, &scan->steps[i]).offset, 2 * PAGE);

    /* Held from another place. */
    CLEANUP_SCAN PinScan *moved = a_scan(&root, MIB, NULL, NULL);
    add_rule(moved, "/1")->range.begin = PAGE;
    add_held(&root, moved, "1", 8 * PAGE, 8 * PAGE);
    run_scan(moved);
    expect_steps(&root, moved, "/1 32768/32768\n");
    assert_false(is_kept(&root, moved, "1"));
    moved->held.entries[0].offset = PAGE;
    run_scan_again(moved);
    expect_steps(&root, moved, "");
    assert_true(is_kept(&root, moved, "1"));
}

/* tmpfs has all of a file in memory that was written. */
static void as_far_as_it_is_in_memory(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/dev/shm");
    CLEANUP_SCAN PinScan *scan = a_scan(&root, MIB, NULL, NULL);

    scratch_put_sized(&root, "1", 9 * PAGE); /* a hole */
    scratch_put(&root, "2", "two");
    int fd = open(scratch_path(&root, "1"), O_WRONLY | O_CLOEXEC);
    must((int)pwrite(fd, "x", 1, (off_t)(3 * PAGE)));
    must((int)pwrite(fd, "xy", 2, (off_t)(6 * PAGE - 1)));
    close(fd);
    add_rule(scan, "/*")->lock = PIN_LOCK_ON_FAULT;
    run_scan(scan);
    expect_steps(&root, scan, "/1 12288/36864\n/2 3/3\n");
    assert_int_equal(scan->steps[0].lock, HOLD_LOCK_ON_FAULT);
    assert_true(scan->steps[0].opens);

    /* Held, and more of it came; held as it is. */
    add_held(&root, scan, "1", 9 * PAGE, PAGE);
    add_held(&root, scan, "2", 3, 3);
    scan->held.entries[0].way = scan->held.entries[1].way = HOLD_LOCK_ON_FAULT;
    run_scan_again(scan);
    expect_steps(&root, scan, "/1 12288/36864 held\n");
    assert_true(scan->steps[0].opens);
    assert_int_equal(scan->steps[0].locked, PAGE);
    /* In another way. */
    scan->rules[0].lock = PIN_LOCK_NOW;
    run_scan_again(scan);
    expect_steps(&root, scan, "/1 36864/36864\n/2 3/3\n");
    assert_false(is_kept(&root, scan, "1"));
}

/* What is not on the disk is not to be in memory either, nor to be paid for. */
static void as_far_as_it_is_data(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/dev/shm");
    CLEANUP_SCAN PinScan *scan = a_scan(&root, 4 * MIB, "/*", NULL);

    scratch_put_sized(&root, "1", 900 * GIB);
    scratch_put_sized(&root, "2", 900 * GIB); /* nothing but a hole */
    scratch_put_sized(&root, "3", 9 * PAGE);  /* not worth it */
    int fd = open(scratch_path(&root, "1"), O_WRONLY | O_CLOEXEC);
    must((int)pwrite(fd, "x", 1, (off_t)(3 * PAGE)));
    must((int)pwrite(fd, "xy", 2, (off_t)(800 * GIB - 1)));
    close(fd);
    run_scan(scan);
    expect_steps(&root, scan, "/1 12288/966367641600\n/3 36864/36864\n");
    assert_int_equal(scan->steps[0].lock, HOLD_LOCK_ON_FAULT);
    assert_true(scan->steps[0].data && scan->steps[0].opens);
    assert_int_equal(scan->steps[1].lock, HOLD_LOCK_NOW);

    /* Held so, nothing is left to do; not even where only what is held is looked at. */
    add_held(&root, scan, "1", 900 * GIB, 3 * PAGE);
    add_held(&root, scan, "3", 9 * PAGE, 9 * PAGE);
    for (size_t i = 0; i < 2; i++)
        scan->held.entries[i].way = scan->held.entries[i].length > MIB ? HOLD_LOCK_ON_FAULT
                                                                       : HOLD_LOCK_NOW;
    run_scan_again(scan);
    expect_steps(&root, scan, "");
    scan->only_held = true;
    run_scan_again(scan);
    assert_true(is_kept(&root, scan, "1") && is_kept(&root, scan, "3"));
}

/* Each version of a file once. */
static void what_was_warmed_is_not_warmed_again(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCAN PinScan *scan = a_scan(&root, MIB, NULL, NULL);

    scratch_put_sized(&root, "1", 2 * PAGE);
    scratch_put_sized(&root, "2", PAGE);
    add_rule(scan, "/*")->lock = PIN_LOCK_NONE;
    run_scan(scan);
    expect_steps(&root, scan, "/1 8192/8192\n/2 4096/4096\n");
    for (size_t i = 0; i < scan->n_steps; i++) {
        Warmed warmed = pin_step_warmed(scan, &scan->steps[i], PAGE);
        assert_int_equal(scan->steps[i].lock, HOLD_LOCK_NONE);
        assert_int_equal(warmed_add(&scan->warmed, &warmed), 0);
    }
    run_scan_again(scan);
    expect_steps(&root, scan, "");
    assert_int_equal(scan->warmed.sum, 2 * PAGE);
    /* Written to. */
    must(utimensat(root.fd, "2", (struct timespec[]){ { 1, 0 }, { 1, 1 } }, 0));
    run_scan_again(scan);
    expect_steps(&root, scan, "/2 4096/4096\n");
    assert_int_equal(scan->warmed.n, 1);
    /* Another part of it. */
    scan->rules[0].range.end = PAGE;
    run_scan_again(scan);
    expect_steps(&root, scan, "/1 4096/4096\n/2 4096/4096\n");
    assert_int_equal(scan->warmed.n, 0);
    assert_int_equal(scan->warmed.sum, 0);
    /* It counts against the budget. */
    scan->budget = PAGE;
    run_scan_again(scan);
    expect_steps(&root, scan, "/1 4096/4096\n");
}

static void empty_files_and_none(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCAN PinScan *scan = a_scan(&root, MIB, "/*", NULL);
    CLEANUP_SCAN PinScan *nothing = a_scan(&root, MIB, "/*.db", NULL);
    CLEANUP_SCAN PinScan *idle = pin_scan_new(NULL, NULL);

    scratch_put_sized(&root, "empty", 0);
    scratch_put_sized(&root, "full", 1);
    run_scan(scan);
    expect_steps(&root, scan, "/full 1/1\n");
    expect_problems(scan, "");
    assert_int_equal(scan->n_wishes, 1);
    run_scan(nothing);
    expect_steps(&root, nothing, "");
    expect_problems(nothing, "");
    assert_int_equal(nothing->n_wishes, 0);
    idle->root_fd = root.fd;
    idle->page = PAGE;
    run_scan(idle);
    expect_steps(&root, idle, "");
    pin_scan_free(NULL);
}

static void problems_are_told(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCAN PinScan *scan = a_scan(&root, MIB, "/a/{1,2,3,4,5}", "/b/none/*");

    scratch_put_sized(&root, "a/1", PAGE);
    must(symlinkat("1", root.fd, "a/2"));
    must(fchmodat(root.fd, "a", 0777, 0));
    must(mkfifoat(root.fd, "a/3", 0600));
    must(mkdirat(root.fd, "a/4", 0700));
    scratch_put_sized(&root, "b/some", PAGE);
    run_scan(scan);
    expect_steps(&root, scan, "/a/1 4096/4096\n");
    expect_problems(scan, "/a/2 is a symbolic link, which is not followed, since others than root "
                          "can put one there\n"
                          "/a/3 is a FIFO\n"
                          "/a/4 is a directory\n"
                          "/a/5 does not exist\n"
                          "/b/none does not exist\n");
}

static void unreadable_things(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    int status;

    if (geteuid() != 0)
        skip();
    scratch_put_sized(&root, "a/secret", PAGE);
    scratch_put_sized(&root, "a/told", PAGE);
    scratch_put_sized(&root, "locked/x", PAGE);
    must(fchmodat(root.fd, "a/secret", 0600, 0));
    must(fchmodat(root.fd, "locked", 0700, 0));
    must(fchmod(root.fd, 0755));
    fflush(NULL);
    pid_t pid = must(fork());
    if (pid == 0) {
        PinScan *scan = pin_scan_new(NULL, NULL);
        must(setuid(65534));
        scan->root_fd = root.fd;
        scan->budget = MIB;
        scan->page = PAGE;
        add_rule(scan, "/{a,locked}/*");
        scan->job.run(&scan->job);
        bool good = scan->error == 0 && scan->n_steps == 2 && scan->problems.n_total == 1 &&
                    strcmp(scan->problems.entries[0].path, "/locked") == 0 &&
                    strcmp(scan->problems.entries[0].reason, "cannot be read: Permission denied") ==
                        0;
        size_t next;
        PinOpening *opening = pin_opening_new(scan, 0, &next, NULL, NULL);
        opening->job.run(&opening->job);
        good = good && strcmp(opening->list.files[0].name, "secret") == 0 &&
               opening->fds[0] == -EACCES && opening->fds[1] >= 0;
        pin_opening_free(opening);
        pin_scan_free(scan);
        _exit(good ? 0 : 1);
    }
    must(waitpid(pid, &status, 0));
    assert_int_equal(status, 0);
}

static void not_all_problems_are_kept(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCAN PinScan *scan = a_scan(&root, MIB, "/*", NULL);

    for (unsigned i = 0; i < PIN_PROBLEMS_MAX + 9; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%03u", i);
        must(mkfifoat(root.fd, name, 0600));
    }
    run_scan(scan);
    assert_int_equal(scan->error, 0);
    assert_int_equal(scan->problems.n_entries, PIN_PROBLEMS_MAX);
    assert_int_equal(scan->problems.n_total, PIN_PROBLEMS_MAX + 9);
    assert_string_equal(scan->problems.entries[0].path, "/000");
    pin_problems_clear(&scan->problems);
    assert_int_equal(scan->problems.n_total, 0);
}

static void names_that_look_like_globs(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCAN PinScan *scan = a_scan(&root, MIB, "/d/**", NULL);
    static const char *const names[] = {
        "a[1]{x},*.db", "*",    "**",   "?",  "[",  "]",    "{",  "}",    ",",       "{a,b}",
        "\\",           "\\\\", "a\\*", "-",  "!",  "[!a]", "\n", " ",    "{,}",     "a{",
        "}b",           "[a",   "~",    "$x", "'",  "\"",   "#",  "\xff", "[[:x:]]", "**\\",
        "x\\",          "{**}", "&",    ";",  "%s", "[]]",  "^",  "(",    "=",       "\t",
    };

    for (size_t i = 0; i < ELEMENTS(names); i++) {
        char path[64];
        snprintf(path, sizeof(path), "d/%s", names[i]);
        scratch_put_sized(&root, path, i + 1);
        /* A folder of that name is quoted on the way, too. */
        snprintf(path, sizeof(path), "d/D%s/%s", names[i], names[i]);
        if (i < 20)
            scratch_put_sized(&root, path, 1000 + i);
    }
    /* What the names would match if they were taken for globs. */
    scratch_put_sized(&root, "d/a1x", 5000);
    scratch_put_sized(&root, "d/a1*.db", 5001);
    scratch_put_sized(&root, "d/a", 5002);
    run_scan(scan);
    assert_int_equal(scan->error, 0);
    expect_problems(scan, "");
    assert_int_equal(scan->n_wishes, ELEMENTS(names) + 20 + 3);
    assert_int_equal(scan->n_steps, ELEMENTS(names) + 20 + 3);
    size_t next;
    PinOpening *opening = open_steps(scan, 0, &next);
    assert_int_equal(opening->list.n_files, scan->n_steps);
    for (size_t i = 0; i < scan->n_steps; i++)
        expect_opened(opening, i, &scan->files.files[i]);
    pin_opening_free(opening);
}

static void hidden_files_named_as_such(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCAN PinScan *scan = a_scan(&root, MIB, "/.d/.*", "/*");

    scratch_put_sized(&root, ".d/.x", 1);
    scratch_put_sized(&root, ".y", 1);
    scratch_put_sized(&root, "z", 1);
    run_scan(scan);
    expect_steps(&root, scan, "/.d/.x 1/1\n/z 1/1\n");
    expect_problems(scan, "");
}

static void globs_that_are_none(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCAN PinScan *scan = a_scan(&root, MIB, "/{a", "/*");

    scratch_put_sized(&root, "x", 1);
    add_held(&root, scan, "x", 1, 1);
    run_scan(scan);
    assert_int_equal(scan->error, -EINVAL);
    assert_int_equal(scan->n_steps, 0);
}

static void a_scan_that_nobody_wants(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCAN PinScan *scan = a_scan(&root, MIB, "/*", NULL);
    size_t before = count_descriptors(0);

    scratch_put_sized(&root, "x", 1);
    atomic_store(&scan->job.cancelled, true);
    run_scan(scan);
    assert_int_equal(scan->error, -ECANCELED);
    assert_int_equal(scan->n_steps, 0);
    assert_int_equal(count_descriptors(0), before);
}

static PinScan *taken;

static void on_done(Job *job, void *owner)
{
    assert_ptr_equal(owner, &taken);
    taken = pin_scan_take((PinScan *)job);
    assert_non_null(taken);
}

static void as_a_job(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    sd_event *event;
    Jobs *jobs;

    scratch_put_sized(&root, "x", 1);
    must(mkfifoat(root.fd, "y", 0600));
    size_t before = count_descriptors(0);
    assert_true(sd_event_new(&event) >= 0);
    assert_int_equal(jobs_new(event, &jobs), 0);
    PinScan *scan = pin_scan_new(on_done, &taken);
    scan->root_fd = root.fd;
    scan->page = scan->budget = PAGE;
    add_rule(scan, "/*");
    add_held(&root, scan, "x", 2, 0);
    jobs_submit(jobs, &scan->job);
    while (!taken)
        assert_true(sd_event_run(event, 5000000) > 0);
    jobs_free(jobs);
    sd_event_unref(event);

    /* The queue has freed the job, and what was in it is ours. */
    expect_steps(&root, taken, "/x 1/1\n");
    expect_problems(taken, "/y is a FIFO\n");
    assert_false(is_kept(&root, taken, "x"));
    pin_scan_free(taken);
    assert_int_equal(count_descriptors(0), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_the_order_of_the_policy),
        cmocka_unit_test(as_far_as_the_budget_goes),
        cmocka_unit_test(a_file_counts_once),
        cmocka_unit_test(what_a_rule_leaves_out),
        cmocka_unit_test(the_order_spends_the_budget),
        cmocka_unit_test(a_part_of_each_file),
        cmocka_unit_test(a_part_in_the_middle),
        cmocka_unit_test(as_far_as_it_is_in_memory),
        cmocka_unit_test(as_far_as_it_is_data),
        cmocka_unit_test(what_was_warmed_is_not_warmed_again),
        cmocka_unit_test(empty_files_and_none),
        cmocka_unit_test(problems_are_told),
        cmocka_unit_test(unreadable_things),
        cmocka_unit_test(not_all_problems_are_kept),
        cmocka_unit_test(names_that_look_like_globs),
        cmocka_unit_test(hidden_files_named_as_such),
        cmocka_unit_test(globs_that_are_none),
        cmocka_unit_test(a_scan_that_nobody_wants),
        cmocka_unit_test(as_a_job),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
