/* SPDX-License-Identifier: MIT */
/* A snapshot is taken when the unit stops (its files are still in memory then), every ten minutes
 * before that, since a machine may lose its power, and when the controller ends, since at a
 * shutdown it may end before the unit does.
 *
 * Looking and writing are jobs; one at a time, and "again" where one is due meanwhile. What is
 * there at the beginning is read once, for `status` and to tell of a damaged one when somebody can
 * still see to it. */

#include "daemon/recorder.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "snapshot/store.h"
#include "snapshot/take.h"
#include "util/io.h"
#include "util/log.h"
#include "util/units.h"

#define EVERY_USEC (10 * 60 * USEC_PER_SEC)

/* A unit that is restarted all the time is not looked at each time. */
#define RESTARTS_USEC (10 * USEC_PER_SEC)

/* Then a snapshot is of a unit that does not come again: transient ones, instances. */
#define OLD_SEC (UINT64_C(60) * 24 * 60 * 60)

typedef enum Task {
    TASK_LOAD, /* what is there */
    TASK_TAKE,
} Task;

typedef struct RecordJob {
    Job job;

    /* in */
    Task task;
    int state_fd, root_fd; /* borrowed, live as long as the daemon */
    WalkFlags walk_flags;
    char *unit;
    PinRule *rules;
    size_t n_rules;
    PinOrder order;
    const atomic_bool *cancelled;

    /* out */
    int error;
    const char *why; /* of -EBADMSG; lives for ever */
    bool full;
    uint64_t taken_sec, files, bytes;
} RecordJob;

struct Recorder {
    Host *host;
    char *unit;
    PinRule *rules; /* NULL: nothing is wanted */
    size_t n_rules;
    PinOrder order;
    uint64_t taken_usec; /* when the last one was asked for; 0: never */
    RecordJob *job;
    bool again;
    bool full_was_told, unarmed_was_told, type_was_told;
    char problem[256];
    RecorderStatus status;
};

/* On the worker, and when the controller ends in its place: both may write the same file. */
static pthread_mutex_t saving = PTHREAD_MUTEX_INITIALIZER;

static int save(RecordJob *rj, SnapshotWriter *writer)
{
    snapshot_finish(writer, rj->taken_sec);
    pthread_mutex_lock(&saving);
    int r = snapshot_save(rj->state_fd, rj->unit, writer);
    pthread_mutex_unlock(&saving);
    rj->files = writer->n_files;
    rj->bytes = writer->bytes;
    return r;
}

static int take(RecordJob *rj)
{
    cleanup(snapshot_writer_clear) SnapshotWriter writer = { 0 };
    SelectScope scope = {
        .root_fd = rj->root_fd,
        .flags = rj->walk_flags,
        .cancelled = rj->cancelled,
    };

    rj->taken_sec = (uint64_t)time(NULL);
    int r = snapshot_begin(&writer, rj->unit, SNAPSHOT_SIZE_MAX);
    if (r >= 0)
        r = snapshot_take(&scope, rj->rules, rj->n_rules, &rj->order, &writer, &rj->full);
    return r < 0 ? r : save(rj, &writer);
}

static int load(RecordJob *rj)
{
    cleanup(snapshot_clear) Snapshot snapshot = { 0 };

    int r = snapshot_load(rj->state_fd, rj->unit, &snapshot, &rj->why);
    if (r < 0)
        return r;
    rj->taken_sec = snapshot.head.taken_sec;
    rj->files = snapshot.head.n_files;
    rj->bytes = snapshot.head.bytes;
    return 0;
}

static void run(Job *job)
{
    RecordJob *rj = (RecordJob *)job;

    rj->error = rj->task == TASK_LOAD ? load(rj) : take(rj);
}

static void free_job(RecordJob *rj)
{
    pin_rules_free(rj->rules, rj->n_rules);
    free(rj->unit);
    free(rj);
}

static void destroy(Job *job)
{
    free_job((RecordJob *)job);
}

/* On the loop */

static void tell_of_error(Recorder *r, const RecordJob *rj)
{
    const char *why = rj->error == -EBADMSG ? rj->why : strerror(-rj->error);
    bool told = strcmp(r->problem, why) == 0;

    snprintf(r->problem, sizeof(r->problem), "%s", why);
    if (told)
        return;
    if (rj->task == TASK_LOAD)
        log_warning("%s: its snapshot is ignored: %s", r->unit, why);
    else
        log_warning("%s: what is in memory cannot be remembered for a warm start: %s", r->unit,
                    why);
}

