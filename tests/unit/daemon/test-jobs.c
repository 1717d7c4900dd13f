/* SPDX-License-Identifier: MIT */
#include "daemon/jobs.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/test.h"
#include "util/units.h"

/* What became of the jobs of a test; the worker writes under the mutex. */
typedef struct Log {
    pthread_mutex_t mutex;
    char text[4096];
} Log;

static void say(Log *log, const char *what, char name)
{
    pthread_mutex_lock(&log->mutex);
    size_t n = strlen(log->text);
    snprintf(log->text + n, sizeof(log->text) - n, "%s%s %c", n > 0 ? ", " : "", what, name);
    pthread_mutex_unlock(&log->mutex);
}

typedef struct Test {
    Job job;
    char name;
    Log *log;
    sem_t *started, *go; /* may be NULL */
    bool wait_cancelled; /* runs until it is abandoned */
    pthread_t loop;
} Test;

static void test_run(Job *job)
{
    Test *t = (Test *)job;

    assert_false(pthread_equal(pthread_self(), t->loop));
    say(t->log, "run", t->name);
    if (t->started)
        sem_post(t->started);
    if (t->go)
        sem_wait(t->go);
    while (t->wait_cancelled && !atomic_load(&job->cancelled))
        usleep(100);
}

static void test_done(Job *job, void *owner)
{
    Test *t = (Test *)job;

    assert_true(pthread_equal(pthread_self(), t->loop));
    assert_ptr_equal(owner, t->log);
    say(t->log, "done", t->name);
}

static void test_destroy(Job *job)
{
    Test *t = (Test *)job;

    assert_true(pthread_equal(pthread_self(), t->loop));
    say(t->log, "destroy", t->name);
    free(t);
}

static Test *a_job(Log *log, char name)
{
    Test *t = calloc(1, sizeof(Test));

    assert_non_null(t);
    t->job = (Job){ .run = test_run, .done = test_done, .destroy = test_destroy, .owner = log };
    t->log = log;
    t->name = name;
    t->loop = pthread_self();
    return t;
}

typedef struct World {
    sd_event *event;
    Jobs *jobs;
    Log log;
    sem_t started, go;
} World;

static void world_begin_many(World *w, size_t n_workers)
{
    *w = (World){ 0 };
    assert_true(sd_event_new(&w->event) >= 0);
    assert_int_equal(jobs_new_many(w->event, n_workers, &w->jobs), 0);
    pthread_mutex_init(&w->log.mutex, NULL);
    sem_init(&w->started, 0, 0);
    sem_init(&w->go, 0, 0);
}

static void world_begin(World *w)
{
    world_begin_many(w, 1);
}

static void world_end(World *w)
{
    w->jobs = jobs_free(w->jobs);
    assert_null(w->jobs);
    sd_event_unref(w->event);
    sem_destroy(&w->started);
    sem_destroy(&w->go);
    pthread_mutex_destroy(&w->log.mutex);
}

/* A job that waits in the worker until w->go. */
static Test *a_slow_job(World *w, char name)
{
    Test *t = a_job(&w->log, name);

    t->started = &w->started;
    t->go = &w->go;
    return t;
}

/* Runs the loop until all of the log is @expected; then for a while, and nothing more may come. */
static void expect_log(World *w, const char *expected)
{
    for (unsigned i = 0; i < 500; i++) {
        pthread_mutex_lock(&w->log.mutex);
        bool equal = strcmp(w->log.text, expected) == 0;
        pthread_mutex_unlock(&w->log.mutex);
        if (equal)
            break;
        assert_true(sd_event_run(w->event, 20000) >= 0);
    }
    for (unsigned i = 0; i < 3; i++)
        assert_true(sd_event_run(w->event, 5000) >= 0);
    pthread_mutex_lock(&w->log.mutex);
    CLEANUP_FREE char *text = strdup(w->log.text);
    pthread_mutex_unlock(&w->log.mutex);
    assert_string_equal(text, expected);
}

static void done_comes_on_the_loop(void **state)
{
    World w;

    world_begin(&w);
    Test *t = a_job(&w.log, 'a');
    t->started = &w.started;
    jobs_submit(w.jobs, &t->job);
    /* Without the loop nothing but run() happens. */
    sem_wait(&w.started);
    usleep(20000);
    pthread_mutex_lock(&w.log.mutex);
    assert_string_equal(w.log.text, "run a");
    pthread_mutex_unlock(&w.log.mutex);
    expect_log(&w, "run a, done a, destroy a");
    world_end(&w);
}

