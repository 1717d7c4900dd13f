/* SPDX-License-Identifier: MIT */
#include "daemon/pin_scan.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "daemon/pin_open.h"
#include "unit/hold/descriptors.h"
#include "unit/kernel/scratch.h"
#include "unit/select/pin-rule.h"
#include "util/strv.h"
#include "util/units.h"

#define PAGE UINT64_C(4096)

/* The walk's openat() goes through this, so that a file can be exchanged between two looks at it:
 * the scan only looks at names, and when @watched is opened, @exchange is called first. */
static const char *watched;
static void (*exchange)(void);
static unsigned times_opened;

static int open_hooked(int dir_fd, const char *name, int flags, mode_t mode)
{
    if (watched && strcmp(name, watched) == 0 && ++times_opened == 1)
        exchange();
    return (int)syscall(SYS_openat, dir_fd, name, flags, mode);
}

int openat(int dir_fd, const char *name, int flags, ...)
{
    va_list ap;

    va_start(ap, flags);
    mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return open_hooked(dir_fd, name, flags, mode);
}

/* What _FORTIFY_SOURCE makes of it. */
int __openat64_2(int dir_fd, const char *name, int flags);
int __openat64_2(int dir_fd, const char *name, int flags)
{
    return open_hooked(dir_fd, name, flags, 0);
}

static void scan_done(PinScan **scan)
{
    pin_scan_free(*scan);
}

#define CLEANUP_SCAN cleanup(scan_done)

static PinRule *add_rule(PinScan *scan, const char *path)
{
    return add_pin_rule(&scan->rules, &scan->n_rules, path);
}

/* A scan of up to two globs, not yet run. */
static PinScan *a_scan(const Scratch *root, uint64_t budget, const char *a, const char *b)
{
    PinScan *scan = pin_scan_new(NULL, NULL);

    assert_non_null(scan);
    scan->root_fd = root->fd;
    scan->budget = budget;
    scan->page = PAGE;
    if (a)
        add_rule(scan, a);
    if (b)
        add_rule(scan, b);
    return scan;
}

static void run_scan(PinScan *scan)
{
    scan->job.run(&scan->job);
}

static void run_scan_again(PinScan *scan)
{
    free(TAKE_PTR(scan->steps));
    scan->n_steps = 0;
    pool_clear(&scan->paths);
    run_scan(scan);
}

/* "PATH target/size" a line, with " held" where it need not be opened. */
static void expect_steps(const Scratch *root, const PinScan *scan, const char *expected)
{
    char text[8192] = "";

    assert_int_equal(scan->error, 0);
    for (size_t i = 0; i < scan->n_steps; i++) {
        const PinStep *step = &scan->steps[i];
        size_t n = strlen(text);
        struct stat st;

        snprintf(text + n, sizeof(text) - n, "%s %ju/%ju%s\n", step->path, (uintmax_t)step->target,
                 (uintmax_t)step->size, step->held ? " held" : "");
        must(lstat(scratch_path(root, step->path + 1), &st));
        assert_true(step->dev == st.st_dev && step->ino == st.st_ino);
    }
    assert_string_equal(text, expected);
}

/* Opens the next batch; where the one after that begins. */
static PinOpening *open_steps(const PinScan *scan, size_t from, size_t *ret_next)
{
    PinOpening *opening = pin_opening_new(scan, from, ret_next, NULL, NULL);

    assert_non_null(opening);
    opening->job.run(&opening->job);
    return opening;
}

static void expect_opened(const PinOpening *opening, size_t i, const PinStep *step)
{
    struct stat st;

    must(fstat(opening->fds[i], &st));
    assert_true(step->dev == st.st_dev && step->ino == st.st_ino);
    assert_int_equal(st.st_size, step->size);
    assert_int_equal(fcntl(opening->fds[i], F_GETFL) & (O_ACCMODE | O_PATH), O_RDONLY);
    assert_true(fcntl(opening->fds[i], F_GETFD) & FD_CLOEXEC);
}

/* "PATH reason" a line. */
static void expect_problems(const PinScan *scan, const char *expected)
{
    char text[16384] = "";

    for (size_t i = 0; i < scan->problems.n_entries; i++) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof(text) - n, "%s %s\n", scan->problems.entries[i].path,
                 scan->problems.entries[i].reason);
    }
    assert_string_equal(text, expected);
    assert_int_equal(scan->problems.n_total, scan->problems.n_entries);
}

