/* SPDX-License-Identifier: MIT */
/* Scans of what a unit's processes have mapped, from one generation of them to the next. */
#include "daemon/pin_procs.h"

#include <errno.h>

#include "daemon/pin_open.h"
#include "daemon/pin_scan.h"
#include "unit/kernel/processes.h"
#include "unit/select/pin-rule.h"
#include "util/units.h"

#define PAGE UINT64_C(4096)
#define UNIT "/system.slice/shop.service"

typedef struct World {
    Scratch root, proc, cgroups;
    PinRule *rules;
    size_t n_rules;
    PinGeneration generation;
    uint64_t now; /* usec */
    bool no_cgroups, only_held;
    uint64_t budget;
    PinHeld held[8]; /* sorted by inode, all of one device */
    size_t n_held;
    PinScan *scan; /* the last */
} World;

static World world_new(void)
{
    World w = {
        .root = scratch_new("/tmp"),
        .proc = scratch_new("/tmp"),
        .cgroups = scratch_new("/tmp"),
        .now = USEC_PER_SEC,
        .budget = MIB,
    };

    add_pin_rule(&w.rules, &w.n_rules, NULL)->mapped = PIN_MAPPED_EXECUTABLES |
                                                       PIN_MAPPED_LIBRARIES;
    scratch_put_sized(&w.root, "program", PAGE);
    scratch_put_sized(&w.root, "old.so", 2 * PAGE);
    scratch_put_sized(&w.root, "new.so", 3 * PAGE);
    scratch_folders(&w.cgroups, "system.slice/");
    return w;
}

static void world_done(World *w)
{
    pin_scan_free(w->scan);
    pin_generation_clear(&w->generation);
    pin_rules_free(w->rules, w->n_rules);
    scratch_done(&w->root);
    scratch_done(&w->proc);
    scratch_done(&w->cgroups);
}

#define CLEANUP_WORLD cleanup(world_done)

static void run_process(World *w, unsigned pid, const char *library)
{
    put_process(&w->proc, pid, scratch_path(&w->root, "program"));
    put_mapping(&w->proc, pid, 10, "r-xp", "fe:01", 1, scratch_path(&w->root, "program"));
    if (library)
        put_mapping(&w->proc, pid, 20, "r-xp", "fe:01", 2, scratch_path(&w->root, library));
}

static void unit_has(World *w, const char *pids)
{
    scratch_put(&w->cgroups, "system.slice/shop.service/cgroup.procs", pids);
}

static const char *name_of(World *w, uint64_t ino)
{
    static const char *const names[] = { "program", "old.so", "new.so" };
    struct stat st;

    for (size_t i = 0; i < ELEMENTS(names); i++) {
        must(stat(scratch_path(&w->root, names[i]), &st));
        if (st.st_ino == ino)
            return names[i];
    }
    return "?";
}

static bool has_path(World *w, const char *path, const char *name)
{
    return strcmp(path, scratch_path(&w->root, name)) == 0;
}

/* What is kept and what is to be pinned, "+" before these, each with a blank behind it, in the
 * order of program, old.so, new.so; and lets the holder have just that. */
