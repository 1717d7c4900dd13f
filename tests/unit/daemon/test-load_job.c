/* SPDX-License-Identifier: MIT */
#include "daemon/load_job.h"

#include <errno.h>

#include "unit/daemon/job-queue.h"
#include "unit/kernel/scratch.h"

typedef struct Told {
    unsigned times;
    int error;
} Told;

static void note(int error, Config *config, void *userdata)
{
    Told *told = userdata;

    told->times++;
    told->error = error;
}

/* What waits for the outcome is freed by it. */
static void it_is_told_exactly_once(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    const ConfigPlaces places = { .root = root.path };
    Told told = { 0 };

    assert_int_equal(config_load_later(NULL, &places, GIB, note, &told), 0);
    run_queue();
    assert_int_equal(told.times, 1);
    assert_int_equal(told.error, 0);

    /* As jobs_free() does with what waits. */
    assert_int_equal(config_load_later(NULL, &places, GIB, note, &told), 0);
    queue[0]->destroy(queue[0]);
    n_queued = 0;
    assert_int_equal(told.times, 2);
    assert_int_equal(told.error, -ECANCELED);

    /* With what has been run and not been told. */
    assert_int_equal(config_load_later(NULL, &places, GIB, note, &told), 0);
    queue[0]->run(queue[0]);
    queue[0]->destroy(queue[0]);
    n_queued = 0;
    assert_int_equal(told.times, 3);
    assert_int_equal(told.error, -ECANCELED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_told_exactly_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
