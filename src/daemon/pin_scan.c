/* SPDX-License-Identifier: MIT */
/* Three passes: find the files (select/pin_files.h); spread the budget (pure, control/pin_plan.h);
 * list what is missing. That is opened by path again when its turn comes (pin_open.h). */

#include "daemon/pin_scan.h"

#include <string.h>

#include "kernel/entry.h"
#include "select/pin_files.h"
#include "util/parse.h"
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

/* No server tells of changes that others make. */
static void on_folder(const WalkFolder *folder, void *userdata)
{
    PinScan *scan = userdata;
    WatchWish wish = { folder->names, folder->n_names, .content = folder->files };

    if (folder->local)
        watch_list_add(&scan->folders, folder->path_fd, &wish);
    else
        watch_list_add_unwatched(&scan->folders);
}

static size_t find_held(const PinScan *scan, const PinWish *wish)
{
    PinHeld key = { .dev = wish->dev, .ino = wish->ino };
    const PinHeld *held = scan->n_held > 0 ? bsearch(&key, scan->held, scan->n_held,
                                                     sizeof(PinHeld), pin_held_compare)
                                           : NULL;

    return held ? (size_t)(held - scan->held) : scan->n_held;
}

/* What is held of the file and stays so, or NULL. */
static PinHeld *kept(const PinScan *scan, const PinWish *wish)
{
    size_t i = find_held(scan, wish);

    return i < scan->n_held && scan->held[i].keep ? &scan->held[i] : NULL;
}

/* Truncating a file takes even locked pages away, and writing it anew brings others. That leaves no
 * trace but the time of the change, which every other change has, too. */
static void note_ctime(PinHeld *held, uint64_t ctime)
{
    held->refresh = held->ctime != 0 && held->ctime != ctime;
    held->ctime = ctime;
}

/* Of the first @n of @list. */
static int add_steps(PinScan *scan, SelectedFiles *list, const PinWish *wishes, size_t n)
{
    scan->steps = calloc(n + 1, sizeof(PinStep));
    if (!scan->steps)
        return -ENOMEM;

    for (size_t i = 0; i < n; i++) {
        const PinWish *wish = &wishes[i];
        PinHeld *held = kept(scan, wish);
        if (held)
            note_ctime(held, list->files[i].ctime);
        PinStep step = {
            .place = list->files[i].place,
            .dev = wish->dev,
            .ino = wish->ino,
            .ctime = list->files[i].ctime,
            .offset = wish->offset,
            .size = wish->size,
            .target = min_u64(wish->target, wish->size),
            .locked = held ? held->locked : 0,
            .held = wish->held,
        };
        if (step.target == 0 || (step.held && step.locked >= step.target))
            continue;
        step.path = list->files[i].path;
        scan->steps[scan->n_steps++] = step;
    }
    if (scan->n_steps > 0)
        scan->paths = TAKE(list->paths, (Pool){ 0 });
    return 0;
}

/* A range that ends before the file does makes it a smaller file, for all that comes behind. What
 * of the unit's processes were to be asked, and are between two generations, stays wished for as it
 * is held, behind everything else. Room for as many is in @wishes. Returns how many there are. */
static size_t fill_wishes(PinScan *scan, const SelectedFiles *list, PinWish *wishes, bool *wished)
{
    const PinProcesses *processes = &scan->processes;
    size_t n = list->n_files;

    for (size_t i = 0; i < n; i++) {
        const SelectedFile *file = &list->files[i];
        wishes[i] = (PinWish){ .dev = file->dev, .ino = file->ino, .size = file->wanted };
        size_t held = find_held(scan, &wishes[i]);
        wished[held] = true;
        if (scan->only_held && held == scan->n_held)
            wishes[i].size = 0;
        scan->wanted = add_u64(scan->wanted,
                               page_floor(add_u64(file->wanted, scan->page - 1), scan->page));
    }
    if (!processes->wanted || !processes->lost || !processes->patient)
        return n;
    for (size_t i = 0; i < scan->n_held; i++) {
        const PinHeld *held = &scan->held[i];
        if (!wished[i])
            wishes[n++] = (PinWish){
                .dev = held->dev,
                .ino = held->ino,
                .offset = held->offset,
                .size = held->length,
            };
    }
    return n;
}

static int plan(PinScan *scan, SelectedFiles *list)
{
    CLEANUP_FREE PinWish *wishes = calloc(list->n_files + scan->n_held + 1, sizeof(PinWish));
    CLEANUP_FREE bool *wished = calloc(scan->n_held + 1, sizeof(bool));
    if (!wishes || !wished)
        return -ENOMEM;

    scan->n_wishes = list->n_files;
    size_t n = fill_wishes(scan, list, wishes, wished);
    pin_plan(wishes, n, scan->held, scan->n_held, scan->budget, scan->page);
    return add_steps(scan, list, wishes, scan->only_held ? 0 : list->n_files);
}

/* Without them the rest is found all the same. */
static int look_for_processes(PinScan *scan)
{
    int r = scan->processes.wanted ? pin_processes_read(&scan->processes) : 0;

    if (r >= 0 || entry_error_is_ours(-r))
        return r;
    pin_problems_add(&scan->problems, "mapped",
                     r == -EOPNOTSUPP ? "the unit's processes are not known without cgroup v2"
                                      : strerror(-r));
    scan->processes.lost = true; /* what is held may be theirs */
    return 0;
}

static int scan_files(PinScan *scan)
{
    cleanup(selected_files_clear) SelectedFiles list = { 0 };

    int r = look_for_processes(scan);
    if (r < 0)
        return r;
    SelectProcesses processes = {
        .proc_fd = scan->processes.proc_fd,
        .pids = scan->processes.now.pids,
        .n_pids = scan->processes.now.n_pids,
    };
    SelectScope scope = {
        .root_fd = scan->root_fd,
        .flags = scan->walk_flags,
        .processes = &processes,
        .cancelled = &scan->job.cancelled,
        .passed_over = on_passed_over,
        .folder = on_folder,
        .userdata = scan,
    };

    r = pin_files(&scope, scan->rules, scan->n_rules, &scan->order, &list);
    return r < 0 ? r : plan(scan, &list);
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
    scan->paths = (Pool){ 0 };
    scan->problems = (PinProblems){ 0 };
    scan->processes = (PinProcesses){ 0 };
    scan->folders = (WatchList){ 0 };
    return taken;
}

void pin_scan_free(PinScan *scan)
{
    if (!scan)
        return;
    free(scan->steps);
    pool_clear(&scan->paths);
    pin_rules_free(scan->rules, scan->n_rules);
    free(scan->held);
    pin_processes_clear(&scan->processes);
    pin_problems_clear(&scan->problems);
    watch_list_clear(&scan->folders);
    free(scan);
}
