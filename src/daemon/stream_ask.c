/* SPDX-License-Identifier: MIT */
#include "daemon/stream_ask.h"

#include <string.h>
#include <unistd.h>

#include "kernel/procs.h"
#include "util/io.h"

static void run(Job *job)
{
    StreamAsk *ask = (StreamAsk *)job;
    uint64_t began = thread_cpu_usec();
    cleanup(pids_clear) Pids pids = { 0 };

    if (cgroup_pids(ask->cgroup_fd, ask->control_group, &pids) >= 0)
        (void)open_set_scan_others(ask->proc_fd, getpid(), &pids, &ask->others);
    ask->cpu_usec = thread_cpu_usec() - began;
}

static void destroy(Job *job)
{
    StreamAsk *ask = (StreamAsk *)job;

    open_set_free(ask->others);
    free(ask->control_group);
    free(ask);
}

StreamAsk *stream_ask_new(int proc_fd, int cgroup_fd, const char *control_group)
{
    StreamAsk *ask = calloc(1, sizeof(StreamAsk));
    if (!ask)
        return NULL;
    ask->job = (Job){ .run = run, .destroy = destroy };
    ask->proc_fd = proc_fd;
    ask->cgroup_fd = cgroup_fd;
    ask->control_group = strdup(control_group);
    if (!ask->control_group) {
        free(ask);
        return NULL;
    }
    return ask;
}
