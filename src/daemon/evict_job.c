/* SPDX-License-Identifier: MIT */
/* A file that is open or mapped counts as used, for whoever that is. With `mapped: page-out` a
 * mapping alone does not: it is what shall be taken away.
 *
 * What only one file has to say is counted, and does not end the look.
 *
 * After a slice the walk begins anew and passes over what is in front of the place that it had got
 * to; it tells files in one order (compare_paths()). A slice is the longer the more that costs. */
#include "daemon/evict_job.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "kernel/cgroup.h"
#include "kernel/gentle.h"
#include "kernel/openers.h"
#include "kernel/procs.h"
#include "kernel/settled.h"
#include "util/io.h"
#include "util/units.h"

/* Getting back to the place takes such a part of a slice at most, as of one core: 2 %. */
#define SLICE_SHARE 50

typedef struct Look {
    EvictJob *ej;
    int fds_fd;          /* of walk_open_fds() */
    uint64_t began_usec; /* in time of the processor */
} Look;

static void note_failed(EvictJob *ej, const char *path, int error)
{
    ej->failed++;
    if (ej->file_failed)
        return;
    ej->file_error = error;
    ej->file_failed = strdup(path);
}

static bool is_in_use(const EvictJob *ej, const struct stat *st)
{
    bool mapped_too = !ej->task.allowed.page_out;

    return mapped_too ? open_set_has(ej->open, st->st_dev, st->st_ino)
                      : open_set_is_open(ej->open, st->st_dev, st->st_ino);
}

static void count(EvictJob *ej, const EvictSeen *seen, uint64_t idle_usec)
{
    EvictLeft left = { seen->resident, seen->dirty, seen->has_dirty };

    evict_ages_add(&ej->ages, idle_usec, evict_could_go(&left, &ej->task.allowed));
}

/* What the disk refused, or has been asked for in vain to take, stays: that was asked for all of
 * the file, whatever part is to go. */
static bool must_stay(const EvictJob *ej, int fd, const struct stat *st)
{
    IdleTable *table = ej->task.table;

    if (barred_holds(ej->task.barred, fd))
        return true;
    if (idle_table_is_stuck(table, st))
        idle_table_note_stuck(table, st, file_may_be_dirty(fd));
    return idle_table_is_stuck(table, st);
}

static EvictVerdict judge(EvictJob *ej, const struct stat *st, const EvictSeen *seen,
                          uint64_t *ret_idle_usec)
{
    const EvictTask *task = &ej->task;
    EvictFacts facts = {
        .resident = seen->resident,
        .pinned = pinned_view_has(&ej->pinned, st->st_dev, st->st_ino),
        .in_use = is_in_use(ej, st),
    };

    if (facts.resident > 0)
        facts.idle_usec = idle_table_note(task->table, st, facts.in_use);
    *ret_idle_usec = facts.idle_usec;
    return evict_judge(&facts, task->idle_usec);
}

/* What is under way comes on top. */
static bool has_enough(const EvictJob *ej)
{
    return ej->task.enough > 0 && evict_outcome_evicted(&ej->sum) >= ej->task.enough;
}

static int rank(char c)
{
    return c == '\0' ? 0 : c == '/' ? 1 : (unsigned char)c + 1;
}

/* In the order of the walk: a folder, what is in it, and then names that the folder's is the
 * beginning of. */
static int compare_paths(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b)
        a++, b++;
    return rank(*a) - rank(*b);
}

/* Whether @path was done with in a slice before. */
static bool is_behind(Look *look, const char *path)
{
    EvictPlace *place = &look->ej->place;

    if (!place->path || atomic_load(&look->ej->job.cancelled))
        return false;
    int order = compare_paths(path, place->path);
    if (order < 0 || (order == 0 && place->after))
        return true;
    free(TAKE_PTR(place->path));
    uint64_t cost = thread_cpu_usec() - look->began_usec, slice = look->ej->task.slice_usec;
    slice = max_u64(slice, atomic_load(&look->ej->job.slice_usec));
    atomic_store(&look->ej->job.slice_usec, max_u64(slice, cost * SLICE_SHARE));
    return false;
}

/* Without memory all begins anew. */
static void note_place(EvictPlace *place, const char *path, bool after)
{
    free(place->path);
    place->path = strdup(path);
    place->after = after;
}

/* It is others' turn, or nobody wants the outcome any more. What goes on does so at @path. */
static bool stops(Look *look, const char *path)
{
    EvictJob *ej = look->ej;

    if (!atomic_load(&ej->job.stop))
        return atomic_load(&ej->job.cancelled);
    note_place(&ej->place, path, false);
    return true;
}