static void scan_finds(World *w, const char *expected)
{
    static const char *const names[] = { "program", "old.so", "new.so" };
    char text[256] = "";
    PinHeld next[8];
    size_t n_next = 0;

    pin_scan_free(w->scan);
    PinScan *scan = w->scan = pin_scan_new(NULL, NULL);
    assert_non_null(scan);
    assert_int_equal(pin_rules_copy(w->rules, w->n_rules, &scan->rules), 0);
    scan->n_rules = w->n_rules;
    scan->held.page = PAGE;
    for (size_t i = 0; i < w->n_held; i++) {
        const PinHeld *held = &w->held[i];
        HoldItem item = {
            .dev = held->dev, .ino = held->ino, .length = held->length, .locked = held->locked
        };
        assert_int_equal(held_note(&scan->held, &item, true), 0);
    }
    (void)held_sorted(&scan->held, &n_next);
    n_next = 0;
    scan->root_fd = w->root.fd;
    scan->budget = w->budget;
    scan->only_held = w->only_held;
    scan->page = PAGE;
    scan->processes.proc_fd = w->proc.fd;
    scan->processes.cgroup_fd = w->no_cgroups ? -1 : w->cgroups.fd;
    assert_int_equal(
        pin_generation_ask(&w->generation, w->rules, w->n_rules, UNIT, w->now, &scan->processes),
        0);
    scan->job.run(&scan->job);
    assert_int_equal(scan->error, 0);
    pin_generation_note(&w->generation, &scan->processes, w->now);
    w->now += 10 * USEC_PER_SEC;

    for (size_t k = 0; k < ELEMENTS(names); k++) {
        for (size_t i = 0; i < scan->held.n; i++)
            if (scan->marks[i].keep &&
                strcmp(name_of(w, scan->held.entries[i].ino), names[k]) == 0) {
                next[n_next++] = scan->held.entries[i];
                strcat(strcat(text, names[k]), " ");
            }
        for (size_t i = 0; i < scan->n_steps; i++) {
            const PinStep *step = &scan->steps[i];
            const SelectedFile *file = pin_step_file(scan, step);
            char path[SELECTED_PATH_MAX];
            if (!has_path(w, selected_path(file, path), names[k]))
                continue;
            next[n_next++] = (PinHeld){
                .dev = file->dev,
                .ino = file->ino,
                .length = pin_step_part(scan, step).length,
                .locked = step->target,
            };
            strcat(strcat(strcat(text, "+"), names[k]), " ");
        }
    }
    assert_string_equal(text, expected);
    memcpy(w->held, next, sizeof next);
    w->n_held = n_next;
    qsort(w->held, n_next, sizeof(PinHeld), pin_held_compare);
}

/* Opened through the mapping, not by a path. */
static void found_and_opened(void **state)
{
    CLEANUP_WORLD World w = world_new();
    size_t next;
    struct stat st;

    run_process(&w, 7, "old.so");
    unit_has(&w, "7\n");
    scan_finds(&w, "+program +old.so ");
    PinOpening *opening = pin_opening_new(w.scan, 0, &next, NULL, NULL);
    assert_non_null(opening);
    assert_int_equal(opening->list.n_files, 2);
    opening->job.run(&opening->job);
    for (size_t i = 0; i < opening->list.n_files; i++) {
        must(fstat(opening->fds[i], &st));
        assert_int_equal(st.st_ino, w.scan->files.files[i].ino);
    }
    pin_opening_free(opening);
    scan_finds(&w, "program old.so ");
}

/* A worker that lives on has loaded another library, or re-executed itself. */
static void what_is_no_longer_mapped_goes(void **state)
{
    CLEANUP_WORLD World w = world_new();

    run_process(&w, 7, "old.so");
    unit_has(&w, "7\n");
    scan_finds(&w, "+program +old.so ");
    run_process(&w, 8, "new.so");
    scratch_put(&w.proc, "7/maps", "");
    unit_has(&w, "7\n8\n");
    scan_finds(&w, "program +new.so ");
}

static void a_restart_unlocks_nothing(void **state)
{
    CLEANUP_WORLD World w = world_new();

    run_process(&w, 7, "old.so");
    unit_has(&w, "7\n");
    scan_finds(&w, "+program +old.so ");
    must(unlinkat(w.cgroups.fd, "system.slice/shop.service/cgroup.procs", 0));
    must(unlinkat(w.cgroups.fd, "system.slice/shop.service", AT_REMOVEDIR));
    scan_finds(&w, "program old.so ");
    unit_has(&w, "");
    scan_finds(&w, "program old.so ");
    /* Only begun: its libraries are not loaded yet. */
    run_process(&w, 9, NULL);
    unit_has(&w, "9\n");
    scan_finds(&w, "program old.so ");
    put_mapping(&w.proc, 9, 20, "r-xp", "fe:01", 2, scratch_path(&w.root, "new.so"));
    scan_finds(&w, "program +new.so ");
}

