/* SPDX-License-Identifier: MIT */
#include "daemon/measure.h"

#include <fcntl.h>
#include <string.h>

#include "kernel/cgroup.h"
#include "kernel/locked.h"
#include "kernel/procs.h"
#include "util/io.h"

typedef struct MeasureJob {
    Job job;
    int proc_fd; /* borrowed, lives as long as the daemon */
    pid_t pid;
    int cgroup_fd; /* borrowed, too */
    char *cgroup_path;
    measured_t measured;
    Measured out;
    int error; /* out */
} MeasureJob;

/* A holder with very many files has processes beside it that hold the rest. One that has just ended
 * has nothing locked. */
static int add_children(MeasureJob *m)
{
    char path[64];
    pid_t child;
    int r = 0;

    snprintf(path, sizeof(path), "%d/task/%d/children", (int)m->pid, (int)m->pid);
    int fd = openat(m->proc_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    CLEANUP_FCLOSE FILE *file = fdopen(fd, "re");
    if (!file) {
        safe_close(fd);
        return -ENOMEM;
    }
    while (r >= 0 && fscanf(file, "%d", &child) == 1) {
        uint64_t locked = 0;
        r = locked_bytes(m->proc_fd, child, &locked);
        m->out.locked += locked;
        if (r == -ESRCH)
            r = 0;
    }
    return r;
}

/* 0 where there is no such control group, or no memory controller; then *ret_id is, too. */
static uint64_t unevictable(const MeasureJob *m, const char *path, uint64_t *ret_id)
{
    cleanup(cgroup_freep) Cgroup *cgroup = NULL;
    Sample sample;

    *ret_id = 0;
    if (m->cgroup_fd < 0 || cgroup_open(m->cgroup_fd, path, &cgroup) < 0 ||
        cgroup_sample(cgroup, now_usec(), &sample) < 0)
        return 0;
    *ret_id = cgroup_id(cgroup);
    return sample.unevictable;
}

static void run(Job *job)
{
    MeasureJob *m = (MeasureJob *)job;

    m->error = locked_bytes(m->proc_fd, m->pid, &m->out.locked);
    if (m->error >= 0)
        m->error = add_children(m);
    m->out.service = unevictable(m, m->cgroup_path, &m->out.cgroup);
    CLEANUP_FREE char *holder = NULL;
    uint64_t id;
    (void)process_cgroup(m->proc_fd, m->pid, &holder);
    m->out.holder = holder ? unevictable(m, holder, &id) : 0;
}

static void done(Job *job, void *owner)
{
    MeasureJob *m = (MeasureJob *)job;

    m->measured(m->error, &m->out, owner);
}

static void destroy(Job *job)
{
    free(((MeasureJob *)job)->cgroup_path);
    free(job);
}

Job *measure_locked(const Host *host, pid_t pid, const char *cgroup_path, measured_t measured,
                    void *userdata)
{
    MeasureJob *m = calloc(1, sizeof(MeasureJob));
    if (!m)
        return NULL;

    m->job = (Job){ .run = run, .done = done, .destroy = destroy, .owner = userdata };
    m->proc_fd = host->proc_fd;
    m->cgroup_fd = host->cgroup_fd;
    m->pid = pid;
    m->measured = measured;
    m->cgroup_path = strdup(cgroup_path);
    if (!m->cgroup_path) {
        free(m);
        return NULL;
    }
    jobs_submit(host->pin_jobs, &m->job);
    return &m->job;
}
