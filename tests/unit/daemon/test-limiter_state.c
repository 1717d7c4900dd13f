/* SPDX-License-Identifier: MIT */
/* What the laws remember of a unit, and what they do not. */
#include "daemon/limiter_state.h"

#include "unit/daemon/limiter-world.h"

typedef struct Look {
    Limiter *limiter;
    LimitConfig config;
    LimitContext context;
    Sample sample;
} Look;

static Look look_at(World *w, LimitMode mode, bool observe)
{
    return (Look){
        .limiter = w->limiter,
        .config = { .mode = mode, .max = LIMIT_NONE, .pressure = LIMIT_PRESSURE_DEFAULT },
        .context = { .observe = observe, .distress = mode == LIMIT_YIELD },
        .sample = {
            .at_usec = now,
            .page = 4096,
            .current = CURRENT,
            .high = ORIGINAL,
            .max = LIMIT_NONE,
            .file = CURRENT,
            .inactive_file = CURRENT,
            .memory_psi.valid = true,
        },
    };
}

static void look_for(Look *look, unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++) {
        now += USEC_PER_SEC;
        look->sample.at_usec = now;
        look->sample.refault_file += look->config.mode == LIMIT_YIELD;
        limiter_update(look->limiter, &look->config, &look->context, &look->sample);
    }
}

/* The law that thinks as if it limited the unit squeezes what it never did. */
static void what_was_only_observed_is_not_imposed(void **state)
{
    World w;

    world_begin(&w);
    Look look = look_at(&w, LIMIT_YIELD, true);
    look_for(&look, 30);
    assert_int_equal(n_queued, 0);
    look.context.observe = false;
    look_for(&look, 1);
    assert_string_equal(limiter_status(w.limiter).reason, "freeze");
    run_queue();
    assert_int_equal(high(&w), CURRENT);
    systemd_answers(&w);
    assert_int_equal(limiter_status(w.limiter).reclaimed, 0);
    world_end(&w);
}

/* Stalls that come while nothing is limited are no reason to leave it be. */
static void what_stalls_while_it_is_observed(void **state)
{
    World w;

    world_begin(&w);
    Look look = look_at(&w, LIMIT_YIELD, true);
    for (unsigned i = 0; i < 10; i++) {
        look.sample.memory_psi.full_usec += 900 * USEC_PER_MSEC;
        look_for(&look, 1);
    }
    look.context.observe = false;
    look_for(&look, 1);
    assert_string_equal(limiter_status(w.limiter).reason, "freeze");
    world_end(&w);
}

/* Whatever a probe asks for goes, and nothing of it is missed. */
static void run_reclaim(World *w, Look *look)
{
    uint64_t before = limiter_status(w->limiter).reclaimed;

    while (n_queued > 0) {
        Job *job = queue[--n_queued];
        job->run(job);
        job->done(job, job->owner);
        job->destroy(job);
    }
    uint64_t taken = limiter_status(w->limiter).reclaimed - before;
    look->sample.pgscan += taken / 4096;
    look->sample.pgsteal += taken / 4096;
    look->sample.current -= taken;
    look->sample.file = look->sample.inactive_file = look->sample.current;
    put_number(w, "memory.current", look->sample.current);
}

static void until_tracked(World *w, Look *look)
{
    world_begin(w);
    *look = look_at(w, LIMIT_TRACK, false);
    for (unsigned i = 0; i < 30; i++) {
        look_for(look, 1);
        run_reclaim(w, look);
        if (asked)
            systemd_answers(w);
        look->sample.high = high(w);
    }
    assert_true(limiter_status(w->limiter).applied);
    assert_true(limiter_status(w->limiter).view.good > 0);
}

static void grows_tenfold(World *w, Look *look)
{
    now += 600 * USEC_PER_SEC;
    look->sample.current = look->sample.file = look->sample.inactive_file = 10 * CURRENT;
    put_number(w, "memory.current", look->sample.current);
}

/* It is asked what the unit needs, not taken for what it needed before. */
static void assert_begins_anew(World *w, Look *look)
{
    uint64_t before = limiter_status(w->limiter).reclaimed;

    look_for(look, 1);
    assert_string_equal(limiter_status(w->limiter).reason, "learn");
    assert_int_equal(n_queued, 0);
    look_for(look, 1);
    run_queue();
    assert_string_equal(limiter_status(w->limiter).reason, "probe");
    assert_true(limiter_status(w->limiter).reclaimed - before <= 2 * MIB);
    assert_true(limiter_status(w->limiter).asked >= limiter_status(w->limiter).reclaimed);
    assert_true(limiter_status(w->limiter).asked > 0 && !limiter_status(w->limiter).reclaims);
}

static void a_working_set_from_before_a_pause(void **state)
{
    World w;
    Look look;

    until_tracked(&w, &look);
    look.context.observe = true;
    look_for(&look, 1);
    systemd_answers(&w);
    assert_true(limiter_is_idle(w.limiter));
    assert_string_equal(limiter_status(w.limiter).changed_for, "off");
    grows_tenfold(&w, &look);
    look.sample.high = high(&w);
    look_for(&look, 1);
    look.context.observe = false;
    assert_begins_anew(&w, &look);
    world_end(&w);
}

static void a_working_set_from_before_an_admin(void **state)
{
    World w;
    Look look;

    until_tracked(&w, &look);
    put_number(&w, "memory.high", SOMEBODYS);
    look.sample.high = SOMEBODYS;
    look_for(&look, 1);
    assert_string_equal(limiter_status(w.limiter).reason, "changed-by-someone-else");
    grows_tenfold(&w, &look);
    load_policies_again(&w);
    assert_begins_anew(&w, &look);
    world_end(&w);
}

/* The unit has ended, and begins again. */
static void a_working_set_from_before_the_end(void **state)
{
    World w;
    Look look;

    until_tracked(&w, &look);
    limiter_release(w.limiter);
    grows_tenfold(&w, &look);
    limiter_resume(w.limiter);
    systemd_answers(&w);
    look.sample.high = high(&w);
    assert_begins_anew(&w, &look);
    world_end(&w);
}

/* The same while a limit is in force: the policies are loaded again. */
static void a_working_set_outlives_a_reload(void **state)
{
    World w;
    Look look;

    until_tracked(&w, &look);
    uint64_t good = limiter_status(w.limiter).view.good;
    load_policies_again(&w);
    assert_int_equal(limiter_status(w.limiter).view.good, good);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_only_observed_is_not_imposed),
        cmocka_unit_test(what_stalls_while_it_is_observed),
        cmocka_unit_test(a_working_set_from_before_a_pause),
        cmocka_unit_test(a_working_set_from_before_an_admin),
        cmocka_unit_test(a_working_set_from_before_the_end),
        cmocka_unit_test(a_working_set_outlives_a_reload),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