static void one_after_another(void **state)
{
    World w;

    world_begin(&w);
    jobs_submit(w.jobs, &a_slow_job(&w, 'a')->job);
    for (char name = 'b'; name <= 'd'; name++)
        jobs_submit(w.jobs, &a_job(&w.log, name)->job);
    sem_wait(&w.started);
    expect_log(&w, "run a");
    sem_post(&w.go);
    /* Wait for all runs, so that the order of the log is one. */
    Test *last = a_job(&w.log, 'e');
    last->started = &w.started;
    jobs_submit(w.jobs, &last->job);
    sem_wait(&w.started);
    usleep(20000);
    expect_log(&w, "run a, run b, run c, run d, run e, done a, destroy a, done b, destroy b, "
                   "done c, destroy c, done d, destroy d, done e, destroy e");
    world_end(&w);
}

static void abandoned_before_it_ran(void **state)
{
    World w;

    world_begin(&w);
    jobs_submit(w.jobs, &a_slow_job(&w, 'a')->job);
    Test *b = a_job(&w.log, 'b');
    jobs_submit(w.jobs, &b->job);
    assert_null(job_abandon(&b->job));
    sem_wait(&w.started);
    sem_post(&w.go);
    expect_log(&w, "run a, done a, destroy a, destroy b");
    world_end(&w);
}

static void abandoned_while_it_runs(void **state)
{
    World w;

    world_begin(&w);
    Test *a = a_job(&w.log, 'a');
    a->started = &w.started;
    a->wait_cancelled = true;
    jobs_submit(w.jobs, &a->job);
    sem_wait(&w.started);
    assert_null(job_abandon(&a->job));
    expect_log(&w, "run a, destroy a");
    world_end(&w);
}

static void abandoned_when_it_has_run(void **state)
{
    World w;

    world_begin(&w);
    Test *a = a_job(&w.log, 'a');
    a->started = &w.started;
    jobs_submit(w.jobs, &a->job);
    sem_wait(&w.started);
    usleep(20000);
    assert_null(job_abandon(&a->job));
    expect_log(&w, "run a, destroy a");
    world_end(&w);
}

static void freed_while_one_runs(void **state)
{
    World w;

    world_begin(&w);
    Test *a = a_job(&w.log, 'a');
    a->started = &w.started;
    a->wait_cancelled = true; /* else this would wait for ever */
    jobs_submit(w.jobs, &a->job);
    jobs_submit(w.jobs, &a_job(&w.log, 'b')->job);
    jobs_submit(w.jobs, &a_job(&w.log, 'c')->job);
    sem_wait(&w.started);
    w.jobs = jobs_free(w.jobs);
    assert_string_equal(w.log.text, "run a, destroy b, destroy c, destroy a");
    /* The loop goes on without it. */
    expect_log(&w, "run a, destroy b, destroy c, destroy a");
    world_end(&w);
}

static void freed_with_outcomes_that_nobody_took(void **state)
{
    World w;

    world_begin(&w);
    Test *b = a_job(&w.log, 'b');
    b->started = &w.started;
    jobs_submit(w.jobs, &a_job(&w.log, 'a')->job);
    jobs_submit(w.jobs, &b->job);
    sem_wait(&w.started);
    usleep(20000);
    w.jobs = jobs_free(w.jobs);
    assert_string_equal(w.log.text, "run a, run b, destroy a, destroy b");
    world_end(&w);
}

static void nothing_to_free(void **state)
{
    World w;

    assert_null(jobs_free(NULL));
    assert_null(job_abandon(NULL));
    world_begin(&w);
    world_end(&w);
}

/* A job whose done() submits the next. */
typedef struct Chain {
    Job job;
    Jobs *jobs;
    unsigned *left;
} Chain;

static void chain_run(Job *job)
{
}

static void chain_destroy(Job *job)
{
    free(job);
}

static void chain_done(Job *job, void *owner)
{
    Chain *chain = (Chain *)job;

    if (--*chain->left == 0)
        return;
    Chain *next = calloc(1, sizeof(Chain));
    assert_non_null(next);
    *next = (Chain){ .jobs = chain->jobs, .left = chain->left };
    next->job = (Job){ .run = chain_run, .done = chain_done, .destroy = chain_destroy };
    jobs_submit(next->jobs, &next->job);
}

static void done_may_submit_more(void **state)
{
    World w;
    unsigned left = 500;

    world_begin(&w);
    Chain first = { .jobs = w.jobs, .left = &left };
    Chain *chain = calloc(1, sizeof(Chain));
    assert_non_null(chain);
    *chain = first;
    chain->job = (Job){ .run = chain_run, .done = chain_done, .destroy = chain_destroy };
    jobs_submit(w.jobs, &chain->job);
    for (unsigned i = 0; left > 0 && i < 100000; i++)
        assert_true(sd_event_run(w.event, 1000000) >= 0);
    assert_int_equal(left, 0);
    world_end(&w);
}

typedef struct Counts {
    unsigned done, destroyed;
} Counts;

static void count_done(Job *job, void *owner)
{
    ((Counts *)owner)->done++;
    assert_false(atomic_load(&job->cancelled));
}

