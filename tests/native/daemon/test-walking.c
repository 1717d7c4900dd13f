/* SPDX-License-Identifier: MIT */
/* A long walk on a worker: the loop turns meanwhile, and can end it. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <systemd/sd-event.h>

#include "daemon/jobs.h"
#include "daemon/pin_scan.h"
#include "native/native.h"
#include "unit/select/pin-rule.h"

#define FOLDERS          100
#define FILES_PER_FOLDER 1000
#define TICK_USEC        (5 * USEC_PER_MSEC)
#define TICKS_AT_LEAST   3

/* A scan of the files, and the loop it must not stop. All but @begun is the loop's. */
typedef struct Walking {
    sd_event *event;
    sd_event_source *timer;
    Job *job; /* NULL: it is over, or nobody wants it any more */
    bool abandon;
    unsigned ticks;
    size_t n_files;
    int error;
} Walking;

static Scratch scratch; /* made once, for both tests */
static void (*run_scan)(Job *job);
static atomic_bool begun; /* by the worker */

static void run(Job *job)
{
    atomic_store(&begun, true);
    run_scan(job);
}

static void done(Job *job, void *owner)
{
    Walking *walking = owner;

    walking->n_files = ((PinScan *)job)->n_wishes;
    walking->job = NULL;
}

static void destroy(Job *job)
{
    Walking *walking = job->owner;

    walking->error = ((PinScan *)job)->error;
    pin_scan_free((PinScan *)job);
    sd_event_exit(walking->event, 0);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
    Walking *walking = userdata;

    if (atomic_load(&begun) && walking->job && ++walking->ticks == TICKS_AT_LEAST &&
        walking->abandon)
        walking->job = job_abandon(walking->job);
    must(sd_event_source_set_time_relative(source, TICK_USEC));
    return must(sd_event_source_set_enabled(source, SD_EVENT_ONESHOT));
}

/* Until the scan is destroyed. */
static void walk(Walking *walking)
{
    cleanup(jobs_freep) Jobs *jobs = NULL;
    PinScan *scan = pin_scan_new(done, walking);

    assert_non_null(scan);
    run_scan = scan->job.run;
    scan->job.run = run;
    scan->job.destroy = destroy;
    scan->root_fd = scratch.fd;
    scan->page = 4096;
    add_pin_rule(&scan->rules, &scan->n_rules, "/**");

    atomic_store(&begun, false);
    must(sd_event_new(&walking->event));
    must(sd_event_add_time_relative(walking->event, &walking->timer, CLOCK_MONOTONIC, TICK_USEC, 1,
                                    on_tick, walking));
    must(jobs_new(walking->event, &jobs));
    walking->job = &scan->job;
    jobs_submit(jobs, walking->job);
    must(sd_event_loop(walking->event));
    sd_event_source_unref(walking->timer);
    jobs = jobs_free(jobs);
    sd_event_unref(walking->event);
}

static void the_loop_goes_on(void **state)
{
    Walking walking = { 0 };

    walk(&walking);
    print_message("%zu files, %u ticks\n", walking.n_files, walking.ticks);
    assert_int_equal(walking.error, 0);
    assert_int_equal(walking.n_files, FOLDERS * FILES_PER_FOLDER);
    assert_true(walking.ticks >= TICKS_AT_LEAST);
}

static void it_ends_when_nobody_wants_it(void **state)
{
    Walking walking = { .abandon = true };

    walk(&walking);
    assert_int_equal(walking.ticks, TICKS_AT_LEAST);
    assert_int_equal(walking.error, -ECANCELED);
    assert_int_equal(walking.n_files, 0);
}

static int make_files(void **state)
{
    char name[32];

    /* ext4 takes minutes to make so many where as many were removed just before. */
    scratch = scratch_new("/dev/shm");
    for (unsigned folder = 0; folder < FOLDERS; folder++) {
        snprintf(name, sizeof name, "%u/", folder);
        scratch_folders(&scratch, name);
        for (unsigned file = 0; file < FILES_PER_FOLDER; file++) {
            snprintf(name, sizeof name, "%u/%u", folder, file);
            CLEANUP_CLOSE int fd = must(
                openat(scratch.fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
            must(ftruncate(fd, 1)); /* an empty file is not wished for */
        }
    }
    return 0;
}

static int remove_files(void **state)
{
    scratch_done(&scratch);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loop_goes_on),
        cmocka_unit_test(it_ends_when_nobody_wants_it),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
