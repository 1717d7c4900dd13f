/* SPDX-License-Identifier: MIT */
#pragma once

/* One look at a service that streams, on a worker: its open files are followed, then what is left
 * of its page cache is reclaimed down to what a stream needs. When it has ended: what is left of
 * the files that it had open. */

#include "control/stream.h"
#include "daemon/host.h"
#include "daemon/pinned.h"
#include "evict/follower.h"
#include "kernel/cgroup.h"

/* What goes from one look to the next; the job has it while it runs. */
typedef struct StreamState {
    char *control_group;
    Cgroup *cgroup; /* NULL: not opened yet */
    Follower *follower;
    PinnedView pinned;      /* files to leave alone */
    uint64_t looked_usec;   /* 0: not yet */
    uint64_t file;          /* page cache then */
    StreamBudget budget;    /* of a rate, left over then */
    StreamPace pace;        /* of then */
    uint64_t reclaim_usec;  /* not before: there was nothing to be had */
    uint64_t patience_usec; /* for how long it was put off last */
} StreamState;

/* @pinned is borrowed; NULL: nothing is. NULL: out of memory. */
StreamState *stream_state_new(const char *control_group, Pinned *pinned);

/* Takes NULL, returns NULL. */
StreamState *stream_state_free(StreamState *state);

DEFINE_CLEANUP(StreamState *, stream_state_free)

typedef struct StreamTask {
    int proc_fd, cgroup_fd; /* cgroup_fd may be -1 */
    int root_fd;
    bool last; /* the service has ended */
    bool write_back;
    bool network;
    bool reclaims;  /* from the unit's cgroup */
    uint64_t rate;  /* bytes per second; 0: no limit */
    Barred *barred; /* borrowed */
    StreamState *state;
} StreamTask;

typedef struct StreamJob {
    Job job;
    StreamTask task;
    /* out */
    int error;
    bool done;         /* with what is to be done last */
    int reclaim_error; /* -EINVAL, -EOPNOTSUPP: this kernel cannot */
    FollowerOutcome followed;
    uint64_t reclaimed;     /* bytes, measured */
    uint64_t file;          /* its page cache now, */
    uint64_t dirty;         /* and what of it the disk has not taken yet, */
    uint64_t clean;         /* and could be dropped */
    uint64_t interval_usec; /* to the next look */
} StreamJob;

/* @task is taken over, also where this fails. NULL: out of memory. job.done and job.owner are the
 * caller's to set. */
StreamJob *stream_job_new(StreamTask *task);
