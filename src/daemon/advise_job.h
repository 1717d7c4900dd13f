/* SPDX-License-Identifier: MIT */
#pragma once

/* One look at the descriptors of a unit's processes, on a worker: closing a copy of one may be the
 * last close of a file, which waits for a disk. */

#include "daemon/jobs.h"
#include "kernel/advise.h"

/* What the job needs, all of it its own but for descriptors that live as long as the daemon. */
typedef struct AdviseTask {
    int root_fd, proc_fd, cgroup_fd;
    WalkFlags walk_flags;
    char *control_group;
    AdvisePattern *patterns;
    char **paths; /* of the patterns; a strv */
    size_t n_patterns;
} AdviseTask;

typedef struct AdviseJob {
    Job job;
    AdviseTask task;
    /* out */
    int error;
    uint64_t cpu_usec; /* that the look took */
    AdviseOutcome outcome;
} AdviseJob;

/* @task is taken over, also where this fails. NULL: out of memory. job.done and job.owner are the
 * caller's to set. */
AdviseJob *advise_job_new(AdviseTask *task);

/* Adds a pattern of a copy of @path. -ENOMEM. */
int advise_task_add(AdviseTask *task, const char *path, Access access, bool by_name);
void advise_task_clear(AdviseTask *task);
