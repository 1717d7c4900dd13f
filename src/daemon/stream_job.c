/* SPDX-License-Identifier: MIT */
/* Following drops what a position has passed; reclaim takes the rest: small files that came and
 * went between two looks, what is read by pread(2), what was passed before the file was found. It
 * takes just what is charged to the service: what others had read before is theirs. */
#include "daemon/stream_job.h"

#include <string.h>
#include <unistd.h>

#include "control/stream.h"
#include "kernel/procs.h"
#include "util/io.h"
#include "util/units.h"

/* Reclaim that finds next to nothing is put off, for twice as long each time. */
#define FUTILE_SHARE 8
#define PATIENCE_MIN (USEC_PER_SEC / 2)
#define PATIENCE_MAX (8 * USEC_PER_SEC)

/* From one last look to the next, at least. */
#define LAST_EVERY_USEC (USEC_PER_SEC / 4)

/* In one write: some 100 ms, for which those who come next wait. */
#define RECLAIM_MAX (64 * MIB)

StreamState *stream_state_new(const char *control_group, Pinned *pinned)
{
    cleanup(stream_state_freep) StreamState *state = calloc(1, sizeof(StreamState));
    if (!state)
        return NULL;
    state->control_group = strdup(control_group);
    state->follower = follower_new();
    state->pinned.pinned = pinned;
    return state->control_group && state->follower ? TAKE_PTR(state) : NULL;
}

StreamState *stream_state_free(StreamState *state)
{
    if (!state)
        return NULL;
    follower_free(state->follower);
    cgroup_free(state->cgroup);
    pinned_view_clear(&state->pinned);
    free(state->control_group);
    free(state);
    return NULL;
}

static bool is_pinned(uint64_t dev, uint64_t ino, void *userdata)
{
    return pinned_view_has(userdata, dev, ino);
}

/* Of the look that begins @elapsed µs behind the one before. */
static FollowerOptions options_of(StreamJob *sj, const Pids *pids, uint64_t elapsed)
{
    const StreamTask *task = &sj->task;
    StreamState *state = task->state;
    FollowerOptions options = {
        .proc_fd = task->proc_fd,
        .root_fd = task->root_fd,
        .pids = pids,
        .spares = is_pinned,
        .userdata = &state->pinned,
        .barred = task->barred,
        .write_back = task->write_back,
        .network = task->network,
        .may_write = UINT64_MAX,
        .may_drop = UINT64_MAX,
        .cancelled = &sj->job.cancelled,
    };

    if (task->rate > 0) {
        stream_budget_earn(&state->budget, task->rate, elapsed);
        options.may_write = state->budget.write;
        options.may_drop = state->budget.drop;
    }
    return options;
}

static void spend(StreamJob *sj)
{
    stream_budget_spend(&sj->task.state->budget, &(StreamBudget){
                                                     .write = sj->followed.written,
                                                     .drop = sj->followed.dropped,
                                                 });
}

static int follow(StreamJob *sj, uint64_t elapsed)
{
    const StreamTask *task = &sj->task;
    StreamState *state = task->state;
    cleanup(pids_clear) Pids pids = { 0 };
    FollowerOptions options = options_of(sj, &pids, elapsed);

    int r = cgroup_pids(task->cgroup_fd, state->control_group, &pids);
    if (r >= 0)
        r = follower_look(state->follower, &options, &sj->followed);
    if (r >= 0)
        spend(sj);
    return r;
}

/* Others are of the moment: less could be had, or the cgroup has just gone. */
static bool is_of_the_kernel(int error)
{
    return error == -EINVAL || error == -EOPNOTSUPP;
}