static int evict(Look *look, const char *path, int *fd, const struct stat *st)
{
    EvictPlace *place = &look->ej->place;

    int r = ladder_evict(place->ladder, path, fd, st);
    if (r == -ECANCELED)
        note_place(place, path, *fd < 0);
    return r;
}

static int on_opened(const char *path, int *fd, const struct stat *st, void *userdata)
{
    Look *look = userdata;
    EvictJob *ej = look->ej;
    EvictSeen seen;
    uint64_t idle_usec;

    if (is_behind(look, path))
        return 0;
    if (stops(look, path))
        return -ECANCELED;
    ej->moved = true;
    if (st->st_size == 0)
        return 0;
    int r = *fd < 0 ? *fd : ladder_look(ej->place.ladder, *fd, st, &seen);
    if (r < 0) {
        note_failed(ej, path, r);
        return 0;
    }
    switch (judge(ej, st, &seen, &idle_usec)) {
    case EVICT_NOW:
        if (must_stay(ej, *fd, st))
            return 0;
        if (ej->task.look_only)
            count(ej, &seen, idle_usec);
        else if (!has_enough(ej))
            return evict(look, path, fd, st);
        return 0;
    case EVICT_NOT_IDLE:
        ej->waiting = true;
        return 0;
    case EVICT_NOT_RESIDENT:
        (void)barred_holds(ej->task.barred, *fd); /* it may be forgotten by that */
        return 0;
    case EVICT_PINNED:
    case EVICT_IN_USE:
        return 0;
    }
    return 0;
}

static int on_file(const char *path, int path_fd, const struct stat *st, void *userdata)
{
    Look *look = userdata;
    CLEANUP_CLOSE int fd = st->st_size == 0 ? -1 : walk_reopen_in(look->fds_fd, path_fd, O_RDONLY);

    return on_opened(path, &fd, st, userdata);
}

/* Of a file that is begun anew in the next slice. */
static void note_part(EvictJob *ej, const EvictOutcome *outcome)
{
    for (int i = 0; i < _EVICT_RUNG_MAX; i++)
        ej->sum.evicted[i] += outcome->evicted[i];
    ej->sum.written += outcome->written;
}

static int on_done(const char *path, const struct stat *st, int error, const EvictOutcome *outcome,
                   void *userdata)
{
    EvictJob *ej = userdata;

    if (error >= 0)
        error = outcome->error;
    if (error == -ECANCELED) {
        note_part(ej, outcome);
        return 0;
    }
    ej->moved = true;
    if (error < 0)
        note_failed(ej, path, error);
    if (error == -ETIMEDOUT)
        idle_table_note_stuck(ej->task.table, st, true);
    else if (error >= 0 && outcome->after == 0)
        idle_table_forget(ej->task.table, st);
    ej->files += evict_outcome_evicted(outcome) > 0;
    evict_outcome_add(&ej->sum, outcome);
    return 0;
}

static void passed_over_clear(PassedOver *over)
{
    free(over->first);
    *over = (PassedOver){ 0 };
}

/* A path without a file yet, or the folder that a wildcard matches too, is nobody's trouble. */
static bool is_harmless(WalkReason reason)
{
    return reason == WALK_MISSING || reason == WALK_DIRECTORY || reason == WALK_FIFO ||
           reason == WALK_SOCKET || reason == WALK_DEVICE;
}

/* Keeps the first that somebody should see to, or else the first. */
static int on_passed_over(const char *path, WalkReason reason, const char *why, void *userdata)
{
    Look *look = userdata;
    PassedOver *over = &look->ej->passed_over;
    char *text;

    if (is_behind(look, path))
        return 0;
    if (stops(look, path))
        return -ECANCELED;
    look->ej->moved = true;
    over->n++;
    if (over->first && (!over->harmless || is_harmless(reason)))
        return 0;
    if (asprintf(&text, "%s %s", path, why) < 0)
        return -ENOMEM;
    free(over->first);
    over->first = text;
    over->harmless = is_harmless(reason);
    return 0;
}

/* Only where all who map the file are of the unit that the rule belongs to: nobody else's memory is
 * its affair. */
