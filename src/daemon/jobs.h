/* SPDX-License-Identifier: MIT */
#pragma once

/* Work that waits for disks or for reclaim, on threads of its own, so that the loop never does.
 *
 * What may take hours says so: it is asked to stop after a while, goes behind those that wait, and
 * goes on when its turn comes. */

#include <stdatomic.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#include "util/cleanup.h"

/* Embedded at the beginning of what the work needs: its inputs are copies, its outputs are its own,
 * and nothing of the loop is touched from run(). */
typedef struct Job {
    void (*run)(struct Job *job);               /* on the worker; not begun once abandoned */
    void (*done)(struct Job *job, void *owner); /* on the loop; not called once abandoned */
    void (*destroy)(struct Job *job);           /* on the loop, always last */
    void *owner;
    atomic_bool cancelled; /* run() looks at it between steps */
    /* How long run() may take at a time, which it may change; 0: as long as it likes. */
    _Atomic uint64_t slice_usec;
    atomic_bool stop; /* it has, or is abandoned */
    bool unfinished;  /* set by run(): it is to be called again when its turn comes */
    struct Job *next;
} Job;

typedef struct Jobs Jobs;

/* One worker, one queue: jobs run one after another, in their order, or slice by slice. */
int jobs_new(sd_event *event, Jobs **ret);

/* As many run at a time as there are workers: one that hangs keeps nobody waiting as long as
 * another worker is free. */
int jobs_new_many(sd_event *event, size_t n_workers, Jobs **ret);

/* Waits for the jobs that are running, drops the others. Takes NULL, returns NULL. */
Jobs *jobs_free(Jobs *jobs);

DEFINE_CLEANUP(Jobs *, jobs_free)

/* Takes @job over. */
void jobs_submit(Jobs *jobs, Job *job);

/* The owner, on the loop, no longer wants the outcome. Takes NULL, returns NULL. */
Job *job_abandon(Job *job);