static void count_destroy(Job *job)
{
    ((Counts *)job->owner)->destroyed++;
    free(job);
}

static void short_run(Job *job)
{
    for (volatile unsigned i = 0; i < 300; i = i + 1)
        ;
}

/* The last ones are abandoned while the worker is wherever it is. */
static void many_and_some_abandoned(void **state)
{
    enum { ROUNDS = 400, JOBS = 50, ABANDONED = 10 };
    Counts counts = { 0 };
    unsigned abandoned = 0;
    World w;

    world_begin(&w);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < JOBS; i++) {
            Job *job = calloc(1, sizeof(Job));
            assert_non_null(job);
            *job = (Job){
                .run = short_run, .done = count_done, .destroy = count_destroy, .owner = &counts
            };
            jobs_submit(w.jobs, job);
            if (i < ABANDONED) {
                job_abandon(job);
                abandoned++;
            }
        }
        assert_true(sd_event_run(w.event, 0) >= 0);
    }
    for (unsigned i = 0; counts.destroyed < ROUNDS * JOBS && i < 100000; i++)
        assert_true(sd_event_run(w.event, 1000000) >= 0);
    assert_int_equal(counts.destroyed, ROUNDS * JOBS);
    assert_int_equal(counts.done, ROUNDS * JOBS - abandoned);
    world_end(&w);
}

static void mask_run(Job *job)
{
    sigset_t *mask = job->owner;

    pthread_sigmask(SIG_SETMASK, NULL, mask);
}

static void nothing_done(Job *job, void *owner)
{
}

/* Runs until it is told to stop, as often as there are slices. */
typedef struct Long {
    Test test;
    unsigned slices;
} Long;

static void long_run(Job *job)
{
    Long *l = (Long *)job;

    say(l->test.log, "run", l->test.name);
    if (l->test.started)
        sem_post(l->test.started);
    while (!atomic_load(&job->stop))
        usleep(100);
    job->unfinished = --l->slices > 0;
}

static Test *a_long_job(World *w, char name, unsigned slices)
{
    Long *l = calloc(1, sizeof(Long));

    assert_non_null(l);
    *l = (Long){
        .test = { .job = { .run = long_run,
                           .done = test_done,
                           .destroy = test_destroy,
                           .owner = &w->log,
                           .slice_usec = 20 * USEC_PER_MSEC },
                  .log = &w->log,
                  .name = name,
                  .loop = pthread_self(),
                  .started = &w->started },
        .slices = slices,
    };
    return &l->test;
}

/* The parts of the log that begin with @word. */
static void parts_of(const Log *log, const char *word, char *ret, size_t size)
{
    size_t length = strlen(word) + strlen(" x");

    ret[0] = '\0';
    for (const char *p = log->text; (p = strstr(p, word)); p += length)
        snprintf(ret + strlen(ret), size - strlen(ret), "%s%.*s", ret[0] == '\0' ? "" : ", ",
                 (int)length, p);
}

/* Runs the loop until all is done. */
static void expect_each(World *w, const char *runs, const char *dones)
{
    char parts[sizeof w->log.text] = "";

    for (unsigned i = 0; i < 1000 && strcmp(parts, dones) != 0; i++) {
        assert_true(sd_event_run(w->event, 20000) >= 0);
        pthread_mutex_lock(&w->log.mutex);
        parts_of(&w->log, "done", parts, sizeof parts);
        pthread_mutex_unlock(&w->log.mutex);
    }
    assert_string_equal(parts, dones);
    parts_of(&w->log, "run", parts, sizeof parts);
    assert_string_equal(parts, runs);
}

static void what_is_long_gives_way(void **state)
{
    World w;

    world_begin(&w);
    jobs_submit(w.jobs, &a_long_job(&w, 'a', 3)->job);
    jobs_submit(w.jobs, &a_long_job(&w, 'b', 2)->job);
    jobs_submit(w.jobs, &a_job(&w.log, 'c')->job);
    /* What is done on the loop comes some time after its run. */
    expect_each(&w, "run a, run b, run c, run a, run b, run a", "done c, done b, done a");

    /* Later ones are stopped, too; the clock had nothing to do meanwhile. */
    w.log.text[0] = '\0';
    jobs_submit(w.jobs, &a_long_job(&w, 'd', 2)->job);
    expect_log(&w, "run d, run d, done d, destroy d");
    world_end(&w);
}