static int reclaim(const pid_t *pids, size_t n_pids, uint64_t bytes, void *userdata)
{
    const EvictTask *task = &((EvictJob *)userdata)->task;
    cleanup(pids_clear) Pids own = { 0 };
    cleanup(cgroup_freep) Cgroup *cgroup = NULL;
    size_t k = 0;

    int r = cgroup_pids(task->cgroup_fd, task->control_group, &own);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n_pids; i++) { /* both rise */
        while (k < own.n_pids && own.pids[k] < pids[i])
            k++;
        if (k == own.n_pids || own.pids[k] != pids[i])
            return -ENOENT;
    }
    r = cgroup_open(task->cgroup_fd, task->control_group, &cgroup);
    return r < 0 ? r : cgroup_reclaim_cache(cgroup, bytes, task->proc_fd);
}

static int walk(Look *look)
{
    const EvictTask *task = &look->ej->task;
    WalkHandler handler = {
        .file = on_file,
        .opened = on_opened,
        .passed_over = on_passed_over,
        .userdata = look,
    };

    return walk_glob(task->root_fd, task->path, task->walk_flags, &handler);
}

/* Since it was judged, it may have waited for long. */
static bool is_spared_now(const struct stat *st, void *userdata)
{
    EvictJob *ej = userdata;

    return is_in_use(ej, st) || pinned_view_has(&ej->pinned, st->st_dev, st->st_ino);
}

static int make_ladder(EvictJob *ej)
{
    const EvictTask *task = &ej->task;
    LadderOptions options = {
        .allowed = task->allowed,
        .bounds = task->bounds,
        .rate = task->rate,
        .barred = task->barred,
        .proc_fd = task->proc_fd,
        .explanations = 1,
        .cancelled = &ej->job.stop,
        .reclaim = reclaim,
        .spares = is_spared_now,
        .done = on_done,
        .userdata = ej,
    };

    options.allowed.reclaim &= task->control_group && task->cgroup_fd >= 0;
    return ladder_new(&options, &ej->place.ladder);
}

static int begin(Look *look)
{
    EvictJob *ej = look->ej;

    ej->place.begun = true;
    idle_table_begin(ej->task.table, now_usec());
    return make_ladder(ej);
}

static int go_on(const Look *look)
{
    idle_table_go_on(look->ej->task.table, now_usec());
    return ladder_finish(look->ej->place.ladder);
}

static int look_at_all(Look *look)
{
    EvictJob *ej = look->ej;
    EvictPlace *place = &ej->place;

    CLEANUP_CLOSE int fds_fd = walk_open_fds();
    if (fds_fd < 0)
        return fds_fd;
    look->fds_fd = fds_fd;
    int r = place->begun ? go_on(look) : begin(look);
    if (r >= 0 && !place->walked)
        r = walk(look);
    if (r >= 0) {
        place->walked = true;
        r = ladder_finish(place->ladder);
    }
    ej->job.unfinished = r == -ECANCELED && !atomic_load(&ej->job.cancelled);
    if (ej->job.unfinished) {
        if (!ej->moved)
            atomic_store(&ej->job.slice_usec, mul_u64(2, atomic_load(&ej->job.slice_usec)));
        return 0;
    }
    if (r >= 0) /* else what was not met may be there all the same */
        idle_table_end(ej->task.table);
    place->ladder = ladder_free(place->ladder);
    return r;
}

static void run(Job *job)
{
    EvictJob *ej = (EvictJob *)job;
    cleanup(open_set_freep) OpenSet *open = NULL;
    Look look = { .ej = ej, .began_usec = thread_cpu_usec() };

    gentle_thread();
    ej->error = open_set_scan(ej->task.proc_fd, getpid(), &open);
    if (ej->error < 0)
        return;
    ej->unreadable = open_set_unreadable(open);
    if (ej->unreadable > 0)
        return; /* "nobody" must not be concluded */

    ej->open = open;
    ej->moved = false;
    ej->error = look_at_all(&look);
    ej->open = NULL;
    ej->cpu_usec += thread_cpu_usec() - look.began_usec;
}

static void task_clear(EvictTask *task)
{
    idle_table_free(task->table);
    free(task->control_group);
    free(task->path);
}

static void destroy(Job *job)
{
    EvictJob *ej = (EvictJob *)job;

    task_clear(&ej->task);
    pinned_view_clear(&ej->pinned);
    ladder_free(ej->place.ladder);
    free(ej->place.path);
    passed_over_clear(&ej->passed_over);
    free(ej->file_failed);
    free(ej);
}

EvictJob *evict_job_new(EvictTask *task)
{
    EvictJob *ej = calloc(1, sizeof(EvictJob));
    if (!ej) {
        task_clear(task);
        return NULL;
    }
    ej->job = (Job){ .run = run, .destroy = destroy, .slice_usec = task->slice_usec };
    ej->sum.has_dirty = true;
    ej->task = *task;
    ej->pinned.pinned = task->pinned;
    return ej;
}
