/* SPDX-License-Identifier: MIT */
#include "daemon/measure.h"

#include <fcntl.h>

#include "kernel/locked.h"

typedef struct MeasureJob {
    Job job;
    int proc_fd; /* borrowed, lives as long as the daemon */
    pid_t pid;
    measured_t measured;
    uint64_t locked; /* out */
    int error;       /* out */
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
        m->locked += locked;
        if (r == -ESRCH)
            r = 0;
    }
    return r;
}

static void run(Job *job)
{
    MeasureJob *m = (MeasureJob *)job;

    m->error = locked_bytes(m->proc_fd, m->pid, &m->locked);
    if (m->error >= 0)
        m->error = add_children(m);
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
