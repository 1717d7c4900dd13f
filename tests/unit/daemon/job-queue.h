/* SPDX-License-Identifier: MIT */
#pragma once

/* A queue that the test runs itself, in place of daemon/jobs.c; included by one file of a program.
 */

#include "daemon/jobs.h"
#include "unit/test.h"
#include "util/units.h"

static Job *queue[8];
static size_t n_queued;
static Jobs *queued_on; /* the last one is */

void jobs_submit(Jobs *jobs, Job *job)
{
    assert_true(n_queued < ELEMENTS(queue));
    queue[n_queued++] = job;
    queued_on = jobs;
}

Job *job_abandon(Job *job)
{
    if (job)
        atomic_store(&job->cancelled, true);
    return NULL;
}

static inline void run_queue(void)
{
    for (size_t i = 0; i < n_queued; i++) {
        if (!atomic_load(&queue[i]->cancelled)) {
            queue[i]->run(queue[i]);
            queue[i]->done(queue[i], queue[i]->owner);
        }
        queue[i]->destroy(queue[i]);
    }
    n_queued = 0;
}