static int reclaim_excess(StreamJob *sj, uint64_t now)
{
    StreamState *state = sj->task.state;
    Sample sample;

    int r = cgroup_sample(state->cgroup, now, &sample);
    if (r < 0)
        return r;
    StreamCache cache = stream_cache(&sample);
    uint64_t bytes = min_u64(stream_excess(&cache), RECLAIM_MAX), taken = sample.pgsteal;
    sj->file = cache.file;
    sj->dirty = cache.dirty;
    sj->clean = stream_clean(&cache);
    if (sj->task.rate > 0)
        bytes = stream_reclaim_within(bytes, &state->budget);
    if (!sj->task.reclaims || bytes == 0 || now < state->reclaim_usec)
        return 0;

    r = cgroup_reclaim_cache(sj->task.state->cgroup, bytes, sj->task.proc_fd);
    sj->reclaim_error = is_of_the_kernel(r) ? r : 0;
    r = sj->reclaim_error < 0 ? 0 : cgroup_sample(state->cgroup, now, &sample);
    if (r < 0)
        return r;
    /* Its page cache does not tell: as much may have come meanwhile. */
    cache = stream_cache(&sample);
    sj->file = cache.file;
    sj->clean = stream_clean(&cache);
    sj->reclaimed = mul_u64(sub_u64(sample.pgsteal, taken), sample.page);
    stream_budget_spend(&state->budget, &(StreamBudget){ .reclaim = sj->reclaimed });
    bool futile = sj->reclaimed < bytes / FUTILE_SHARE;
    state->patience_usec = futile ? min_u64(max_u64(2 * state->patience_usec, PATIENCE_MIN),
                                            PATIENCE_MAX)
                                  : 0;
    state->reclaim_usec = now + state->patience_usec;
    return 0;
}

static int look(StreamJob *sj)
{
    StreamTask *task = &sj->task;
    StreamState *state = task->state;
    uint64_t now = now_usec(), before = state->file;
    uint64_t elapsed = state->looked_usec > 0 ? now - state->looked_usec : 0;

    state->looked_usec = now;
    if (!state->cgroup) {
        int r = cgroup_open(task->cgroup_fd, state->control_group, &state->cgroup);
        if (r < 0)
            return r;
    }
    int r = follow(sj, elapsed);
    if (r >= 0)
        r = reclaim_excess(sj, now);
    if (r < 0)
        return r;
    /* What is read by pread(2) moves no position, what was in memory before is not charged, and who
     * waits for his disk has that to catch up. */
    uint64_t came = sub_u64(sj->file + sj->followed.dropped + sj->reclaimed, before);
    StreamPace pace = {
        .passed = max_u64(came, max_u64(sj->followed.passed, sj->followed.written)),
        .usec = elapsed,
        .cpu_usec = sj->followed.cpu_usec,
        .left = sj->clean,
    };
    sj->interval_usec = sub_u64(stream_interval(&pace, &state->pace), now_usec() - now);
    state->file = sj->file;
    state->pace = pace;
    return 0;
}

/* Its processes are gone: whoever has a file now is somebody else. */
static int look_last(StreamJob *sj)
{
    StreamState *state = sj->task.state;
    cleanup(open_set_freep) OpenSet *others = NULL;
    static const Pids none;
    uint64_t now = now_usec(), began = thread_cpu_usec();
    FollowerOptions options = options_of(sj, &none, now - state->looked_usec);

    state->looked_usec = now;
    sj->done = true;
    int r = open_set_scan(sj->task.proc_fd, getpid(), &others);
    sj->interval_usec = max_u64(LAST_EVERY_USEC,
                                mul_u64(thread_cpu_usec() - began, FOLLOWER_ASK_SHARE));
    if (r < 0 || open_set_unreadable(others) > 0)
        return r;
    r = follower_finish(state->follower, &options, others, &sj->followed, &sj->done);
    if (r >= 0)
        spend(sj);
    return r;
}

static void run(Job *job)
{
    StreamJob *sj = (StreamJob *)job;

    sj->interval_usec = STREAM_LOOK_MAX_USEC;
    sj->error = sj->task.last ? look_last(sj) : look(sj);
}

static void destroy(Job *job)
{
    StreamJob *sj = (StreamJob *)job;

    stream_state_free(sj->task.state);
    free(sj);
}

StreamJob *stream_job_new(StreamTask *task)
{
    StreamJob *sj = calloc(1, sizeof(StreamJob));
    if (!sj) {
        stream_state_free(task->state);
        return NULL;
    }
    sj->job = (Job){ .run = run, .destroy = destroy };
    sj->task = *task;
    return sj;
}