static void note_outcome(Recorder *r, const RecordJob *rj)
{
    if (rj->error == -ENOENT && rj->task == TASK_LOAD)
        return;
    if (rj->error < 0) {
        tell_of_error(r, rj);
        return;
    }
    r->problem[0] = '\0';
    r->status.has_snapshot = true;
    r->status.taken_sec = rj->taken_sec;
    r->status.files = rj->files;
    r->status.bytes = rj->bytes;
    if (rj->full && !r->full_was_told)
        log_notice("%s: too many files to remember all of them; the least important are left out",
                   r->unit);
    r->full_was_told = rj->full;
    log_debug("%s: %ju bytes of %ju files are remembered for a warm start", r->unit,
              (uintmax_t)rj->bytes, (uintmax_t)rj->files);
}

static void submit(Recorder *r, Task task);

static void done(Job *job, void *owner)
{
    Recorder *r = owner;

    note_outcome(r, (RecordJob *)job);
    r->job = NULL;
    if (r->again)
        submit(r, TASK_TAKE);
}

static RecordJob *new_job(const Recorder *r, Task task)
{
    RecordJob *rj = calloc(1, sizeof(RecordJob));
    if (!rj)
        return NULL;

    rj->job = (Job){ .run = run, .done = done, .destroy = destroy, .owner = (void *)r };
    rj->task = task;
    rj->state_fd = r->host->state_fd;
    rj->root_fd = r->host->root_fd;
    rj->walk_flags = host_walk_flags(r->host);
    rj->order = r->order;
    rj->cancelled = &rj->job.cancelled;
    rj->unit = strdup(r->unit);
    if (!rj->unit || pin_rules_copy(r->rules, r->n_rules, &rj->rules) < 0) {
        free_job(rj);
        return NULL;
    }
    rj->n_rules = r->n_rules;
    return rj;
}

/* Without memory, the next turn does. */
static void submit(Recorder *r, Task task)
{
    if (r->host->state_fd < 0)
        return;
    r->again = r->job && task == TASK_TAKE;
    if (r->job)
        return;
    r->job = new_job(r, task);
    if (r->job)
        jobs_submit(r->host->snapshot_jobs, &r->job->job);
}

int recorder_new(Host *host, const char *unit, Recorder **ret)
{
    cleanup(recorder_freep) Recorder *r = calloc(1, sizeof(Recorder));
    if (!r)
        return -ENOMEM;

    r->host = host;
    r->unit = strdup(unit);
    if (!r->unit)
        return -ENOMEM;
    *ret = TAKE_PTR(r);
    return 0;
}

static void drop_job(Recorder *r)
{
    if (r->job)
        job_abandon(&r->job->job);
    r->job = NULL;
    r->again = false;
}

Recorder *recorder_free(Recorder *r)
{
    if (!r)
        return NULL;
    drop_job(r);
    pin_rules_free(r->rules, r->n_rules);
    free(r->unit);
    free(r);
    return NULL;
}

/* Removing: jobs that nobody waits for. */

typedef struct RemoveJob {
    Job job;
    int state_fd;
    char *unit; /* NULL: all that are old */
} RemoveJob;

static void run_remove(Job *job)
{
    RemoveJob *rj = (RemoveJob *)job;

    int r = rj->unit ? snapshot_remove(rj->state_fd, rj->unit)
                     : snapshot_remove_older(rj->state_fd, (uint64_t)time(NULL), OLD_SEC);
    if (r < 0 && !rj->unit)
        log_warning("Old snapshots cannot be removed: %s", strerror(-r));
    else if (r < 0)
        log_warning("%s: its snapshot cannot be removed: %s", rj->unit, strerror(-r));
}

static void done_remove(Job *job, void *owner)
{
}

static void destroy_remove(Job *job)
{
    free(((RemoveJob *)job)->unit);
    free(job);
}

/* Without memory it stays until it is old. */
static void submit_remove(Host *host, const char *unit)
{
    char *copy = unit ? strdup(unit) : NULL;
    RemoveJob *rj = host->state_fd >= 0 && !unit == !copy ? calloc(1, sizeof(RemoveJob)) : NULL;
    if (!rj) {
        free(copy);
        return;
    }
    rj->job = (Job){ .run = run_remove, .done = done_remove, .destroy = destroy_remove };
    rj->state_fd = host->state_fd;
    rj->unit = copy;
    jobs_submit(host->snapshot_jobs, &rj->job);
}