/* Tells the scan that a holder has this. */
static void add_held(const Scratch *root, PinScan *scan, const char *path, uint64_t length,
                     uint64_t locked)
{
    struct stat st;

    must(stat(scratch_path(root, path), &st));
    scan->held = reallocarray(scan->held, scan->n_held + 1, sizeof(PinHeld));
    assert_non_null(scan->held);
    scan->held[scan->n_held++] = (PinHeld){
        .dev = st.st_dev, .ino = st.st_ino, .length = length, .locked = locked
    };
    qsort(scan->held, scan->n_held, sizeof(PinHeld), pin_held_compare);
}

/* What add_held() told; they are in the order of their inodes. */
static PinHeld *held_at(const Scratch *root, PinScan *scan, const char *path)
{
    struct stat st;

    must(stat(scratch_path(root, path), &st));
    for (size_t i = 0; i < scan->n_held; i++)
        if (scan->held[i].dev == st.st_dev && scan->held[i].ino == st.st_ino)
            return &scan->held[i];
    fail_msg("%s is not held", path);
    return NULL;
}

static bool is_kept(const Scratch *root, PinScan *scan, const char *path)
{
    return held_at(root, scan, path)->keep;
}

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

/* Held as far as the range goes, or went before it was changed. */
static void a_part_that_is_held(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCAN PinScan *same = a_scan(&root, MIB, NULL, NULL);
    CLEANUP_SCAN PinScan *shorter = a_scan(&root, MIB, NULL, NULL);
    CLEANUP_SCAN PinScan *longer = a_scan(&root, MIB, NULL, NULL);

    scratch_put_sized(&root, "x", 9 * PAGE);
    add_rule(same, "/*")->range.end = PAGE + 1;
    add_held(&root, same, "x", PAGE + 1, PAGE + 1);
    run_scan(same);
    expect_steps(&root, same, "");
    assert_true(is_kept(&root, same, "x"));

    add_rule(shorter, "/*")->range.end = PAGE;
    add_held(&root, shorter, "x", 2 * PAGE, 2 * PAGE);
    run_scan(shorter);
    expect_steps(&root, shorter, "/x 4096/4096\n");
    assert_false(is_kept(&root, shorter, "x"));

    add_rule(longer, "/*")->range.end = 3 * PAGE;
    add_held(&root, longer, "x", 2 * PAGE, 2 * PAGE);
    run_scan(longer);
    expect_steps(&root, longer, "/x 12288/12288\n");
    assert_true(is_kept(&root, longer, "x"));
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
        assert_int_equal(scan->steps[i].offset, 2 * PAGE);

    /* Held from another place. */
    CLEANUP_SCAN PinScan *moved = a_scan(&root, MIB, NULL, NULL);
    add_rule(moved, "/1")->range.begin = PAGE;
    add_held(&root, moved, "1", 8 * PAGE, 8 * PAGE);
    run_scan(moved);
    expect_steps(&root, moved, "/1 32768/32768\n");
    assert_false(is_kept(&root, moved, "1"));
    moved->held[0].offset = PAGE;
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
    scan->held[0].way = scan->held[1].way = HOLD_LOCK_ON_FAULT;
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
        scan->held[i].way = scan->held[i].length > MIB ? HOLD_LOCK_ON_FAULT : HOLD_LOCK_NOW;
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
        Warmed warmed = pin_step_warmed(&scan->steps[i], PAGE);
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

/* In rounds of up to a slice, or of one file, in the order of what is held. */
static void read_again_at_the_charge_of_the_service(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCAN PinScan *scan = a_scan(&root, GIB, "/[abc]", NULL);
    static const char *const names[] = { "a", "b", "c", "d" };
    static const uint64_t sizes[] = { 7 * MIB, 40 * MIB, 12 * MIB, PAGE };
    uint64_t again = 0;
    unsigned rounds = 0;

    for (size_t i = 0; i < 4; i++) {
        scratch_put_dense(&root, names[i], sizes[i]);
        add_held(&root, scan, names[i], sizes[i], sizes[i]);
    }
    /* And one that is locked only as far as it is in memory. */
    CLEANUP_CLOSE int fd = openat(root.fd, "d", O_WRONLY | O_CLOEXEC);
    must((int)pwrite(fd, "x", 1, 0));
    add_pin_rule(&scan->rules, &scan->n_rules, "/d")->lock = PIN_LOCK_ON_FAULT;
    held_at(&root, scan, "d")->way = HOLD_LOCK_ON_FAULT;
    scan->fill = true;
    scan->recharge = 39 * MIB; /* too little for one of them */
    do {
        scan->n_recharged = 0;
        run_scan_again(scan);
        uint64_t sum = 0;
        for (size_t i = 0; i < scan->n_steps; i++) {
            const PinStep *step = &scan->steps[i];
            assert_true(step->recharge && step->opens && !step->held);
            assert_int_equal(step->locked, 0);
            sum += step->target;
        }
        assert_int_equal(scan->n_steps, scan->n_recharged);
        assert_true(sum < HOLD_SLICE_MAX + 12 * MIB);
        again += sum;
        rounds++;
    } while (scan->n_recharged > 0 && rounds < 9);
    assert_int_equal(again, 19 * MIB + PAGE);
    assert_in_range(rounds, 2, 4);
    /* And nothing else is touched. */
    expect_steps(&root, scan, "");
    for (size_t i = 0; i < scan->n_held; i++)
        assert_true(scan->held[i].keep);
}

static void not_without_end_is_remembered(void **state)
{
    WarmSet set = { 0 };

    assert_null(warmed_find(&set, &(Warmed){ .ino = 1 }));
    for (uint64_t i = WARMED_MAX; i > 0; i--)
        assert_int_equal(warmed_add(&set, &(Warmed){ .ino = i, .size = 7, .resident = 1 }), 0);
    assert_int_equal(warmed_add(&set, &(Warmed){ .ino = 1 }), -ENOSPC);
    assert_non_null(warmed_find(&set, &(Warmed){ .ino = 5, .size = 7 }));
    assert_null(warmed_find(&set, &(Warmed){ .ino = 5, .size = 8 }));
    assert_null(warmed_find(&set, &(Warmed){ .ino = 5, .size = 7, .mtime = 1 }));
    assert_int_equal(set.sum, WARMED_MAX);
    warmed_clear(&set);
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

static void opened_in_batches(void **state)
{
    enum { FILES = 2 * HOLD_BATCH_MAX + 7 };
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCAN PinScan *scan = a_scan(&root, 1000 * MIB, "/*", NULL);
    size_t batches = 0, at = 0, opened = 0;
    char name[32];

    for (size_t i = 0; i < FILES; i++) {
        snprintf(name, sizeof(name), "%03zu", i);
        scratch_put_sized(&root, name, i + 1);
    }
    /* Here and there one that needs no opening, at the end too. */
    add_held(&root, scan, "003", 4, 0);
    snprintf(name, sizeof(name), "%03d", FILES - 1);
    add_held(&root, scan, name, FILES, 0);
    run_scan(scan);
    assert_int_equal(scan->n_steps, FILES);
    size_t before = count_descriptors(0);
    for (; at < scan->n_steps; batches++) {
        PinOpening *opening = open_steps(scan, at, &at);
        assert_int_equal(count_descriptors(0), before + opening->n);
        for (size_t i = 0; i < opening->n; i++) {
            const PinStep *step = &scan->steps[opening->steps[i]];
            assert_false(step->held);
            expect_opened(opening, i, step);
        }
        opened += opening->n;
        pin_opening_free(opening);
    }
    assert_int_equal(opened, FILES - 2);
    assert_int_equal(batches, 3);
    assert_int_equal(count_descriptors(0), before);
    pin_opening_free(NULL);
}

static void what_is_held_need_not_be_opened(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCAN PinScan *scan = a_scan(&root, MIB, "/*", NULL);

    scratch_put_sized(&root, "all", PAGE + 1);
    scratch_put_sized(&root, "cut", 2 * PAGE);
    scratch_put_sized(&root, "grown", 5 * PAGE);
    scratch_put_sized(&root, "new", 1);
    scratch_put_sized(&root, "part", 4 * PAGE);
    scratch_put_sized(&root, "out/side", PAGE);
    add_held(&root, scan, "all", PAGE + 1, PAGE + 1);
    add_held(&root, scan, "cut", 3 * PAGE, 3 * PAGE);
    add_held(&root, scan, "grown", 2 * PAGE, 2 * PAGE);
    add_held(&root, scan, "part", 4 * PAGE, PAGE);
    add_held(&root, scan, "out/side", PAGE, PAGE);
    run_scan(scan);
    /* What was truncated is released and opened anew. */
    expect_steps(&root, scan,
                 "/cut 8192/8192\n/grown 20480/20480\n/new 1/1\n/part 16384/16384 held\n");
    assert_true(is_kept(&root, scan, "all"));
    assert_false(is_kept(&root, scan, "cut"));
    assert_true(is_kept(&root, scan, "grown"));
    assert_true(is_kept(&root, scan, "part"));
    assert_false(is_kept(&root, scan, "out/side"));
}

static void a_smaller_budget(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCAN PinScan *scan = a_scan(&root, 3 * PAGE, "/*", NULL);

    scratch_put_sized(&root, "1", 2 * PAGE);
    scratch_put_sized(&root, "2", 2 * PAGE);
    scratch_put_sized(&root, "3", 2 * PAGE);
    add_held(&root, scan, "1", 2 * PAGE, 2 * PAGE);
    add_held(&root, scan, "2", 2 * PAGE, 2 * PAGE);
    add_held(&root, scan, "3", 2 * PAGE, 2 * PAGE);
    run_scan(scan);
    expect_steps(&root, scan, "/2 4096/8192\n");
    assert_true(is_kept(&root, scan, "1"));
    assert_false(is_kept(&root, scan, "2"));
    assert_false(is_kept(&root, scan, "3"));
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
        good = good && strcmp(opening->files[0].path, "/a/secret") == 0 &&
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

static Scratch *exchanged_root;

static void exchange_by_another(void)
{
    scratch_put_sized(exchanged_root, "new", 3 * PAGE);
    must(renameat(exchanged_root->fd, "new", exchanged_root->fd, "b"));
}

static void exchange_by_a_link(void)
{
    must(unlinkat(exchanged_root->fd, "b", 0));
    must(symlinkat("a", exchanged_root->fd, "b"));
}

static void exchange_by_a_fifo(void)
{
    must(unlinkat(exchanged_root->fd, "b", 0));
    must(mkfifoat(exchanged_root->fd, "b", 0600));
}

static void exchange_by_nothing(void)
{
    must(unlinkat(exchanged_root->fd, "b", 0));
}

static void files_that_are_exchanged_meanwhile(void **state)
{
    static const struct {
        void (*exchange)(void);
        int error;
    } cases[] = {
        { exchange_by_another, -ESTALE },
        { exchange_by_a_link, -ENOENT },
        { exchange_by_a_fifo, -ENOENT },
        { exchange_by_nothing, -ENOENT },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
        CLEANUP_SCAN PinScan *scan = a_scan(&root, MIB, "/*", NULL);
        size_t before = count_descriptors(0), next;

        exchanged_root = &root;
        exchange = cases[i].exchange;
        scratch_put_sized(&root, "a", PAGE);
        scratch_put_sized(&root, "b", PAGE);
        scratch_put_sized(&root, "c", PAGE);
        times_opened = 0;
        watched = "b";
        run_scan(scan);
        expect_steps(&root, scan, "/a 4096/4096\n/b 4096/4096\n/c 4096/4096\n");
        PinOpening *opening = open_steps(scan, 0, &next);
        watched = NULL;
        assert_int_equal(times_opened, 1);
        expect_opened(opening, 0, &scan->steps[0]);
        assert_int_equal(opening->fds[1], cases[i].error);
        expect_opened(opening, 2, &scan->steps[2]);
        assert_int_equal(count_descriptors(0), before + 2);
        pin_opening_free(opening);
        assert_int_equal(count_descriptors(0), before);
    }
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
    assert_int_equal(opening->n, scan->n_steps);
    for (size_t i = 0; i < scan->n_steps; i++)
        expect_opened(opening, i, &scan->steps[i]);
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
    scan->held[0].keep = true;
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

static const PinHeld *held_of(const Scratch *root, const PinScan *scan, const char *path)
{
    struct stat st;

    must(stat(scratch_path(root, path), &st));
    PinHeld key = { .dev = st.st_dev, .ino = st.st_ino };
    return bsearch(&key, scan->held, scan->n_held, sizeof(PinHeld), pin_held_compare);
}

/* As long as it was, so that nothing but the time of the change tells. */
static void what_was_changed_in_place_is_refreshed(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, "same", "text");
    scratch_put(&root, "rewritten", "text");
    CLEANUP_SCAN PinScan *first = a_scan(&root, MIB, "/*", NULL);
    add_held(&root, first, "same", 4, 4);
    add_held(&root, first, "rewritten", 4, 4);
    run_scan(first);
    /* Held by whoever was there before: of that nothing is known. */
    assert_false(held_of(&root, first, "same")->refresh);
    assert_false(held_of(&root, first, "rewritten")->refresh);
    assert_true(held_of(&root, first, "same")->ctime > 0);

    struct timespec same[2];
    struct stat st;
    must(stat(scratch_path(&root, "rewritten"), &st));
    same[0] = st.st_atim;
    same[1] = st.st_mtim;
    usleep(20 * USEC_PER_MSEC); /* the grain of a file's times */
    scratch_put(&root, "rewritten", "TEXT");
    must(utimensat(root.fd, "rewritten", same, 0)); /* as cp -p and rsync do */

    CLEANUP_SCAN PinScan *second = a_scan(&root, MIB, "/*", NULL);
    add_held(&root, second, "same", 4, 4);
    add_held(&root, second, "rewritten", 4, 4);
    for (size_t i = 0; i < second->n_held; i++)
        second->held[i].ctime = first->held[i].ctime;
    run_scan(second);
    assert_int_equal(second->n_steps, 0);
    assert_false(held_of(&root, second, "same")->refresh);
    assert_true(held_of(&root, second, "rewritten")->refresh);
}

/* A table of mounts, as the scan's /proc has it. */
static int a_proc(const Scratch *scratch, const char *const *points)
{
    char text[1024] = "";

    for (; *points; points++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "36 35 98:0 / %s rw - ext4 /dev/vda rw\n", *points);
    scratch_put(scratch, "1/mountinfo", text);
    return scratch->fd;
}

static void what_is_released_is_let_go(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    const char *const points[] = { "/", "/a", "/b", "/b/c", "/empty", NULL };

    scratch_put_sized(&root, "a/1", 5);
    scratch_put_sized(&root, "ab/1", 5);
    scratch_put_sized(&root, "b/1", 5);
    scratch_put_sized(&root, "b/2", 5);
    scratch_put_sized(&root, "b/c/1", 5);
    scratch_put_sized(&root, "z/1", 5);
    CLEANUP_SCAN PinScan *before = a_scan(&root, MIB, "/**", NULL);
    before->processes.proc_fd = a_proc(&proc, points);
    add_held(&root, before, "a/1", 5, 5);
    run_scan(before);
    expect_steps(&root, before, "/ab/1 5/5\n/b/1 5/5\n/b/2 5/5\n/b/c/1 5/5\n/z/1 5/5\n");
    assert_true(is_kept(&root, before, "a/1"));
    assert_int_equal(strv_length(before->mounts), 3);
    assert_string_equal(before->mounts[0], "/a");
    assert_string_equal(before->mounts[1], "/b");
    assert_string_equal(before->mounts[2], "/b/c");

    CLEANUP_SCAN PinScan *after = a_scan(&root, MIB, "/**", NULL);
    after->processes.proc_fd = proc.fd;
    assert_int_equal(strv_append(&after->avoid, "/a"), 0);
    assert_int_equal(strv_append(&after->avoid, "/b/c"), 0);
    add_held(&root, after, "a/1", 5, 5);
    run_scan(after);
    expect_steps(&root, after, "/ab/1 5/5\n/b/1 5/5\n/b/2 5/5\n/z/1 5/5\n");
    assert_false(is_kept(&root, after, "a/1"));
    assert_int_equal(strv_length(after->mounts), 1);
    expect_problems(after, "");
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
        cmocka_unit_test(a_part_that_is_held),
        cmocka_unit_test(a_part_in_the_middle),
        cmocka_unit_test(as_far_as_it_is_in_memory),
        cmocka_unit_test(as_far_as_it_is_data),
        cmocka_unit_test(what_was_warmed_is_not_warmed_again),
        cmocka_unit_test(read_again_at_the_charge_of_the_service),
        cmocka_unit_test(not_without_end_is_remembered),
        cmocka_unit_test(empty_files_and_none),
        cmocka_unit_test(opened_in_batches),
        cmocka_unit_test(what_is_held_need_not_be_opened),
        cmocka_unit_test(what_was_changed_in_place_is_refreshed),
        cmocka_unit_test(what_is_released_is_let_go),
        cmocka_unit_test(a_smaller_budget),
        cmocka_unit_test(problems_are_told),
        cmocka_unit_test(unreadable_things),
        cmocka_unit_test(not_all_problems_are_kept),
        cmocka_unit_test(files_that_are_exchanged_meanwhile),
        cmocka_unit_test(names_that_look_like_globs),
        cmocka_unit_test(hidden_files_named_as_such),
        cmocka_unit_test(globs_that_are_none),
        cmocka_unit_test(a_scan_that_nobody_wants),
        cmocka_unit_test(as_a_job),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