/* Whose last process ended for good, or that has always others. */
static void not_for_ever(void **state)
{
    CLEANUP_WORLD World w = world_new();
    unsigned scans = 0;

    run_process(&w, 7, "old.so");
    unit_has(&w, "7\n");
    scan_finds(&w, "+program +old.so ");
    scan_finds(&w, "program old.so ");
    unit_has(&w, "");
    for (; w.generation.steady_usec + 60 * USEC_PER_SEC > w.now; scans++)
        scan_finds(&w, "program old.so ");
    assert_int_equal(scans, 5);
    scan_finds(&w, "");
}

/* A controller that takes a holder over knows no processes of before. */
static void the_first_look_takes_nothing(void **state)
{
    CLEANUP_WORLD World w = world_new();
    struct stat st;

    must(stat(scratch_path(&w.root, "old.so"), &st));
    w.held[w.n_held++] = (PinHeld){
        .dev = st.st_dev, .ino = st.st_ino, .length = 2 * PAGE, .locked = 2 * PAGE
    };
    run_process(&w, 7, NULL);
    unit_has(&w, "7\n");
    scan_finds(&w, "+program old.so ");
    scan_finds(&w, "program ");
}

/* What is kept beyond a generation is behind everything else. */
static void the_budget_holds(void **state)
{
    CLEANUP_WORLD World w = world_new();

    run_process(&w, 7, "old.so");
    unit_has(&w, "7\n");
    w.budget = 5 * PAGE;
    scan_finds(&w, "+program +old.so ");
    run_process(&w, 9, "new.so");
    unit_has(&w, "9\n");
    scan_finds(&w, "program +new.so ");

    w.budget = 6 * PAGE;
    run_process(&w, 11, "old.so");
    unit_has(&w, "11\n");
    scan_finds(&w, "program +old.so new.so ");
}

/* While the host's memory is short. */
static void only_what_is_held(void **state)
{
    CLEANUP_WORLD World w = world_new();

    run_process(&w, 7, "old.so");
    unit_has(&w, "7\n");
    scan_finds(&w, "+program +old.so ");
    run_process(&w, 8, "new.so");
    unit_has(&w, "7\n8\n");
    w.only_held = true;
    scan_finds(&w, "program old.so ");
    assert_int_equal(w.scan->wanted, 6 * PAGE);
    scratch_put(&w.proc, "7/maps", "");
    scan_finds(&w, "program ");
    w.only_held = false;
    scan_finds(&w, "program +new.so ");
}

static void without_cgroups(void **state)
{
    CLEANUP_WORLD World w = world_new();

    run_process(&w, 7, "old.so");
    w.no_cgroups = true;
    scan_finds(&w, "");
    assert_int_equal(w.scan->problems.n_total, 1);
    assert_string_equal(w.scan->problems.entries[0].path, "mapped");
    assert_string_equal(w.scan->problems.entries[0].reason,
                        "the unit's processes are not known without cgroup v2");
}

/* Policies without `mapped` have nobody asked. */
static void not_wanted(void **state)
{
    CLEANUP_WORLD World w = world_new();

    w.no_cgroups = true;
    w.n_rules = 0;
    add_pin_rule(&w.rules, &w.n_rules, "/old.so");
    scan_finds(&w, "");
    assert_int_equal(w.scan->n_steps, 1);
    assert_int_equal(w.scan->problems.n_total, 0);
    assert_null(w.scan->processes.cgroup_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_and_opened),
        cmocka_unit_test(what_is_no_longer_mapped_goes),
        cmocka_unit_test(a_restart_unlocks_nothing),
        cmocka_unit_test(not_for_ever),
        cmocka_unit_test(the_first_look_takes_nothing),
        cmocka_unit_test(the_budget_holds),
        cmocka_unit_test(only_what_is_held),
        cmocka_unit_test(without_cgroups),
        cmocka_unit_test(not_wanted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
