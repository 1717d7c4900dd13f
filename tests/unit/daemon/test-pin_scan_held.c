/* SPDX-License-Identifier: MIT */
/* What becomes of what is held already. */
#include "daemon/pin_scan.h"

#include "unit/daemon/scanning.h"
#include "util/strv.h"

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

/* Whether @name is among those that are wanted, and not among those that are held. */
static bool is_unheld(const Scratch *root, const PinScan *scan, const char *name)
{
    struct stat st;

    must(fstatat(root->fd, name, &st, 0));
    PinId key = { st.st_dev, st.st_ino };
    return scan->n_unheld > 0 &&
           bsearch(&key, scan->unheld, scan->n_unheld, sizeof(PinId), pin_id_compare) != NULL;
}

static void what_is_wanted_and_not_held_is_told(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCAN PinScan *scan = a_scan(&root, 5 * PAGE, "/[abcde]", NULL);

    for (char name[2] = "a"; *name <= 'f'; ++*name)
        scratch_put_sized(&root, name, 2 * PAGE);
    add_rule(scan, "/f")->lock = PIN_LOCK_NONE; /* which is only read */
    add_held(&root, scan, "a", 2 * PAGE, 2 * PAGE);
    add_held(&root, scan, "b", 3 * PAGE, 3 * PAGE); /* to be let go, and mapped anew */
    add_held(&root, scan, "f", 2 * PAGE, 2 * PAGE);
    run_scan(scan);
    expect_steps(&root, scan, "/b 8192/8192\n/c 4096/8192\n");
    assert_false(is_unheld(&root, scan, "a"));
    assert_true(is_unheld(&root, scan, "b"));
    assert_true(is_unheld(&root, scan, "c"));
    assert_true(is_unheld(&root, scan, "d")); /* nothing is left of the budget */
    assert_true(is_unheld(&root, scan, "e"));
    assert_int_equal(scan->n_unheld, 4);

    /* While memory is short nothing more is taken, and is wanted all the same. */
    scan->only_held = true;
    run_scan_again(scan);
    assert_true(is_unheld(&root, scan, "c"));
    assert_false(is_unheld(&root, scan, "a"));
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
            assert_true(is_unheld(&root, scan, pin_step_file(scan, step)->name));
            sum += step->target;
        }
        assert_int_equal(scan->n_steps, scan->n_recharged);
        assert_int_equal(scan->n_unheld, scan->n_recharged);
        assert_true(sum < HOLD_SLICE_MAX + 12 * MIB);
        again += sum;
        rounds++;
    } while (scan->n_recharged > 0 && rounds < 9);
    assert_int_equal(again, 19 * MIB + PAGE);
    assert_in_range(rounds, 2, 4);
    /* And nothing else is touched. */
    expect_steps(&root, scan, "");
    for (size_t i = 0; i < scan->held.n; i++)
        assert_true(scan->marks[i].keep);
}

static void not_without_end_is_remembered(void **state)
{
    WarmSet set = { 0 };

    assert_false(warmed_keep(&set, &(Warmed){ .ino = 1 }));
    for (uint64_t i = WARMED_MAX; i > 0; i--)
        assert_int_equal(warmed_add(&set, &(Warmed){ .ino = i, .version = 7, .resident = 1 }), 0);
    assert_int_equal(warmed_add(&set, &(Warmed){ .ino = 1 }), -ENOSPC);
    assert_true(warmed_keep(&set, &(Warmed){ .ino = 5, .version = 7 }));
    assert_false(warmed_keep(&set, &(Warmed){ .ino = 5, .version = 8 }));
    assert_int_equal(set.sum, WARMED_MAX);
    assert_true(warmed_keep(&set, &(Warmed){ .ino = 9, .version = 7 }));
    warmed_drop_others(&set);
    assert_int_equal(set.n, 2);
    assert_int_equal(set.sum, 2);
    assert_int_equal(warmed_add(&set, &(Warmed){ .ino = 3, .resident = 5 }), 0);
    assert_true(warmed_keep(&set, &(Warmed){ .ino = 3 }));
    assert_false(warmed_keep(&set, &(Warmed){ .ino = 6, .version = 7 }));
    warmed_drop_others(&set);
    assert_int_equal(set.n, 1);
    assert_int_equal(set.sum, 5);
    warmed_drop_others(&set);
    assert_int_equal(set.n, 0);
    warmed_clear(&set);
}

static void a_version_is_of_all_of_it(void **state)
{
    const uint64_t some = warmed_version(1, 2, 3, 4);

    assert_true(warmed_version(1, 2, 3, 4) == some);
    assert_true(warmed_version(9, 2, 3, 4) != some);
    assert_true(warmed_version(1, 9, 3, 4) != some);
    assert_true(warmed_version(1, 2, 9, 4) != some);
    assert_true(warmed_version(1, 2, 3, 9) != some);
    assert_true(warmed_version(2, 1, 3, 4) != some);
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

/* As long as it was, so that nothing but the time of the change tells. */
static void what_was_changed_in_place_is_refreshed(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, "same", "text");
    scratch_put(&root, "rewritten", "text");
    CLEANUP_SCAN PinScan *first = a_scan(&root, MIB, "/*", NULL);
    add_held(&root, first, "same", 4, 4);
    add_held(&root, first, "rewritten", 4, 4);
    cleanup(held_clear) HeldSet held = held_share(&first->held);
    run_scan(first);
    PinHeld *same = held_at(&root, first, "same"), *rewritten = held_at(&root, first, "rewritten");
    held_note_scan(&held, &first->held, first->marks);
    /* Held by whoever was there before: of that nothing is known. */
    assert_false(same->refresh || rewritten->refresh);
    assert_true(same->ctime > 0);

    struct timespec times[2];
    struct stat st;
    must(stat(scratch_path(&root, "rewritten"), &st));
    times[0] = st.st_atim;
    times[1] = st.st_mtim;
    usleep(20 * USEC_PER_MSEC); /* the grain of a file's times */
    scratch_put(&root, "rewritten", "TEXT");
    must(utimensat(root.fd, "rewritten", times, 0)); /* as cp -p and rsync do */

    CLEANUP_SCAN PinScan *second = a_scan(&root, MIB, "/*", NULL);
    second->held = held_share(&held);
    run_scan(second);
    assert_int_equal(second->n_steps, 0);
    held_note_scan(&held, &second->held, second->marks);
    assert_false(same->refresh);
    assert_true(rewritten->refresh);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_that_is_held),
        cmocka_unit_test(what_is_wanted_and_not_held_is_told),
        cmocka_unit_test(read_again_at_the_charge_of_the_service),
        cmocka_unit_test(not_without_end_is_remembered),
        cmocka_unit_test(a_version_is_of_all_of_it),
        cmocka_unit_test(what_is_held_need_not_be_opened),
        cmocka_unit_test(what_was_changed_in_place_is_refreshed),
        cmocka_unit_test(what_is_released_is_let_go),
        cmocka_unit_test(a_smaller_budget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
