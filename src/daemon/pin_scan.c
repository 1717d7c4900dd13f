/* SPDX-License-Identifier: MIT */
/* Four passes: find the files (select/pin_files.h); measure those of which only what is in memory
 * is to be locked; spread the budget (pure, control/pin_plan.h); list what is missing. That is
 * opened by path again when its turn comes (pin_open.h). */

#include "daemon/pin_scan.h"

#include <string.h>

#include "kernel/entry.h"
#include "kernel/extents.h"
#include "kernel/mounts.h"
#include "kernel/residency.h"
#include "select/pin_files.h"
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

static PinHeld *held_of(const PinScan *scan, const PinWish *wish)
{
    PinHeld key = { .dev = wish->dev, .ino = wish->ino };

    return scan->n_held > 0
               ? bsearch(&key, scan->held, scan->n_held, sizeof(PinHeld), pin_held_compare)
               : NULL;
}

/* Truncating a file takes even locked pages away, and writing it anew brings others. That leaves no
 * trace but the time of the change, which every other change has, too. */
static void note_ctime(PinHeld *held, uint64_t ctime)
{
    held->refresh = held->ctime != 0 && held->ctime != ctime;
    held->ctime = ctime;
}

static bool is_in_folder_of(const char *path, const char *other)
{
    size_t length = (size_t)(strrchr(path, '/') - path);

    return strncmp(path, other, length + 1) == 0 && !strchr(other + length + 1, '/');
}

