/* SPDX-License-Identifier: MIT */
/* Three passes: find the files (select/pin_files.h); spread the budget (pure, control/pin_plan.h);
 * list what is missing. That is opened by path again when its turn comes (pin_open.h). */

#include "daemon/pin_scan.h"

#include <string.h>

#include "select/pin_files.h"
#include "util/units.h"

void pin_problems_add(PinProblems *problems, const char *path, const char *reason)
{
    problems->n_total++;
    if (problems->n_entries == PIN_PROBLEMS_MAX)
        return;

    PinProblem *grown = reallocarray(problems->entries, problems->n_entries + 1,
                                     sizeof(PinProblem));
    if (!grown)
        return;
    problems->entries = grown;
    PinProblem problem = { .path = strdup(path), .reason = strdup(reason) };
    if (!problem.path || !problem.reason) {
        free(problem.path);
        free(problem.reason);
        return;
    }
    grown[problems->n_entries++] = problem;
}

void pin_problems_clear(PinProblems *problems)
{
    for (size_t i = 0; i < problems->n_entries; i++) {
        free(problems->entries[i].path);
        free(problems->entries[i].reason);
    }
    free(problems->entries);
    *problems = (PinProblems){ 0 };
}

static void on_passed_over(const char *path, const char *why, void *userdata)
{
    PinScan *scan = userdata;

    pin_problems_add(&scan->problems, path, why);
}

static uint64_t locked_of(const PinScan *scan, const PinWish *wish)
{
    PinHeld key = { .dev = wish->dev, .ino = wish->ino };
    PinHeld *held = scan->n_held > 0
                        ? bsearch(&key, scan->held, scan->n_held, sizeof(PinHeld), pin_held_compare)
                        : NULL;

    return held && held->keep ? held->locked : 0;
}

/* Takes the paths of @files that it needs. */
static int add_steps(PinScan *scan, SelectedFile *files, const PinWish *wishes, size_t n)
{
    scan->steps = calloc(n + 1, sizeof(PinStep));
    if (!scan->steps)
        return -ENOMEM;

    for (size_t i = 0; i < n; i++) {
        const PinWish *wish = &wishes[i];
        PinStep step = {
            .place = files[i].place,
            .dev = wish->dev,
            .ino = wish->ino,
            .offset = wish->offset,
            .size = wish->size,
            .target = min_u64(wish->target, wish->size),
            .locked = locked_of(scan, wish),
            .held = wish->held,
        };
        if (step.target == 0 || (step.held && step.locked >= step.target))
            continue;
        step.path = TAKE_PTR(files[i].path);
        scan->steps[scan->n_steps++] = step;
    }
    return 0;
}

/* A range that ends before the file does makes it a smaller file, for all that comes behind. */
static PinWish *wish_for(const SelectedFiles *list)
{
    PinWish *wishes = calloc(list->n_files + 1, sizeof(PinWish));
    if (!wishes)
        return NULL;

    for (size_t i = 0; i < list->n_files; i++)
        wishes[i] = (PinWish){
            .dev = list->files[i].dev,
            .ino = list->files[i].ino,
            .size = list->files[i].wanted,
        };
    return wishes;
}

static int scan_files(PinScan *scan)
{
    cleanup(selected_files_clear) SelectedFiles list = { 0 };
    SelectScope scope = {
        .root_fd = scan->root_fd,
        .flags = scan->walk_flags,
        .cancelled = &scan->job.cancelled,
        .passed_over = on_passed_over,
        .userdata = scan,
    };

    int r = pin_files(&scope, scan->rules, scan->n_rules, &scan->order, &list);
    if (r < 0)
        return r;
    CLEANUP_FREE PinWish *wishes = wish_for(&list);
    if (!wishes)
        return -ENOMEM;
    scan->n_wishes = list.n_files;
    pin_plan(wishes, list.n_files, scan->held, scan->n_held, scan->budget, scan->page);
    return add_steps(scan, list.files, wishes, list.n_files);
}

static void run(Job *job)
{
    PinScan *scan = (PinScan *)job;

    scan->error = scan_files(scan);
}

static void destroy(Job *job)
{
    pin_scan_free((PinScan *)job);
}

PinScan *pin_scan_new(void (*done)(Job *job, void *owner), void *owner)
{
    PinScan *scan = calloc(1, sizeof(PinScan));
    if (!scan)
        return NULL;

    scan->job = (Job){ .run = run, .done = done, .destroy = destroy, .owner = owner };
    return scan;
}

PinScan *pin_scan_take(PinScan *scan)
{
    PinScan *taken = calloc(1, sizeof(PinScan));
    if (!taken)
        return NULL;

    *taken = *scan;
    scan->rules = NULL;
    scan->n_rules = 0;
    scan->held = NULL;
    scan->steps = NULL;
    scan->n_steps = 0;
    scan->problems = (PinProblems){ 0 };
    return taken;
}

void pin_scan_free(PinScan *scan)
{
    if (!scan)
        return;
    for (size_t i = 0; i < scan->n_steps; i++)
        free(scan->steps[i].path);
    free(scan->steps);
    pin_rules_free(scan->rules, scan->n_rules);
    free(scan->held);
    pin_problems_clear(&scan->problems);
    free(scan);
}
