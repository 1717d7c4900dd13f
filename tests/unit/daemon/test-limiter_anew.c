/* SPDX-License-Identifier: MIT */
/* A control group that is made anew at the same path: the same service, or another unit. */
#include "unit/daemon/limiter-world.h"

/* Another one at the same path. */
static void make_cgroup_anew(const World *w, const char *text)
{
    must(renameat(w->cgroups.fd, "system.slice/a.service", w->cgroups.fd, "system.slice/before"));
    put_cgroup(w);
    scratch_put(&w->cgroups, HIGH, text);
}

/* Transient units take all that systemd was told of them along. */
static void make_unit_anew(const World *w, const char *text)
{
    has_dropin = false;
    make_cgroup_anew(w, text);
}

static void a_unit_made_anew_is_nobody_elses(void **state)
{
    World w;

    begin_limited(&w);
    make_unit_anew(&w, "300003328\n");
    freeze(&w); /* finds that it is another one, */
    freeze(&w);
    assert_int_equal(high(&w), CURRENT);
    assert_int_equal(limiter_status(w.limiter).original, SOMEBODYS);
    systemd_answers(&w);
    assert_null(strstr(log_text, "someone else"));
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_CALM, 0));
    assert_int_equal(high(&w), SOMEBODYS);
    world_end(&w);
}

/* It has nothing of ours. */
static void a_unit_made_anew_is_given_nothing_back(void **state)
{
    World w;

    begin_limited(&w);
    make_unit_anew(&w, "300003328\n");
    limiter_release(w.limiter);
    assert_int_equal(high(&w), SOMEBODYS);
    assert_null(asked);
    assert_true(limiter_is_idle(w.limiter));
    expect_log("");
    world_end(&w);
}

/* Nor is systemd asked of what is gone: another one may have its name by then. */
static void a_unit_that_is_gone(void **state)
{
    World w;

    for (unsigned dropins = 0; dropins < 2; dropins++) {
        begin_limited(&w);
        must(renameat(w.cgroups.fd, "system.slice/a.service", w.cgroups.fd, "system.slice/before"));
        has_dropin = dropins > 0;
        limiter_release(w.limiter);
        if (dropins > 0) /* a service that has stopped, and has a limit for the next time */
            systemd_answers(&w);
        assert_null(asked);
        assert_true(limiter_is_idle(w.limiter));
        world_end(&w);
    }
}

/* Its files are not what became of the other one's. */
static void files_of_a_unit_made_anew(void **state)
{
    World w;

    begin_limited(&w);
    make_unit_anew(&w, "300003328\n");
    files_high = SOMEBODYS;
    limiter_note_files(w.limiter, &details, 0);
    freeze(&w);
    systemd_answers(&w);
    limiter_note_files(w.limiter, &details, ++w.host.reloads);
    assert_null(asked);
    assert_int_equal(high(&w), CURRENT);
    assert_null(strstr(log_text, "someone else"));
    world_end(&w);
}

/* It is made before systemd has set what the unit is to have. */
static void a_service_that_starts_again_keeps_its_limit(void **state)
{
    World w;

    begin_limited(&w);
    make_cgroup_anew(&w, "max\n");
    assert_true(decide(&w, CURRENT + MIB, LIMIT_REASON_HOLD, 0));
    assert_null(asked);
    assert_non_null(ledger_find(&w.ledger, "a.service"));
    put_number(&w, "memory.high", CURRENT);
    assert_true(decide(&w, CURRENT + MIB, LIMIT_REASON_HOLD, 0));
    systemd_answers(&w);
    assert_null(strstr(log_text, "someone else"));
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_CALM, 0));
    assert_int_equal(high(&w), ORIGINAL);
    world_end(&w);
}

/* Once that is there, what comes over it is an admin's. */
static void a_service_that_started_again_is_taken_over(void **state)
{
    World w;

    begin_limited(&w);
    make_cgroup_anew(&w, "204800000\n");
    assert_true(decide(&w, CURRENT, LIMIT_REASON_HOLD, 0));
    has_dropin = false; /* it was reverted, for example */
    put_number(&w, "memory.high", SOMEBODYS);
    assert_false(decide(&w, CURRENT, LIMIT_REASON_HOLD, 0));
    assert_non_null(strstr(log_text, "someone else"));
    world_end(&w);
}

static void a_service_starts_again_without_its_limit(void **state)
{
    World w;

    begin_limited(&w);
    make_cgroup_anew(&w, "300003328\n");
    assert_false(decide(&w, CURRENT, LIMIT_REASON_HOLD, 0));
    world_end(&w);
    begin_limited(&w);
    make_cgroup_anew(&w, "max\n");
    assert_true(decide(&w, CURRENT, LIMIT_REASON_HOLD, 0));
    now += 2 * USEC_PER_SEC;
    assert_false(decide(&w, CURRENT, LIMIT_REASON_HOLD, 0));
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unit_made_anew_is_nobody_elses),
        cmocka_unit_test(a_unit_made_anew_is_given_nothing_back),
        cmocka_unit_test(a_unit_that_is_gone),
        cmocka_unit_test(files_of_a_unit_made_anew),
        cmocka_unit_test(a_service_that_starts_again_keeps_its_limit),
        cmocka_unit_test(a_service_that_started_again_is_taken_over),
        cmocka_unit_test(a_service_starts_again_without_its_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