/* Of all that gets something. Files come folder by folder, mostly. */
static int note_mounts(PinScan *scan, const SelectedFiles *list, const PinWish *wishes)
{
    cleanup(strv_freep) char **table = NULL;
    const char *last = NULL;
    int r = 0;

    if (mounts_read(scan->processes.proc_fd, &table) < 0)
        return 0; /* then nobody guards them */
    for (size_t i = 0; i < list->n_files && r >= 0; i++) {
        const SelectedFile *file = &list->files[i];
        if (wishes[i].target == 0 || file->place.pid > 0 ||
            (last && is_in_folder_of(file->path, last)))
            continue;
        last = file->path;
        r = mounts_note(&scan->mounts, table, file->path);
    }
    return r;
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
    HoldLock lock = is_sparse(scan, file) ? HOLD_LOCK_ON_FAULT : lock_of(scan, file);

    return (PinWish){
        .dev = file->dev,
        .ino = file->ino,
        .offset = file->offset,
        .size = file->wanted,
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

/* A range makes it a smaller file, for all that comes behind. What of the unit's processes were to
 * be asked, and are between two generations, stays wished for as it is held, behind everything
 * else. Room for as many is in @wishes. Returns how many there are. */
static size_t fill_wishes(PinScan *scan, const SelectedFiles *list, PinWish *wishes, bool *wished)
{
    const PinProcesses *processes = &scan->processes;
    size_t n = list->n_files;

    for (size_t i = 0; i < n; i++) {
        const SelectedFile *file = &list->files[i];
        wishes[i] = wish_for(scan, file);
        const PinHeld *held = held_of(scan, &wishes[i]);
        if (held)
            wished[held - scan->held] = true;
        if (scan->only_held && !held)
            wishes[i].size = 0;
        if (scan->only_held && held)
            keep_as_held(held, &wishes[i]);
        scan->wanted = add_u64(scan->wanted,
                               page_floor(add_u64(file->wanted, scan->page - 1), scan->page));
    }
    if (!processes->wanted || !processes->lost || !processes->patient || scan->avoid)
        return n;
    for (size_t i = 0; i < scan->n_held; i++)
        if (!wished[i])
            wishes[n++] = wish_for_held(&scan->held[i]);
    return n;
}

/* One that is data throughout (compressed, it seems to have holes) is an ordinary file. */
static int measure_data(const PinScan *scan, const SelectedFile *file, int fd, PinWish *wish)
{
    int r = extents_sum(fd, file->offset, file->offset + file->wanted, &wish->resident);

    if (r >= 0 && wish->resident >= page_floor(file->wanted, scan->page)) {
        wish->way = HOLD_LOCK_NOW;
        wish->only_resident = false;
    }
    return r;
}

static int measure_resident(const SelectedFile *file, int fd, PinWish *wish)
{
    Residency residency;

    int r = residency_of_range(fd, file->offset, file->wanted, &residency);
    if (r >= 0)
        wish->resident = residency.resident;
    return r;
}

/* What cannot be measured stays as it is. */
static void measure(PinScan *scan, const SelectedFile *file, int fd, PinWish *wish)
{
    const PinHeld *held = held_of(scan, wish);

    int r = fd < 0                  ? fd
            : is_sparse(scan, file) ? measure_data(scan, file, fd, wish)
                                    : measure_resident(file, fd, wish);
    if (r >= 0)
        return;
    if (held && is_sparse(scan, file))
        keep_as_held(held, wish);
    wish->resident = held ? held->locked : 0;
    pin_problems_add(&scan->problems, file->path,
                     r == -EPERM ? "does not tell what of it is in memory" : pin_problem_text(r));
}

/* How much is in memory, or data, of the files of which only that is to be locked. */
static int measure_all(PinScan *scan, const SelectScope *scope, const SelectedFiles *list,
                       PinWish *wishes)
{
    SelectedFile files[HOLD_BATCH_MAX];
    size_t from[HOLD_BATCH_MAX];
    int fds[HOLD_BATCH_MAX];

    for (size_t i = 0; i < list->n_files;) {
        size_t n = 0;
        for (; i < list->n_files && n < HOLD_BATCH_MAX; i++)
            if (wishes[i].only_resident) {
                from[n] = i;
                files[n++] = list->files[i];
            }
        if (n > 0)
            selected_files_open(scope, files, n, fds);
        for (size_t k = 0; k < n; k++) {
            measure(scan, &files[k], fds[k], &wishes[from[k]]);
            safe_close(fds[k]);
        }
        if (select_is_cancelled(scope))
            return -ECANCELED;
    }
    return 0;
}

/* Chooses the next files that are released to be read again at the charge of somebody else: up to a
 * slice, or one file. */
static void choose_recharged(PinScan *scan)
{
    PinHeld last = scan->recharge_after;
    uint64_t sum = 0;

    for (size_t i = 0; i < scan->n_held && sum < HOLD_SLICE_MAX; i++) {
        PinHeld *held = &scan->held[i];
        if (!held->keep || held->locked == 0 || held->locked > scan->recharge - sum ||
            pin_held_compare(held, &scan->recharge_after) <= 0)
            continue;
        held->keep = false;
        last = *held;
        sum += held->locked;
        scan->n_recharged++;
    }
    scan->recharge_first = scan->recharge_after;
    scan->recharge_after = last;
}

static bool is_recharged(const PinScan *scan, const PinHeld *held)
{
    return scan->n_recharged > 0 && !held->keep &&
           pin_held_compare(held, &scan->recharge_first) > 0 &&
           pin_held_compare(held, &scan->recharge_after) <= 0;
}

/* Steps */

static Warmed version_of(const PinStep *step)
{
    return (Warmed){
        .dev = step->dev,
        .ino = step->ino,
        .size = step->file_size,
        .mtime = step->mtime,
        .offset = step->offset,
        .length = step->target,
    };
}

Warmed pin_step_warmed(const PinStep *step, uint64_t resident)
{
    Warmed warmed = version_of(step);

    warmed.resident = resident;
    return warmed;
}

/* Whether nothing is to be done. What was warmed goes from @before to what is remembered. */
static bool is_done(PinScan *scan, WarmSet *before, const PinStep *step)
{
    Warmed version = version_of(step);

    if (step->target == 0)
        return true;
    if (step->lock != HOLD_LOCK_NONE)
        return step->held && step->locked >= step->target;
    const Warmed *warmed = warmed_find(before, &version);
    return warmed && warmed_add(&scan->warmed, warmed) >= 0;
}

static int add_steps(PinScan *scan, SelectedFiles *list, const PinWish *wishes)
{
    cleanup(warmed_clear) WarmSet before = TAKE(scan->warmed, (WarmSet){ 0 });

    const SelectedFile *files = list->files;
    size_t n = list->n_files;

    scan->steps = calloc(n + 1, sizeof(PinStep));
    if (!scan->steps)
        return -ENOMEM;

    for (size_t i = 0; i < n; i++) {
        const PinWish *wish = &wishes[i];
        PinHeld *held = held_of(scan, wish);
        if (held && held->keep)
            note_ctime(held, files[i].ctime);
        bool again = held && is_recharged(scan, held);
        PinStep step = {
            .place = files[i].place,
            .dev = wish->dev,
            .ino = wish->ino,
            .ctime = files[i].ctime,
            .offset = wish->offset,
            .size = wish->size,
            .target = min_u64(wish->target, wish->size),
            .locked = held && held->keep ? held->locked : 0,
            .file_size = files[i].size,
            .mtime = files[i].mtime,
            .lock = (HoldLock)wish->way,
            .data = is_sparse(scan, &files[i]),
            .held = wish->held && !again,
            .opens = !wish->held || again || wish->only_resident || scan->fill,
            .recharge = again,
            .fd = -1,
        };
        if (is_done(scan, &before, &step))
            continue;
        step.path = files[i].path;
        scan->steps[scan->n_steps++] = step;
    }
    if (scan->n_steps > 0)
        scan->paths = TAKE(list->paths, (Pool){ 0 });
    return 0;
}

static int plan(PinScan *scan, const SelectScope *scope, SelectedFiles *list)
{
    CLEANUP_FREE PinWish *wishes = calloc(list->n_files + scan->n_held + 1, sizeof(PinWish));
    CLEANUP_FREE bool *wished = calloc(scan->n_held + 1, sizeof(bool));
    if (!wishes || !wished)
        return -ENOMEM;

    scan->n_wishes = list->n_files;
    size_t n = fill_wishes(scan, list, wishes, wished);
    int r = scan->only_held ? 0 : measure_all(scan, scope, list, wishes);
    if (r < 0)
        return r;
    pin_plan(wishes, n, scan->held, scan->n_held, scan->budget, scan->page);
    r = note_mounts(scan, list, wishes);
    if (r < 0 || scan->only_held)
        return r;
    if (scan->recharge > 0)
        choose_recharged(scan);
    return add_steps(scan, list, wishes);
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
        .avoid = (const char *const *)scan->avoid,
        .passed_over = on_passed_over,
        .folder = on_folder,
        .userdata = scan,
    };

    r = pin_files(&scope, scan->rules, scan->n_rules, &scan->order, &list);
    return r < 0 ? r : plan(scan, &scope, &list);
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
    pool_clear(&scan->paths);
    pin_rules_free(scan->rules, scan->n_rules);
    free(scan->held);
    warmed_clear(&scan->warmed);
    pin_processes_clear(&scan->processes);
    pin_problems_clear(&scan->problems);
    watch_list_clear(&scan->folders);
    strv_free(scan->avoid);
    strv_free(scan->mounts);
    free(scan);
}
