/* SPDX-License-Identifier: MIT */
#include "daemon/measure.h"

#include "kernel/locked.h"

typedef struct MeasureJob {
    Job job;
    int proc_fd; /* borrowed, lives as long as the daemon */
    pid_t pid;
    measured_t measured;
    uint64_t locked; /* out */
    int error;       /* out */
} MeasureJob;

static void run(Job *job)
{
    MeasureJob *m = (MeasureJob *)job;

    m->error = locked_bytes(m->proc_fd, m->pid, &m->locked);
}

static void done(Job *job, void *owner)
{
    MeasureJob *m = (MeasureJob *)job;

    m->measured(m->error, m->locked, owner);
}

static void destroy(Job *job)
{
    free(job);
}

Job *measure_locked(const Host *host, pid_t pid, measured_t measured, void *userdata)
{
    MeasureJob *m = calloc(1, sizeof(MeasureJob));
    if (!m)
        return NULL;

    m->job = (Job){ .run = run, .done = done, .destroy = destroy, .owner = userdata };
    m->proc_fd = host->proc_fd;
    m->pid = pid;
    m->measured = measured;
    jobs_submit(host->pin_jobs, &m->job);
    return &m->job;
}
