/* SPDX-License-Identifier: MIT */
/* Finds the files (select/pin_files.h), and goes through them in the order of their importance, a
 * batch at a time: measures those of which only what is in memory is to be locked; gives each its
 * part of the budget (pure, control/pin_plan.h); lists what is missing. That is opened by path
 * again when its turn comes (pin_open.h).
 *
 * There may be 100,000 of them. So what is held is shared with the pinner, nothing that can be told
 * from a file and its rule is kept of a step, and the files of which nothing is missing make room
 * for those behind them. */

#include "daemon/pin_scan.h"

#include <string.h>

#include "kernel/entry.h"
#include "kernel/extents.h"
#include "kernel/mounts.h"
#include "kernel/residency.h"
#include "select/pin_files.h"
#include "util/array.h"
#include "util/cleanup.h"
#include "util/parse.h"
#include "util/strv.h"
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

const char *pin_problem_text(int error)
{
    switch (error) {
    case -ESTALE:
        return "was exchanged just now";
    case -EFAULT:
        return "was truncated just now";
    default:
        return strerror(-error);
    }
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

typedef struct Planner {
    PinScan *scan;
    const SelectScope *scope;
    PinPlan plan;
    char **mounts;             /* of all the machine; NULL: then nobody guards them */
    const SelectedPlace *last; /* a mount was noted for */
} Planner;

static const PinHeld *held_of(const PinScan *scan, const SelectedFile *file)
{
    PinHeld key = { .dev = file->dev, .ino = file->ino };

    return scan->held.n > 0
               ? bsearch(&key, scan->held.entries, scan->held.n, sizeof(PinHeld), pin_held_compare)
               : NULL;
}

static HeldMark *mark_of(const PinScan *scan, const PinHeld *held)
{
    return held ? &scan->marks[held - scan->held.entries] : NULL;
}

static SelectedPart part_of(const PinScan *scan, const SelectedFile *file)
{
    return pin_part(&scan->rules[file->rule], file->size);
}

/* That of a file that gets something. Files come folder by folder, mostly. */
static int note_mount(Planner *planner, const SelectedFile *file)
{
    char path[SELECTED_PATH_MAX];

    if (!planner->mounts || file->place == planner->last || file->place->mapped.pid > 0)
        return 0;
    planner->last = file->place;
    return mounts_note(&planner->scan->mounts, planner->mounts, selected_path(file, path));
}

/* Wishes */

/* That it is held is all that is known of it. */
static void keep_as_held(const PinHeld *held, PinWish *wish)
{
    wish->way = held->way;
    wish->only_resident = held->way == HOLD_LOCK_ON_FAULT;
    wish->resident = held->locked;
}

static HoldLock lock_of(const PinScan *scan, const SelectedFile *file)
{
    switch (scan->rules[file->rule].lock) {
    case PIN_LOCK_NOW:
    case PIN_LOCK_POPULATE: /* no lock is taken without reading first: see hold/region.c */
        break;
    case PIN_LOCK_ON_FAULT:
        return HOLD_LOCK_ON_FAULT;
    case PIN_LOCK_NONE:
        return HOLD_LOCK_NONE;
    }
    return HOLD_LOCK_NOW;
}

/* Of a file with holes that is to be locked, what is data is locked, wherever that is: as of one
 * that is locked on fault what is in memory. */
static bool is_sparse(const PinScan *scan, const SelectedFile *file)
{
    return file->may_have_holes && lock_of(scan, file) == HOLD_LOCK_NOW;
}

static PinWish wish_for(const PinScan *scan, const SelectedFile *file)
{
    SelectedPart part = part_of(scan, file);
    HoldLock lock = is_sparse(scan, file) ? HOLD_LOCK_ON_FAULT : lock_of(scan, file);

    return (PinWish){
        .dev = file->dev,
        .ino = file->ino,
        .offset = part.offset,
        .size = part.length,
        .way = (int)lock,
        .only_resident = lock == HOLD_LOCK_ON_FAULT,
    };
}

/* It stays as it is. */
static PinWish wish_for_held(const PinHeld *held)
{
    return (PinWish){
        .dev = held->dev,
        .ino = held->ino,
        .offset = held->offset,
        .size = held->length,
        .way = held->way,
        .only_resident = held->way == HOLD_LOCK_ON_FAULT,
        .resident = held->locked,
    };
}

/* A range makes it a smaller file, for all that comes behind. */
static PinWish next_wish(PinScan *scan, const SelectedFile *file)
{
    PinWish wish = wish_for(scan, file);
    const PinHeld *held = held_of(scan, file);

    scan->wanted = add_u64(scan->wanted,
                           page_floor(add_u64(wish.size, scan->page - 1), scan->page));
    if (held)
        mark_of(scan, held)->wished = true;
    if (scan->only_held && !held)
        wish.size = 0;
    if (scan->only_held && held)
        keep_as_held(held, &wish);
    return wish;
}

/* One that is data throughout (compressed, it seems to have holes) is an ordinary file. */
static int measure_data(const PinScan *scan, int fd, PinWish *wish)
{
    int r = extents_sum(fd, wish->offset, wish->offset + wish->size, &wish->resident);

    if (r >= 0 && wish->resident >= page_floor(wish->size, scan->page)) {
        wish->way = HOLD_LOCK_NOW;
        wish->only_resident = false;
    }
    return r;
}

static int measure_resident(int fd, PinWish *wish)
{
    Residency residency;

    int r = residency_of_range(fd, wish->offset, wish->size, &residency);
    if (r >= 0)
        wish->resident = residency.resident;
    return r;
}

/* What cannot be measured stays as it is. */
static void measure(PinScan *scan, const SelectedFile *file, int fd, PinWish *wish)
{
    const PinHeld *held = held_of(scan, file);
    char path[SELECTED_PATH_MAX];

    int r = fd < 0                  ? fd
            : is_sparse(scan, file) ? measure_data(scan, fd, wish)
                                    : measure_resident(fd, wish);
    if (r >= 0)
        return;
    if (held && is_sparse(scan, file))
        keep_as_held(held, wish);
    wish->resident = held ? held->locked : 0;
    pin_problems_add(&scan->problems, selected_path(file, path),
                     r == -EPERM ? "does not tell what of it is in memory" : pin_problem_text(r));
}

/* How much is in memory, or data, of the files of which only that is to be locked. */
static void measure_batch(const Planner *planner, const SelectedFile *batch, PinWish *wishes,
                          size_t n_batch)
{
    SelectedFile files[HOLD_BATCH_MAX];
    size_t from[HOLD_BATCH_MAX], n = 0;
    int fds[HOLD_BATCH_MAX];

    for (size_t i = 0; i < n_batch && !planner->scan->only_held; i++)
        if (wishes[i].only_resident) {
            from[n] = i;
            files[n++] = batch[i];
        }
    if (n > 0)
        selected_files_open(planner->scope, files, n, fds);
    for (size_t i = 0; i < n; i++) {
        measure(planner->scan, &files[i], fds[i], &wishes[from[i]]);
        safe_close(fds[i]);
    }
}

/* Chooses the next files that are released to be read again at the charge of somebody else: up to a
 * slice, or one file. */
static void choose_recharged(PinScan *scan)
{
    PinHeld last = scan->recharge_after;
    uint64_t sum = 0;

    for (size_t i = 0; i < scan->held.n && sum < HOLD_SLICE_MAX; i++) {
        const PinHeld *held = &scan->held.entries[i];
        if (!scan->marks[i].keep || held->locked == 0 || held->locked > scan->recharge - sum ||
            pin_held_compare(held, &scan->recharge_after) <= 0)
            continue;
        scan->marks[i].keep = false;
        last = *held;
        sum += held->locked;
        scan->n_recharged++;
    }
    scan->recharge_first = scan->recharge_after;
    scan->recharge_after = last;
}

static bool is_recharged(const PinScan *scan, const PinHeld *held)
{
    return scan->n_recharged > 0 && !mark_of(scan, held)->keep &&
           pin_held_compare(held, &scan->recharge_first) > 0 &&
           pin_held_compare(held, &scan->recharge_after) <= 0;
}

/* Steps */

const SelectedFile *pin_step_file(const PinScan *scan, const PinStep *step)
{
    return &scan->files.files[step - scan->steps];
}

SelectedPart pin_step_part(const PinScan *scan, const PinStep *step)
{
    return part_of(scan, pin_step_file(scan, step));
}

Warmed pin_step_warmed(const PinScan *scan, const PinStep *step, uint64_t resident)
{
    const SelectedFile *file = pin_step_file(scan, step);

    return (Warmed){
        .dev = file->dev,
        .ino = file->ino,
        .version = warmed_version(file->size, file->mtime, part_of(scan, file).offset,
                                  step->target),
        .resident = resident,
    };
}

/* Whether nothing is to be done. What was warmed is remembered further. */
static bool is_done(PinScan *scan, const PinStep *step)
{
    if (step->target == 0)
        return true;
    if (step->lock != HOLD_LOCK_NONE)
        return step->held && step->locked >= step->target;
    Warmed version = pin_step_warmed(scan, step, 0);
    return warmed_keep(&scan->warmed, &version);
}

/* What is only read is not pinned. */
static int note_unheld(PinScan *scan, const SelectedFile *file)
{
    if (lock_of(scan, file) == HOLD_LOCK_NONE)
        return 0;
    if (ARRAY_RESERVE(scan->unheld, scan->n_unheld, scan->unheld_room) < 0)
        return -ENOMEM;
    scan->unheld[scan->n_unheld++] = (PinId){ file->dev, file->ino };
    return 0;
}

/* Lists what is to be done about the next file, in the place of the first that needs no more. */
static void add_step(Planner *planner, const SelectedFile *next, const PinWish *wish,
                     const PinHeld *kept)
{
    PinScan *scan = planner->scan;
    SelectedFile *file = &scan->files.files[scan->n_steps];
    PinStep *step = &scan->steps[scan->n_steps];

    *file = *next;
    *step = (PinStep){
        .target = min_u64(wish->target, wish->size),
        .locked = kept ? kept->locked : 0,
        .fd = -1,
        .lock = (HoldLock)wish->way,
        .data = is_sparse(scan, file),
        .held = wish->held,
        .opens = !wish->held || wish->only_resident || scan->fill,
    };
    /* What is kept may yet have to be read again. */
    if (!is_done(scan, step) || (scan->recharge > 0 && kept))
        scan->n_steps++;
}

/* Only now it is known which files these are. */
static int choose_what_is_read_again(Planner *planner)
{
    PinScan *scan = planner->scan;
    size_t n = TAKE(scan->n_steps, 0);
    int r = 0;

    choose_recharged(scan);
    for (size_t i = 0; i < n; i++) {
        SelectedFile *file = &scan->files.files[scan->n_steps];
        PinStep *step = &scan->steps[scan->n_steps];
        *file = scan->files.files[i];
        *step = scan->steps[i];
        const PinHeld *held = held_of(scan, file);
        if (held && is_recharged(scan, held)) {
            step->locked = 0;
            step->held = false;
            step->opens = step->recharge = true;
            r = r < 0 ? r : note_unheld(scan, file);
        } else if (step->lock != HOLD_LOCK_NONE && is_done(scan, step)) {
            continue;
        }
        scan->n_steps++;
    }
    return r;
}

static int plan_file(Planner *planner, const SelectedFile *file, PinWish *wish)
{
    PinScan *scan = planner->scan;
    int r = 0;

    const PinHeld *kept = pin_plan_next(&planner->plan, wish);
    if (kept) {
        mark_of(scan, kept)->keep = true;
        mark_of(scan, kept)->ctime = scan->only_held ? 0 : file->ctime;
    }
    if (!kept)
        r = note_unheld(scan, file);
    if (r >= 0 && wish->target > 0)
        r = note_mount(planner, file);
    if (!scan->only_held)
        add_step(planner, file, wish, kept);
    return r;
}

static int plan_batch(Planner *planner, const SelectedFile *files, size_t n)
{
    PinWish wishes[HOLD_BATCH_MAX];
    int r = 0;

    for (size_t i = 0; i < n; i++)
        wishes[i] = next_wish(planner->scan, &files[i]);
    measure_batch(planner, files, wishes, n);
    for (size_t i = 0; i < n && r >= 0; i++)
        r = plan_file(planner, &files[i], &wishes[i]);
    return r < 0 ? r : select_is_cancelled(planner->scope) ? -ECANCELED : 0;
}

/* What of the unit's processes were to be asked, and are between two generations, stays wished for
 * as it is held, behind everything else. */
static void keep_what_may_be_mapped(Planner *planner)
{
    PinScan *scan = planner->scan;
    const PinProcesses *processes = &scan->processes;

    if (!processes->wanted || !processes->lost || !processes->patient || scan->avoid)
        return;
    for (size_t i = 0; i < scan->held.n; i++) {
        PinWish wish = wish_for_held(&scan->held.entries[i]);
        if (!scan->marks[i].wished && pin_plan_next(&planner->plan, &wish))
            scan->marks[i].keep = true;
    }
}

/* What is not needed of the arrays goes back to the system. */
static void trim(PinScan *scan)
{
    size_t n = scan->n_steps;

    if (n == 0)
        selected_files_clear(&scan->files);
    else
        selected_files_trim(&scan->files, n);
    PinStep *steps = reallocarray(scan->steps, n + 1, sizeof(PinStep));
    if (steps)
        scan->steps = steps;
}

static int plan_files(Planner *planner)
{
    PinScan *scan = planner->scan;
    size_t n_files = scan->files.n_files;
    int r = 0;

    scan->n_wishes = n_files;
    scan->marks = calloc(scan->held.n + 1, sizeof(HeldMark));
    scan->steps = calloc(scan->only_held ? 1 : n_files + 1, sizeof(PinStep));
    if (!scan->marks || !scan->steps)
        return -ENOMEM;
    for (size_t i = 0; i < n_files && r >= 0; i += HOLD_BATCH_MAX)
        r = plan_batch(planner, &scan->files.files[i],
                       (size_t)min_u64(n_files - i, HOLD_BATCH_MAX));
    if (r < 0)
        return r;
    keep_what_may_be_mapped(planner);
    if (scan->recharge > 0 && !scan->only_held)
        r = choose_what_is_read_again(planner);
    if (scan->n_unheld > 0)
        qsort(scan->unheld, scan->n_unheld, sizeof(PinId), pin_id_compare);
    trim(scan);
    return r;
}

static int plan(PinScan *scan, const SelectScope *scope)
{
    Planner planner = {
        .scan = scan,
        .scope = scope,
        .plan = {
            .held = scan->held.entries,
            .n_held = scan->held.n,
            .page = scan->page,
            .left = scan->budget,
        },
    };

    (void)mounts_read(scan->processes.proc_fd, &planner.mounts);
    int r = plan_files(&planner);
    if (!scan->only_held)
        warmed_drop_others(&scan->warmed);
    strv_free(planner.mounts);
    return r;
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
        .avoid = (const char *const *)scan->avoid,
        .passed_over = on_passed_over,
        .folder = on_folder,
        .userdata = scan,
    };

    r = pin_files(&scope, scan->rules, scan->n_rules, &scan->order, &scan->files);
    return r < 0 ? r : plan(scan, &scope);
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
    scan->held = (HeldSet){ 0 };
    scan->marks = NULL;
    scan->files = (SelectedFiles){ 0 };
    scan->steps = NULL;
    scan->n_steps = 0;
    scan->unheld = NULL;
    scan->warmed = (WarmSet){ 0 };
    scan->problems = (PinProblems){ 0 };
    scan->processes = (PinProcesses){ 0 };
    scan->folders = (WatchList){ 0 };
    scan->avoid = scan->mounts = NULL;
    return taken;
}

void pin_scan_free(PinScan *scan)
{
    if (!scan)
        return;
    for (size_t i = 0; i < scan->n_steps; i++)
        safe_close(scan->steps[i].fd);
    free(scan->steps);
    free(scan->unheld);
    selected_files_clear(&scan->files);
    pin_rules_free(scan->rules, scan->n_rules);
    held_clear(&scan->held);
    free(scan->marks);
    warmed_clear(&scan->warmed);
    pin_processes_clear(&scan->processes);
    pin_problems_clear(&scan->problems);
    watch_list_clear(&scan->folders);
    strv_free(scan->avoid);
    strv_free(scan->mounts);
    free(scan);
}
