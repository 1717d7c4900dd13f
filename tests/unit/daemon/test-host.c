/* SPDX-License-Identifier: MIT */
#include "daemon/host.h"

#include <fcntl.h>
#include <semaphore.h>
#include <unistd.h>

#include "unit/test.h"
#include "util/units.h"

typedef struct Waiting {
    Job job;
    sem_t go;
} Waiting;

static void wait_for_go(Job *job)
{
    sem_wait(&((Waiting *)job)->go);
}

static void count_done(Job *job, void *owner)
{
    ++*(unsigned *)owner;
}

static void on_stack(Job *job)
{
}

/* Runs the loop until as many are done. */
static void expect_done(Host *host, const unsigned *n_done, unsigned expected)
{
    for (unsigned i = 0; i < 500 && *n_done < expected; i++)
        assert_true(sd_event_run(host->event, 20 * USEC_PER_MSEC) >= 0);
    assert_int_equal(*n_done, expected);
}

/* The first job on @hangs hangs: one on @goes_on is done all the same. */
static void expect_not_waiting(size_t hangs, size_t goes_on)
{
    Waiting hung, other;
    unsigned n_done = 0;
    Host host = { 0 };

    host_init(&host);
    host.proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(sd_event_new(&host.event) >= 0);
    assert_int_equal(host_start(&host), 0);
    hung.job = other.job = (Job){
        .run = wait_for_go, .done = count_done, .destroy = on_stack, .owner = &n_done
    };
    sem_init(&hung.go, 0, 0);
    sem_init(&other.go, 0, 1);

    jobs_submit(*(Jobs **)((char *)&host + hangs), &hung.job);
    jobs_submit(*(Jobs **)((char *)&host + goes_on), &other.job);
    expect_done(&host, &n_done, 1);
    sem_post(&hung.go);
    expect_done(&host, &n_done, 2);

    sd_event *event = host.event;
    host_close(&host);
    sd_event_unref(event);
    sem_destroy(&hung.go);
    sem_destroy(&other.go);
}

static void a_stream_on_a_hung_disk_keeps_no_other_waiting(void **state)
{
    expect_not_waiting(offsetof(Host, stream_jobs), offsetof(Host, stream_jobs));
}

static void what_is_given_back_keeps_no_limit_waiting(void **state)
{
    expect_not_waiting(offsetof(Host, back_jobs), offsetof(Host, reclaim_jobs));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_on_a_hung_disk_keeps_no_other_waiting),
        cmocka_unit_test(what_is_given_back_keeps_no_limit_waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
