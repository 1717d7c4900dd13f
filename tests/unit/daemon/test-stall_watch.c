/* SPDX-License-Identifier: MIT */
/* Looks that a law asks for; triggers need a kernel. */
#include "daemon/stall_watch.h"

#include <sys/stat.h>

#include "control/limit.h"
#include "unit/kernel/scratch.h"
#include "unit/test.h"
#include "util/io.h"
#include "util/units.h"

static StallWatch watch;
static sd_event *event;
static unsigned looks;
static uint64_t looked_usec;

static void look(void *userdata)
{
    assert_false(watch.pressed);
    looks++;
    looked_usec = now_usec();
    if (looks == 1) /* as a law does that is not at its end yet */
        assert_int_equal(stall_watch_look_at(&watch, event, now_usec() + 1, look, NULL), 0);
}

static void a_law_looks_when_it_wants_to(void **state)
{
    uint64_t at = now_usec() + 20 * USEC_PER_MSEC;

    looks = 0;
    assert_int_equal(sd_event_new(&event), 0);
    assert_int_equal(stall_watch_look_at(&watch, event, at, look, NULL), 0);
    while (looks == 0)
        assert_true(sd_event_run(event, UINT64_MAX) >= 0);
    assert_true(looked_usec >= at);
    while (looks == 1)
        assert_true(sd_event_run(event, UINT64_MAX) >= 0);
    /* Once each. */
    assert_int_equal(sd_event_run(event, 0), 0);
    assert_int_equal(looks, 2);
    stall_watch_disarm(&watch);
    sd_event_unref(event);
}

static void it_changes_its_mind(void **state)
{
    looks = 1;
    assert_int_equal(sd_event_new(&event), 0);
    assert_int_equal(stall_watch_look_at(&watch, event, now_usec(), look, NULL), 0);
    assert_int_equal(stall_watch_look_at(&watch, event, 0, look, NULL), 0);
    assert_int_equal(sd_event_run(event, 0), 0);
    assert_int_equal(stall_watch_look_at(&watch, event, now_usec(), look, NULL), 0);
    stall_watch_disarm(&watch);
    assert_int_equal(sd_event_run(event, 0), 0);
    assert_int_equal(looks, 1);
    sd_event_unref(event);
}

/* A FIFO in its place takes what it is armed with, and nothing else ever comes of it. */
static void one_that_never_fires(void **state)
{
    CLEANUP_SCRATCH Scratch cgroups = scratch_new("/tmp");
    cleanup(cgroup_freep) Cgroup *cgroup = NULL;
    Sample sample = { .at_usec = USEC_PER_SEC, .memory_psi.valid = true };
    StallWatch w = { 0 };
    unsigned deaths = 0;

    assert_int_equal(sd_event_new(&event), 0);
    scratch_put(&cgroups, "a/memory.stat", "");
    scratch_put(&cgroups, "a/memory.current", "0\n");
    assert_int_equal(cgroup_open(cgroups.fd, "/a", &cgroup), 0);
    assert_int_equal(mkfifoat(cgroups.fd, "a/memory.pressure", 0600), 0);
    for (unsigned i = 0; i < 10; i++) {
        int r = stall_watch_arm(&w, event, cgroup, LIMIT_TRIGGER_USEC, LIMIT_WINDOW_USEC, look,
                                NULL);
        /* Twice, and then it is polled. */
        assert_int_equal(r >= 0, i < 6);
        sample.at_usec += USEC_PER_SEC;
        sample.memory_psi.some_usec += USEC_PER_SEC;
        deaths += stall_watch_note(&w, &sample);
    }
    assert_int_equal(deaths, 1);
    looks = 1;
    assert_int_equal(stall_watch_look_at(&w, event, 0, look, NULL), 0);
    assert_true(sd_event_run(event, UINT64_MAX) >= 0);
    assert_int_equal(looks, 2);
    stall_watch_disarm(&w);
    sd_event_unref(event);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_law_looks_when_it_wants_to),
        cmocka_unit_test(it_changes_its_mind),
        cmocka_unit_test(one_that_never_fires),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
