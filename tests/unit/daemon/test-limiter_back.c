/* SPDX-License-Identifier: MIT */
#include "unit/daemon/limiter-world.h"

#define USE UINT64_C(400003072)

/* Someone else's limit of 300 MB was there; under ours the unit has come to use more than that. */
static void outgrow(World *w)
{
    world_begin(w);
    put_number(w, "memory.high", SOMEBODYS);
    w->host.reclaim_jobs = (Jobs *)&n_queued;
    w->host.back_jobs = (Jobs *)&queue;
    freeze(w);
    assert_ptr_equal(queued_on, w->host.reclaim_jobs);
    systemd_answers(w);
    put_number(w, "memory.current", USE);
    assert_true(decide(w, LIMIT_NONE, LIMIT_REASON_STALL, 0));
}

/* The write reclaims, and so would systemd: neither the loop nor PID 1 waits for that. */
static void what_was_before_is_less_than_is_in_use(void **state)
{
    World w;

    outgrow(&w);
    assert_int_equal(high(&w), CURRENT);
    assert_int_equal(n_asked, 1);
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_STALL, 0));
    assert_int_equal(n_queued, 1);
    assert_ptr_equal(queued_on, w.host.back_jobs); /* nor does another unit's freeze */
    run_queue();
    assert_int_equal(high(&w), SOMEBODYS);
    assert_int_equal(asked_bytes, SOMEBODYS);
    systemd_answers(&w);
    assert_int_equal(n_asked, 2);
    assert_true(limiter_is_idle(w.limiter));
    world_end(&w);
}

/* The cgroup goes before it is its turn: systemd has the limit still. */
static void the_unit_restarts_before_it_is_given_back(void **state)
{
    World w;

    outgrow(&w);
    must(unlinkat(w.cgroups.fd, HIGH, 0));
    run_queue();
    assert_int_equal(asked_bytes, SOMEBODYS);
    systemd_answers(&w);
    assert_true(limiter_is_idle(w.limiter));
    world_end(&w);
}

static void without_a_bus_it_is_the_file_first(void **state)
{
    World w;

    outgrow(&w);
    w.host.bus = NULL;
    run_queue();
    assert_int_equal(high(&w), SOMEBODYS);
    assert_non_null(ledger_find(&w.ledger, "a.service"));
    w.host.bus = (sd_bus *)&w;
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_CALM, 0));
    systemd_answers(&w);
    assert_true(limiter_is_idle(w.limiter));
    world_end(&w);
}

/* A limit that was written meanwhile would stay, and the answer take it out of the ledger. */
static void one_is_wanted_again_before_it_is_given_back(void **state)
{
    World w;

    world_begin(&w);
    limit_and_let_go(&w);
    freeze(&w);
    unit_done_t done = asked;
    asked = NULL;
    done(0, NULL, asked_for); /* it was done before that */
    assert_int_equal(high(&w), ORIGINAL);
    freeze(&w);
    assert_int_equal(high(&w), CURRENT);
    assert_non_null(ledger_find(&w.ledger, "a.service"));
    world_end(&w);
}

/* Nothing of what was under way comes after it. */
static void kill_and_start(World *w)
{
    limiter_free(w->limiter);
    run_queue();
    asked = NULL;
    ledger_close(&w->ledger);
    assert_int_equal(ledger_open(&w->ledger, w->runtime.fd, NULL), 0);
    assert_int_equal(limiter_new(&w->host, "a.service", "/system.slice/a.service", &w->limiter), 0);
}

static void killed_on_the_way_down(void **state)
{
    enum { NOTED, WRITTEN, TOLD, ANSWERED, STEPS };

    for (int step = NOTED; step < STEPS; step++) {
        World w;

        world_begin(&w);
        assert_true(decide(&w, CURRENT, LIMIT_REASON_FREEZE, 0));
        if (step >= WRITTEN)
            run_queue();
        if (step == TOLD)
            put_number(&w, "memory.high", asked_bytes);
        if (step == ANSWERED)
            systemd_answers(&w);
        assert_int_equal(high(&w), step == NOTED ? ORIGINAL : CURRENT);
        kill_and_start(&w);
        assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_CALM, 0));
        assert_int_equal(high(&w), ORIGINAL);
        assert_int_equal(asked_bytes, ORIGINAL);
        systemd_answers(&w);
        assert_true(limiter_is_idle(w.limiter));
        world_end(&w);
    }
}

static void killed_on_the_way_back(void **state)
{
    enum { WRITTEN, TOLD, STEPS };

    for (int step = WRITTEN; step < STEPS; step++) {
        World w;

        world_begin(&w);
        limit_and_let_go(&w);
        kill_and_start(&w);
        if (step == WRITTEN) /* somebody sets another property of the unit */
            put_number(&w, "memory.high", CURRENT);
        assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_CALM, 0));
        assert_int_equal(high(&w), ORIGINAL);
        systemd_answers(&w);
        assert_int_equal(n_removed, 1);
        assert_true(limiter_is_idle(w.limiter));
        world_end(&w);
    }
}

/* What was before is in force already, and known from the ledger: it is no limit that yields. */
static void one_is_wanted_again_after_a_kill(void **state)
{
    World w;

    world_begin(&w);
    limit_and_let_go(&w);
    kill_and_start(&w);
    freeze(&w);
    assert_int_equal(limiter_status(w.limiter).original, ORIGINAL);
    assert_int_equal(high(&w), CURRENT);
    systemd_answers(&w);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_before_is_less_than_is_in_use),
        cmocka_unit_test(the_unit_restarts_before_it_is_given_back),
        cmocka_unit_test(without_a_bus_it_is_the_file_first),
        cmocka_unit_test(one_is_wanted_again_before_it_is_given_back),
        cmocka_unit_test(killed_on_the_way_down),
        cmocka_unit_test(killed_on_the_way_back),
        cmocka_unit_test(one_is_wanted_again_after_a_kill),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
