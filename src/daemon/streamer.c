/* SPDX-License-Identifier: MIT */
/* A timer of its own submits a job (stream_job.h) for each look, and the job says when the next is
 * due, and whether others are to be asked for (stream_ask.h). The state of following is the job's
 * while it runs; what comes meanwhile waits. */
#include "daemon/streamer.h"

#include <string.h>

#include "daemon/stream_ask.h"
#include "daemon/stream_job.h"
#include "util/io.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/units.h"

#define ASK_AGAIN_USEC (2 * USEC_PER_SEC)

#define LAST_LOOKS 20 /* at what a unit that has ended wrote, and its disk has yet to take */

struct Streamer {
    Host *host;
    char *unit;
    bool wanted, reclaims;
    bool write_back;
    uint64_t rate; /* bytes per second; 0: no limit */
    sd_event_source *timer;
    StreamState *state; /* NULL: it is not followed, or the job has it */
    StreamJob *job;
    StreamAsk *ask;
    OpenSet *others; /* for the next job, where there are new ones */
    uint64_t others_cpu_usec;
    uint64_t ask_after_usec;      /* there was no memory, or no descriptor, for the last answer */
    unsigned last_looks;          /* that the unit may still have, which has ended; 0: it has not */
    int told_reclaim, told_error; /* said once */
    bool told_blind;              /* and since then not been otherwise */
    uint64_t told_bytes;
    StreamerStatus status;
};

static void look_in(Streamer *s, uint64_t usec)
{
    if (sd_event_source_set_time_relative(s->timer, usec) < 0 ||
        sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT) < 0)
        log_warning("%s: no timer for its streams", s->unit);
}

/* A cgroup that has gone is that of a unit that has ended. */
static bool is_gone(int error)
{
    return error == -ENOENT || error == -ENODEV;
}

static void tell_errors(Streamer *s, const StreamJob *sj)
{
    if (sj->reclaim_error < 0 && sj->reclaim_error != s->told_reclaim)
        log_warning("%s: its page cache cannot be reclaimed alone (%s): only what its open files "
                    "have passed is dropped",
                    s->unit, strerror(-sj->reclaim_error));
    if (sj->reclaim_error < 0)
        s->told_reclaim = sj->reclaim_error;
    if (sj->error < 0 && !is_gone(sj->error) && sj->error != s->told_error) {
        s->told_error = sj->error;
        log_warning("%s: following its streams: %s", s->unit, strerror(-sj->error));
    }
}

static void tell_blind(Streamer *s, unsigned unreadable)
{
    if (unreadable > 0 && !s->told_blind)
        log_warning(
            "%s: some processes (%u) cannot be looked into, so nobody knows who else has its files "
            "open: nothing is dropped behind its positions",
            s->unit, unreadable);
    else if (unreadable == 0 && s->told_blind)
        log_info("%s: what its open files have passed is dropped again", s->unit);
    s->told_blind = unreadable > 0;
}

static void asked(Job *job, void *owner)
{
    StreamAsk *ask = (StreamAsk *)job;
    Streamer *s = owner;

    s->ask = NULL;
    if (!ask->others) {
        s->ask_after_usec = now_usec() + ASK_AGAIN_USEC;
        return;
    }
    s->status.unreadable = open_set_unreadable(ask->others);
    tell_blind(s, s->status.unreadable);
    open_set_free(s->others);
    s->others = TAKE_PTR(ask->others);
    s->others_cpu_usec = ask->cpu_usec;
}

static void ask_for_others(Streamer *s)
{
    if (s->ask || s->others || now_usec() < s->ask_after_usec)
        return;
    s->ask = stream_ask_new(s->host->proc_fd, s->host->cgroup_fd, s->state->control_group);
    if (!s->ask)
        return;
    s->ask->job.done = asked;
    s->ask->job.owner = s;
    jobs_submit(s->host->stream_ask_jobs, &s->ask->job);
}

static void go_on(Streamer *s, const StreamJob *sj)
{
    if (s->last_looks == 0) {
        if (sj->followed.asks)
            ask_for_others(s);
        look_in(s, sj->interval_usec);
        return;
    }
    s->last_looks -= sj->task.last;
    if ((sj->task.last && sj->done) || s->last_looks == 0)
        streamer_leave(s);
    else
        look_in(s, sj->task.last ? sj->interval_usec : 0);
}

