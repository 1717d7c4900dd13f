/* SPDX-License-Identifier: MIT */
/* Two lists under one mutex: what is to be run, and what has been. An eventfd wakes the loop. */

#include "daemon/jobs.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "util/units.h"

typedef struct JobList {
    Job *first;
    Job **end;
} JobList;

struct Jobs {
    pthread_t worker;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    JobList waiting, finished;
    Job *running;
    bool stop;
    int finished_fd;
    sd_event_source *source;
};

static void append(JobList *list, Job *job)
{
    job->next = NULL;
    *list->end = job;
    list->end = &job->next;
}

static Job *take_first(JobList *list)
{
    Job *job = list->first;

    if (job) {
        list->first = job->next;
        if (!list->first)
            list->end = &list->first;
    }
    return job;
}

static void *work(void *userdata)
{
    Jobs *jobs = userdata;

    pthread_mutex_lock(&jobs->mutex);
    for (;;) {
        while (!jobs->stop && !jobs->waiting.first)
            pthread_cond_wait(&jobs->wake, &jobs->mutex);
        if (jobs->stop)
            break;

        Job *job = jobs->running = take_first(&jobs->waiting);
        pthread_mutex_unlock(&jobs->mutex);
        if (!atomic_load(&job->cancelled))
            job->run(job);
        pthread_mutex_lock(&jobs->mutex);
        jobs->running = NULL;
        append(&jobs->finished, job);
        (void)eventfd_write(jobs->finished_fd, 1);
    }
    pthread_mutex_unlock(&jobs->mutex);
    return NULL;
}

static int on_finished(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    Jobs *jobs = userdata;
    eventfd_t count;

    (void)eventfd_read(fd, &count);
    for (;;) {
        pthread_mutex_lock(&jobs->mutex);
        Job *job = take_first(&jobs->finished);
        pthread_mutex_unlock(&jobs->mutex);
        if (!job)
            return 0;
        if (!atomic_load(&job->cancelled))
            job->done(job, job->owner);
        job->destroy(job);
    }
}

/* The worker must not take the signals that the loop waits for. */
static int start_worker(Jobs *jobs)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = -pthread_create(&jobs->worker, NULL, work, jobs);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r;
}

int jobs_new(sd_event *event, Jobs **ret)
{
    Jobs *jobs = calloc(1, sizeof(Jobs));
    if (!jobs)
        return -ENOMEM;

    jobs->waiting.end = &jobs->waiting.first;
    jobs->finished.end = &jobs->finished.first;
    pthread_mutex_init(&jobs->mutex, NULL);
    pthread_cond_init(&jobs->wake, NULL);
    jobs->finished_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    int r = jobs->finished_fd < 0 ? -errno : 0;
    if (r >= 0)
        r = sd_event_add_io(event, &jobs->source, jobs->finished_fd, EPOLLIN, on_finished, jobs);
    if (r >= 0)
        r = start_worker(jobs);
    if (r < 0) {
        sd_event_source_disable_unref(jobs->source);
        safe_close(jobs->finished_fd);
        free(jobs);
        return r;
    }

    *ret = jobs;
    return 0;
}

static void destroy_all(JobList *list)
{
    Job *job;

    while ((job = take_first(list)))
        job->destroy(job);
}

Jobs *jobs_free(Jobs *jobs)
{
    if (!jobs)
        return NULL;

    pthread_mutex_lock(&jobs->mutex);
    jobs->stop = true;
    if (jobs->running)
        atomic_store(&jobs->running->cancelled, true);
    pthread_cond_signal(&jobs->wake);
    pthread_mutex_unlock(&jobs->mutex);
    pthread_join(jobs->worker, NULL);

    destroy_all(&jobs->waiting);
    destroy_all(&jobs->finished);
    sd_event_source_disable_unref(jobs->source);
    safe_close(jobs->finished_fd);
    pthread_cond_destroy(&jobs->wake);
    pthread_mutex_destroy(&jobs->mutex);
    free(jobs);
    return NULL;
}

void jobs_submit(Jobs *jobs, Job *job)
{
    pthread_mutex_lock(&jobs->mutex);
    append(&jobs->waiting, job);
    pthread_cond_signal(&jobs->wake);
    pthread_mutex_unlock(&jobs->mutex);
}

Job *job_abandon(Job *job)
{
    if (job)
        atomic_store(&job->cancelled, true);
    return NULL;
}