void recorder_remove_old(Host *host)
{
    submit_remove(host, NULL);
}

static void want_nothing(Recorder *r)
{
    if (!r->rules)
        return;
    drop_job(r);
    pin_rules_free(TAKE_PTR(r->rules), r->n_rules);
    r->n_rules = 0;
    r->status = (RecorderStatus){ 0 };
    r->problem[0] = '\0';
    submit_remove(r->host, r->unit);
}

/* Scopes and slices are not started by systemd from a file, so nothing can be put before that. */
static bool can_wait(Recorder *r)
{
    const char *type = strrchr(r->unit, '.');

    if (type && strcmp(type, ".service") == 0)
        return true;
    if (!r->type_was_told)
        log_notice("%s: warm starts (restore: true) are for services, ignoring", r->unit);
    r->type_was_told = true;
    return false;
}

int recorder_want(Recorder *r, const Policy *policy)
{
    PinRule *rules = NULL;

    if (!policy || !policy->pin_restore || policy->n_pins == 0 || !can_wait(r)) {
        want_nothing(r);
        return 0;
    }
    int error = pin_rules_copy(policy->pins, policy->n_pins, &rules);
    if (error < 0)
        return error;
    bool is_new = !r->rules;
    pin_rules_free(r->rules, r->n_rules);
    r->rules = rules;
    r->n_rules = policy->n_pins;
    r->order = policy->pin_order;
    if (!is_new)
        return 0;
    r->status.wanted = true;
    if (r->host->state_fd < 0) {
        snprintf(r->problem, sizeof(r->problem), "there is no folder for snapshots");
        log_warning("%s: warm starts need a folder for snapshots: there is none", r->unit);
    }
    submit(r, TASK_LOAD);
    return 0;
}

void recorder_tick(Recorder *r, uint64_t now)
{
    if (!r->rules)
        return;
    if (r->taken_usec == 0) /* what came back at the start is better than what is there so early */
        r->taken_usec = now;
    if (now - r->taken_usec < EVERY_USEC)
        return;
    r->taken_usec = now;
    submit(r, TASK_TAKE);
}

void recorder_note_stop(Recorder *r, uint64_t now)
{
    if (!r->rules)
        return;
    r->taken_usec = now;
    submit(r, TASK_TAKE);
}

void recorder_note_restart(Recorder *r, uint64_t now)
{
    if (now - r->taken_usec >= RESTARTS_USEC)
        recorder_note_stop(r, now);
}

void recorder_note_armed(Recorder *r, bool armed)
{
    if (!r->rules)
        return;
    r->status.armed_is_known = true;
    r->status.armed = armed;
    if (!armed && !r->unarmed_was_told)
        log_notice("%s: its warm start (restore: true) is in force after a \"systemctl "
                   "daemon-reload\"",
                   r->unit);
    r->unarmed_was_told = !armed;
}

bool recorder_asks_for_armed(const Recorder *r)
{
    return r->rules && !r->status.armed;
}

bool recorder_is_busy(const Recorder *r)
{
    return r->job != NULL;
}

/* The end */

static atomic_bool is_late;

static void on_alarm(int signal)
{
    atomic_store(&is_late, true);
}

static void alarm_after(uint64_t usec)
{
    struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
    struct itimerval timer = {
        .it_value = { .tv_sec = (time_t)(usec / USEC_PER_SEC),
                      .tv_usec = (suseconds_t)(usec % USEC_PER_SEC) },
    };

    (void)sigaction(SIGALRM, &action, NULL);
    (void)setitimer(ITIMER_REAL, &timer, NULL);
}

void recorder_end(Recorder *r, bool running, uint64_t until_usec)
{
    uint64_t now = now_usec();

    if (!r->rules || r->host->state_fd < 0 || (!running && !r->job) || now >= until_usec)
        return;
    drop_job(r);
    RecordJob *rj = new_job(r, TASK_TAKE);
    if (!rj)
        return;
    rj->cancelled = &is_late;
    atomic_store(&is_late, false);
    alarm_after(until_usec - now);
    run(&rj->job);
    alarm_after(0);
    note_outcome(r, rj);
    free_job(rj);
}

RecorderStatus recorder_status(const Recorder *r)
{
    RecorderStatus status = r->status;

    status.problem = r->problem[0] ? r->problem : NULL;
    return status;
}
