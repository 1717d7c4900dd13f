/* SPDX-License-Identifier: MIT */
/* Two lists under one mutex: what is to be run, and what has been. An eventfd wakes the loop.
 * Workers are busy with their jobs, so that the loop has the clock by which slices end. */

#include "daemon/jobs.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "util/io.h"
#include "util/units.h"

typedef struct JobList {
    Job *first;
    Job **end;
} JobList;

/* How often the loop asks whether a slice is over, at the most, */
#define TICK_MIN_USEC (100 * USEC_PER_MSEC)
/* and where what is running has none. */
#define TICK_MAX_USEC USEC_PER_SEC

typedef struct Worker {
    Jobs *jobs;
    pthread_t thread;
    Job *running;
    uint64_t began_usec; /* it did */
} Worker;

struct Jobs {
    Worker *workers;
    size_t n_workers; /* that have begun */
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    JobList waiting, finished;
    bool stop;
    int finished_fd;
    sd_event_source *source, *clock;
    bool ticking; /* the clock is */
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
    Worker *worker = userdata;
    Jobs *jobs = worker->jobs;

    pthread_mutex_lock(&jobs->mutex);
    for (;;) {
        while (!jobs->stop && !jobs->waiting.first)
            pthread_cond_wait(&jobs->wake, &jobs->mutex);
        if (jobs->stop)
            break;

        Job *job = worker->running = take_first(&jobs->waiting);
        worker->began_usec = now_usec();
        job->unfinished = false;
        atomic_store(&job->stop, false); /* first: it may be abandoned just now */
        if (atomic_load(&job->cancelled))
            atomic_store(&job->stop, true);
        pthread_mutex_unlock(&jobs->mutex);
        if (!atomic_load(&job->cancelled))
            job->run(job);
        pthread_mutex_lock(&jobs->mutex);
        worker->running = NULL;
        if (job->unfinished && !atomic_load(&job->cancelled)) {
            append(&jobs->waiting, job);
            continue;
        }
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

/* Ends the slice of @worker if it is over, or says how long it still has. */
static uint64_t watch_worker(const Worker *worker)
{
    uint64_t slice = atomic_load(&worker->running->slice_usec);

    if (slice == 0)
        return TICK_MAX_USEC;
    uint64_t left = sub_u64(add_u64(worker->began_usec, slice), now_usec());
    if (left == 0)
        atomic_store(&worker->running->stop, true);
    return left;
}

/* Ends the slices that are over. To be called again after what it returns; UINT64_MAX: not. */
static uint64_t watch_slices(Jobs *jobs)
{
    uint64_t left = UINT64_MAX;

    for (size_t i = 0; i < jobs->n_workers; i++)
        if (jobs->workers[i].running)
            left = min_u64(left, watch_worker(&jobs->workers[i]));
    if (left == UINT64_MAX && jobs->waiting.first)
        left = atomic_load(&jobs->waiting.first->slice_usec) ?: TICK_MAX_USEC;
    if (left == UINT64_MAX)
        return left;
    return max_u64(min_u64(left, TICK_MAX_USEC), TICK_MIN_USEC); /* it may end, and another begin */
}

static void tick_in(Jobs *jobs, uint64_t usec)
{
    jobs->ticking = sd_event_source_set_time_relative(jobs->clock, usec) >= 0 &&
                    sd_event_source_set_enabled(jobs->clock, SD_EVENT_ONESHOT) >= 0;
}

static int on_clock(sd_event_source *source, uint64_t usec, void *userdata)
{
    Jobs *jobs = userdata;

    jobs->ticking = false;
    pthread_mutex_lock(&jobs->mutex);
    uint64_t next = watch_slices(jobs);
    pthread_mutex_unlock(&jobs->mutex);
    if (next != UINT64_MAX)
        tick_in(jobs, next);
    return 0;
}

/* Workers must not take the signals that the loop waits for. */
static int start_workers(Jobs *jobs, size_t n)
{
    sigset_t all, before;
    int r = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; jobs->n_workers < n && r >= 0; jobs->n_workers += r >= 0) {
        Worker *worker = &jobs->workers[jobs->n_workers];

        worker->jobs = jobs;
        r = -pthread_create(&worker->thread, NULL, work, worker);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r;
}

static void stop_workers(Jobs *jobs)
{
    pthread_mutex_lock(&jobs->mutex);
    jobs->stop = true;
    for (size_t i = 0; i < jobs->n_workers; i++)
        (void)job_abandon(jobs->workers[i].running);
    pthread_cond_broadcast(&jobs->wake);
    pthread_mutex_unlock(&jobs->mutex);
    for (size_t i = 0; i < jobs->n_workers; i++)
        pthread_join(jobs->workers[i].thread, NULL);
}

static void destroy_all(JobList *list)
{
    Job *job;

    while ((job = take_first(list)))
        job->destroy(job);
}

int jobs_new_many(sd_event *event, size_t n_workers, Jobs **ret)
{
    cleanup(jobs_freep) Jobs *jobs = calloc(1, sizeof(Jobs));
    if (!jobs)
        return -ENOMEM;

    jobs->waiting.end = &jobs->waiting.first;
    jobs->finished.end = &jobs->finished.first;
    pthread_mutex_init(&jobs->mutex, NULL);
    pthread_cond_init(&jobs->wake, NULL);
    jobs->workers = calloc(n_workers, sizeof(Worker));
    jobs->finished_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    int r = jobs->finished_fd < 0 ? -errno : jobs->workers ? 0 : -ENOMEM;
    if (r >= 0)
        r = sd_event_add_io(event, &jobs->source, jobs->finished_fd, EPOLLIN, on_finished, jobs);
    if (r >= 0)
        r = sd_event_add_time_relative(event, &jobs->clock, CLOCK_MONOTONIC, 0, USEC_PER_MSEC,
                                       on_clock, jobs);
    if (r >= 0)
        r = sd_event_source_set_enabled(jobs->clock, SD_EVENT_OFF);
    if (r >= 0)
        r = start_workers(jobs, n_workers);
    if (r < 0)
        return r;

    *ret = TAKE_PTR(jobs);
    return 0;
}

int jobs_new(sd_event *event, Jobs **ret)
{
    return jobs_new_many(event, 1, ret);
}

Jobs *jobs_free(Jobs *jobs)
{
    if (!jobs)
        return NULL;

    stop_workers(jobs);
    destroy_all(&jobs->waiting);
    destroy_all(&jobs->finished);
    sd_event_source_disable_unref(jobs->clock);
    sd_event_source_disable_unref(jobs->source);
    safe_close(jobs->finished_fd);
    pthread_cond_destroy(&jobs->wake);
    pthread_mutex_destroy(&jobs->mutex);
    free(jobs->workers);
    free(jobs);
    return NULL;
}

void jobs_submit(Jobs *jobs, Job *job)
{
    uint64_t slice_usec = atomic_load(&job->slice_usec);

    pthread_mutex_lock(&jobs->mutex);
    append(&jobs->waiting, job);
    pthread_cond_signal(&jobs->wake);
    pthread_mutex_unlock(&jobs->mutex);
    if (slice_usec > 0 && !jobs->ticking)
        tick_in(jobs, slice_usec);
}

Job *job_abandon(Job *job)
{
    if (job) {
        atomic_store(&job->cancelled, true);
        atomic_store(&job->stop, true);
    }
    return NULL;
}