static void done(Job *job, void *owner)
{
    StreamJob *sj = (StreamJob *)job;
    Streamer *s = owner;

    s->job = NULL;
    s->state = TAKE_PTR(sj->task.state);
    tell_errors(s, sj);
    s->status.dropped += sj->followed.dropped;
    s->status.written += sj->followed.written;
    s->status.files += sj->followed.files;
    s->status.followed = sj->followed.followed;
    s->status.reclaimed += sj->reclaimed;
    s->status.file = sj->file;
    s->status.dirty = sj->dirty;
    s->status.error = is_gone(sj->error) ? 0 : sj->error;
    s->status.reclaim_error = s->told_reclaim;
    if (s->told_reclaim < 0)
        s->reclaims = false;
    go_on(s, sj);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    Streamer *s = userdata;
    StreamTask task = {
        .proc_fd = s->host->proc_fd,
        .cgroup_fd = s->host->cgroup_fd,
        .root_fd = s->host->root_fd,
        .last = s->last_looks > 0,
        .write_back = s->write_back,
        .network = !s->host->settings->refuse_network_filesystems,
        .reclaims = s->reclaims,
        .rate = s->rate,
        .barred = s->host->barred,
    };

    if (!s->state)
        return 0;
    task.state = TAKE_PTR(s->state);
    if (s->others)
        follower_note_others(task.state->follower, TAKE_PTR(s->others), s->others_cpu_usec);
    s->job = stream_job_new(&task);
    if (!s->job) { /* out of memory: streamer_follow() begins anew, where it still runs */
        streamer_leave(s);
        return 0;
    }
    s->job->job.done = done;
    s->job->job.owner = s;
    jobs_submit(s->host->stream_jobs, &s->job->job);
    return 0;
}

int streamer_new(Host *host, const char *unit, Streamer **ret)
{
    Streamer *s = calloc(1, sizeof(Streamer));
    if (!s)
        return -ENOMEM;

    s->host = host;
    s->unit = strdup(unit);
    if (!s->unit) {
        free(s);
        return -ENOMEM;
    }
    *ret = s;
    return 0;
}

static uint64_t evicted(const Streamer *s)
{
    return s->status.dropped + s->status.reclaimed;
}

void streamer_leave(Streamer *s)
{
    char text[FORMAT_SIZE_MAX];

    if (s->job)
        s->job = (StreamJob *)job_abandon(&s->job->job);
    if (s->ask)
        s->ask = (StreamAsk *)job_abandon(&s->ask->job);
    s->others = open_set_free(s->others);
    s->state = stream_state_free(s->state);
    s->timer = sd_event_source_disable_unref(s->timer);
    s->last_looks = 0;
    s->status.followed = s->status.unreadable = 0;
    s->status.error = 0;
    s->status.file = s->status.dirty = 0;
    if (evicted(s) > s->told_bytes)
        log_info("%s: evicted %s behind what it reads and writes", s->unit,
                 format_size(text, evicted(s) - s->told_bytes));
    s->told_bytes = evicted(s);
}

void streamer_end(Streamer *s)
{
    if (s->last_looks > 0)
        return;
    if (!s->state && !s->job) {
        streamer_leave(s);
        return;
    }
    s->last_looks = LAST_LOOKS;
    if (s->ask)
        s->ask = (StreamAsk *)job_abandon(&s->ask->job);
    if (s->state)
        look_in(s, 0);
}

bool streamer_is_ending(const Streamer *s)
{
    return s->last_looks > 0;
}

Streamer *streamer_free(Streamer *s)
{
    if (!s)
        return NULL;
    streamer_leave(s);
    free(s->unit);
    free(s);
    return NULL;
}

void streamer_want(Streamer *s, const Policy *policy)
{
    const EvictRule *rule = NULL;

    for (size_t i = 0; policy && i < policy->n_evicts && !rule; i++)
        if (policy->evicts[i].stream)
            rule = &policy->evicts[i];
    s->wanted = s->status.wanted = rule != NULL;
    if (!rule) {
        streamer_leave(s);
        return;
    }
    s->write_back = rule->dirty == EVICT_DIRTY_WRITE_BACK;
    s->rate = rule->rate == UINT64_MAX ? 0 : rule->rate;
}

int streamer_follow(Streamer *s, const char *control_group, bool reclaims)
{
    if (!s->wanted || s->host->cgroup_fd < 0)
        return 0;
    if (s->last_looks > 0) /* it runs again */
        streamer_leave(s);
    s->reclaims = reclaims && s->told_reclaim == 0;
    if (s->state || s->job)
        return 0;
    int r = s->timer ? 0
                     : sd_event_add_time_relative(s->host->event, &s->timer, CLOCK_MONOTONIC, 0, 1,
                                                  on_timer, s);
    if (r < 0)
        return r;
    s->state = stream_state_new(control_group, s->host->pinned);
    if (!s->state)
        return -ENOMEM;
    look_in(s, 0);
    return 0;
}

StreamerStatus streamer_status(const Streamer *s)
{
    return s->status;
}
