/* SPDX-License-Identifier: MIT */
#include "daemon/advise_job.h"

#include <errno.h>
#include <stdlib.h>

#include "kernel/procs.h"
#include "util/io.h"
#include "util/strv.h"

int advise_task_add(AdviseTask *task, const char *path, Access access, bool by_name)
{
    AdvisePattern *grown = reallocarray(task->patterns, task->n_patterns + 1, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    task->patterns = grown;
    int r = strv_append(&task->paths, path);
    if (r < 0)
        return r;
    grown[task->n_patterns] = (AdvisePattern){ task->paths[task->n_patterns], access, by_name };
    task->n_patterns++;
    return 0;
}

void advise_task_clear(AdviseTask *task)
{
    free(task->control_group);
    free(task->patterns);
    strv_free(task->paths);
}

static void run(Job *job)
{
    AdviseJob *aj = (AdviseJob *)job;
    const AdviseTask *task = &aj->task;
    cleanup(pids_clear) Pids pids = { 0 };
    uint64_t began = thread_cpu_usec();

    aj->error = cgroup_pids(task->cgroup_fd, task->control_group, &pids);
    if (aj->error == -ENOENT) { /* nobody is left who has anything open */
        aj->error = 0;
        return;
    }
    if (aj->error < 0)
        return;
    const AdviseScope scope = {
        .root_fd = task->root_fd,
        .proc_fd = task->proc_fd,
        .flags = task->walk_flags,
        .patterns = task->patterns,
        .n_patterns = task->n_patterns,
        .pids = pids.pids,
        .n_pids = pids.n_pids,
        .cancelled = &job->cancelled,
    };
    aj->error = advise_descriptors(&scope, &aj->outcome);
    aj->cpu_usec = thread_cpu_usec() - began;
}

static void destroy(Job *job)
{
    AdviseJob *aj = (AdviseJob *)job;

    advise_task_clear(&aj->task);
    free(aj);
}

AdviseJob *advise_job_new(AdviseTask *task)
{
    AdviseJob *aj = calloc(1, sizeof *aj);
    if (!aj) {
        advise_task_clear(task);
        return NULL;
    }
    aj->job = (Job){ .run = run, .destroy = destroy };
    aj->task = *task;
    return aj;
}