static void what_is_long_is_abandoned(void **state)
{
    World w;

    world_begin(&w);
    Test *a = a_long_job(&w, 'a', 1000);
    jobs_submit(w.jobs, &a->job);
    sem_wait(&w.started);
    assert_null(job_abandon(&a->job));
    expect_log(&w, "run a, destroy a");

    /* Between two slices. */
    w.log.text[0] = '\0';
    Test *b = a_long_job(&w, 'b', 1000);
    b->started = NULL;
    jobs_submit(w.jobs, &b->job);
    jobs_submit(w.jobs, &a_slow_job(&w, 'c')->job);
    while (sem_trywait(&w.started) < 0)
        assert_true(sd_event_run(w.event, 20000) >= 0);
    assert_null(job_abandon(&b->job));
    sem_post(&w.go);
    expect_log(&w, "run b, run c, done c, destroy c, destroy b");
    world_end(&w);
}

static void one_that_hangs_keeps_nobody_waiting(void **state)
{
    World w;

    world_begin_many(&w, 2);
    jobs_submit(w.jobs, &a_slow_job(&w, 'a')->job);
    sem_wait(&w.started);
    jobs_submit(w.jobs, &a_job(&w.log, 'b')->job);
    expect_log(&w, "run a, run b, done b, destroy b");
    jobs_submit(w.jobs, &a_job(&w.log, 'c')->job);
    expect_log(&w, "run a, run b, done b, destroy b, run c, done c, destroy c");
    sem_post(&w.go);
    expect_log(&w, "run a, run b, done b, destroy b, run c, done c, destroy c, done a, destroy a");
    world_end(&w);
}

static void slices_end_on_each_worker(void **state)
{
    World w;

    world_begin_many(&w, 2);
    Test *hung = a_slow_job(&w, 'a');
    jobs_submit(w.jobs, &hung->job);
    sem_wait(&w.started);
    jobs_submit(w.jobs, &a_long_job(&w, 'l', 2)->job);
    expect_log(&w, "run a, run l, run l, done l, destroy l");
    sem_post(&w.go);
    expect_log(&w, "run a, run l, run l, done l, destroy l, done a, destroy a");
    world_end(&w);
}

static void freed_while_several_run(void **state)
{
    World w;

    world_begin_many(&w, 2);
    for (char name = 'a'; name <= 'b'; name++) {
        Test *t = a_job(&w.log, name);

        t->started = &w.started;
        t->wait_cancelled = true;
        jobs_submit(w.jobs, &t->job);
        sem_wait(&w.started);
    }
    jobs_submit(w.jobs, &a_job(&w.log, 'c')->job);
    world_end(&w); /* which would wait for ever */
    assert_null(strstr(w.log.text, "run c"));
    assert_non_null(strstr(w.log.text, "destroy a"));
    assert_non_null(strstr(w.log.text, "destroy b"));
    assert_non_null(strstr(w.log.text, "destroy c"));
}

static void signals_stay_with_the_loop(void **state)
{
    sigset_t none, after, of_worker;
    World w;

    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    world_begin(&w);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    sigemptyset(&of_worker);
    Job *job = calloc(1, sizeof(Job));
    assert_non_null(job);
    *job = (Job){
        .run = mask_run, .done = nothing_done, .destroy = chain_destroy, .owner = &of_worker
    };
    jobs_submit(w.jobs, job);
    assert_true(sd_event_run(w.event, 5000000) > 0);
    static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1 };
    for (size_t i = 0; i < ELEMENTS(signals); i++) {
        assert_true(sigismember(&of_worker, signals[i]));
        assert_false(sigismember(&after, signals[i]));
    }
    world_end(&w);
}

/* In a child. */
static int new_without_room(void)
{
    struct rlimit limit;
    sd_event *event;
    Jobs *jobs = NULL;

    if (sd_event_new(&event) < 0)
        return 1;
    limit.rlim_cur = limit.rlim_max = 0;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 2;
    int r = jobs_new(event, &jobs);
    sd_event_unref(event);
    return r == -EMFILE && !jobs ? 0 : 3;
}

static void no_room_for_a_queue(void **state)
{
    int status;

    pid_t pid = fork();
    if (pid == 0)
        _exit(new_without_room());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(done_comes_on_the_loop),
        cmocka_unit_test(one_after_another),
        cmocka_unit_test(abandoned_before_it_ran),
        cmocka_unit_test(abandoned_while_it_runs),
        cmocka_unit_test(abandoned_when_it_has_run),
        cmocka_unit_test(freed_while_one_runs),
        cmocka_unit_test(freed_with_outcomes_that_nobody_took),
        cmocka_unit_test(nothing_to_free),
        cmocka_unit_test(done_may_submit_more),
        cmocka_unit_test(many_and_some_abandoned),
        cmocka_unit_test(what_is_long_gives_way),
        cmocka_unit_test(what_is_long_is_abandoned),
        cmocka_unit_test(one_that_hangs_keeps_nobody_waiting),
        cmocka_unit_test(slices_end_on_each_worker),
        cmocka_unit_test(freed_while_several_run),
        cmocka_unit_test(signals_stay_with_the_loop),
        cmocka_unit_test(no_room_for_a_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
