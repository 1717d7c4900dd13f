/* SPDX-License-Identifier: MIT */
#pragma once

/* Who has files open beside a service that streams, on a worker of its own: a look into all
 * processes takes longer than a stream may be left alone. */

#include "daemon/jobs.h"
#include "kernel/openers.h"

typedef struct StreamAsk {
    Job job;
    int proc_fd, cgroup_fd;
    char *control_group; /* whose own processes do not count */
    /* out */
    OpenSet *others; /* NULL: not known; may be taken */
    uint64_t cpu_usec;
} StreamAsk;

/* NULL: out of memory. job.done and job.owner are the caller's to set. */
StreamAsk *stream_ask_new(int proc_fd, int cgroup_fd, const char *control_group);
