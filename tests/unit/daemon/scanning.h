/* SPDX-License-Identifier: MIT */
#pragma once

/* A scan of a folder, run at once, and what it found. */

#include "daemon/pin_open.h"
#include "daemon/pin_scan.h"
#include "unit/kernel/scratch.h"
#include "unit/select/pin-rule.h"
#include "util/units.h"

#define PAGE UINT64_C(4096)

static inline void scan_done(PinScan **scan)
{
    pin_scan_free(*scan);
}

#define CLEANUP_SCAN cleanup(scan_done)

static inline PinRule *add_rule(PinScan *scan, const char *path)
{
    return add_pin_rule(&scan->rules, &scan->n_rules, path);
}

/* A scan of up to two globs, not yet run. */
static inline PinScan *a_scan(const Scratch *root, uint64_t budget, const char *a, const char *b)
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

static inline void run_scan(PinScan *scan)
{
    scan->job.run(&scan->job);
}

static inline void run_scan_again(PinScan *scan)
{
    free(TAKE_PTR(scan->steps));
    free(TAKE_PTR(scan->marks));
    scan->n_steps = 0;
    free(TAKE_PTR(scan->unheld));
    scan->n_unheld = scan->unheld_room = 0;
    selected_files_clear(&scan->files);
    run_scan(scan);
}

/* "PATH target/size" a line, with " held" where it need not be opened. */
static inline void expect_steps(const Scratch *root, const PinScan *scan, const char *expected)
{
    char text[8192] = "";

    assert_int_equal(scan->error, 0);
    for (size_t i = 0; i < scan->n_steps; i++) {
        const PinStep *step = &scan->steps[i];
        const SelectedFile *file = pin_step_file(scan, step);
        char path[SELECTED_PATH_MAX];
        size_t n = strlen(text);
        struct stat st;

        snprintf(text + n, sizeof(text) - n, "%s %ju/%ju%s\n", selected_path(file, path),
                 (uintmax_t)step->target, (uintmax_t)pin_step_part(scan, step).length,
                 step->held ? " held" : "");
        must(lstat(scratch_path(root, path + 1), &st));
        assert_true(file->dev == st.st_dev && file->ino == st.st_ino);
    }
    assert_string_equal(text, expected);
}

/* Opens the next batch; where the one after that begins. */
static inline PinOpening *open_steps(const PinScan *scan, size_t from, size_t *ret_next)
{
    PinOpening *opening = pin_opening_new(scan, from, ret_next, NULL, NULL);

    assert_non_null(opening);
    opening->job.run(&opening->job);
    return opening;
}

static inline void expect_opened(const PinOpening *opening, size_t i, const SelectedFile *file)
{
    struct stat st;

    must(fstat(opening->fds[i], &st));
    assert_true(file->dev == st.st_dev && file->ino == st.st_ino);
    assert_int_equal(st.st_size, file->size);
    assert_int_equal(fcntl(opening->fds[i], F_GETFL) & (O_ACCMODE | O_PATH), O_RDONLY);
    assert_true(fcntl(opening->fds[i], F_GETFD) & FD_CLOEXEC);
}

/* "PATH reason" a line. */
static inline void expect_problems(const PinScan *scan, const char *expected)
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
static inline void add_held(const Scratch *root, PinScan *scan, const char *path, uint64_t length,
                            uint64_t locked)
{
    struct stat st;

    must(stat(scratch_path(root, path), &st));
    HoldItem item = { .dev = st.st_dev, .ino = st.st_ino, .length = length, .locked = locked };
    size_t n;
    scan->held.page = PAGE;
    assert_int_equal(held_note(&scan->held, &item, true), 0);
    (void)held_sorted(&scan->held, &n);
}

/* What add_held() told; they are in the order of their inodes. */
static inline PinHeld *held_at(const Scratch *root, PinScan *scan, const char *path)
{
    struct stat st;

    must(stat(scratch_path(root, path), &st));
    for (size_t i = 0; i < scan->held.n; i++)
        if (scan->held.entries[i].dev == st.st_dev && scan->held.entries[i].ino == st.st_ino)
            return &scan->held.entries[i];
    fail_msg("%s is not held", path);
    return NULL;
}

static inline bool is_kept(const Scratch *root, PinScan *scan, const char *path)
{
    return scan->marks[held_at(root, scan, path) - scan->held.entries].keep;
}
