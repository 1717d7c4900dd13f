/* SPDX-License-Identifier: MIT */
#pragma once

/* One look at all files of a rule, on a worker: who has which files open now, then the walk, then
 * file by file: measure, judge, evict. At a rate that takes hours: so it goes on slice by slice,
 * each of which asks anew who has which files open. */

#include "daemon/idle_table.h"
#include "daemon/jobs.h"
#include "daemon/pinned.h"
#include "evict/ladder.h"
#include "kernel/walk.h"

/* What a look had to pass over. */
typedef struct PassedOver {
    char *first;   /* path and reason; NULL: nothing */
    bool harmless; /* the first is */
    size_t n;
} PassedOver;

/* What the job needs, all of it its own but for what lives as long as the daemon. */
typedef struct EvictTask {
    int root_fd, proc_fd, cgroup_fd; /* cgroup_fd may be -1 */
    WalkFlags walk_flags;
    char *path;
    char *control_group; /* of the unit, where memory.reclaim is allowed; NULL: nowhere */
    uint64_t idle_usec;
    EvictAllowed allowed;
    EvictBounds bounds;
    uint64_t rate;   /* bytes per second; 0: no limit */
    Barred *barred;  /* borrowed; NULL: what the disk refuses is forgotten */
    Pinned *pinned;  /* NULL: nothing is */
    bool look_only;  /* nothing is evicted */
    uint64_t enough; /* bytes: no further file once so much is evicted; 0: all */
    IdleTable *table;
    uint64_t slice_usec; /* how long a slice is, at the least; 0: all is one */
} EvictTask;

/* Where a look goes on after a slice. */
typedef struct EvictPlace {
    bool begun;
    char *path;     /* what is in front of it is done, or waits in the ladder; NULL: nothing */
    bool after;     /* and it is, too */
    bool walked;    /* all are */
    Ladder *ladder; /* NULL: not yet */
} EvictPlace;

typedef struct EvictJob {
    Job job;
    EvictTask task;
    EvictPlace place;
    PinnedView pinned;
    const struct OpenSet *open; /* of this slice */
    bool moved;                 /* it got to something new, or the next one is twice as long */
    /* out */
    int error;
    unsigned unreadable; /* processes that could not be looked into */
    uint64_t files;      /* that pages were evicted of */
    uint64_t failed;     /* files that could not be measured, or that a rung failed for */
    int file_error;      /* of one of these */
    char *file_failed;   /* its path */
    bool waiting;        /* some file is in memory, and not idle for long enough */
    uint64_t cpu_usec;   /* that the look took */
    EvictOutcome sum;
    EvictAges ages; /* with look_only: of what could be evicted */
    PassedOver passed_over;
} EvictJob;

/* @task is taken over, also where this fails. NULL: out of memory. job.done and job.owner are the
 * caller's to set. */
EvictJob *evict_job_new(EvictTask *task);
