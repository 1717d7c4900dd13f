/* SPDX-License-Identifier: MIT */
/* What is reclaimed before a limit is set, and what waits for that. */
#include "unit/daemon/limiter-world.h"

/* The kernel, which takes what the test says, and answers so. */

static ReclaimScope scope_asked;
static int answer;
static const World *takes_from; /* NULL: nothing is taken */

static void take_pages(unsigned n)
{
    const char *at = strstr(STAT, "pgsteal 0");
    CLEANUP_FREE char *text = NULL;

    must(asprintf(&text, "%.*spgsteal %u%s", (int)(at - STAT), STAT, n, strchr(at, '\n')));
    scratch_put(&takes_from->cgroups, "system.slice/a.service/memory.stat", text);
}

int __wrap_cgroup_reclaim(Cgroup *cgroup, uint64_t bytes, ReclaimScope scope);
int __wrap_cgroup_reclaim(Cgroup *cgroup, uint64_t bytes, ReclaimScope scope)
{
    scope_asked = scope;
    if (takes_from)
        take_pages(700);
    return answer;
}

/* Nothing falls here however much is reclaimed: no more is than was missing, in small pieces, and
 * the limit stands where the use is. */
static void reclaimed_before_it_is_limited(void **state)
{
    World w;

    world_begin(&w);
    assert_true(decide(&w, CURRENT - 40 * MIB, LIMIT_REASON_DISTRESS, 40 * MIB));
    for (unsigned pieces = 1; pieces <= 3; pieces++) {
        assert_int_equal(n_queued, 1);
        assert_int_equal(n_asked, 0);
        Job *job = queue[0];
        n_queued = 0;
        job->run(job);
        job->done(job, job->owner);
        job->destroy(job);
    }
    assert_int_equal(n_queued, 0);
    assert_int_equal(asked_bytes, CURRENT);
    assert_int_equal(limiter_status(w.limiter).reclaimed, 40 * MIB);
    systemd_answers(&w);
    world_end(&w);
}

/* More is needed before all is reclaimed that was too much, and again. */
static void a_raise_waits_for_no_reclaim(void **state)
{
    World w;

    begin_lowering(&w);
    systemd_answers(&w);
    assert_true(decide(&w, CURRENT + 40 * MIB, LIMIT_REASON_STEADY, 40 * MIB));
    assert_int_equal(n_queued, 1);
    for (unsigned i = 1; i <= 2; i++) {
        assert_true(decide(&w, CURRENT + (40 + i) * MIB, LIMIT_REASON_GROWTH, 30 * MIB));
        assert_int_equal(asked_bytes, CURRENT + (40 + i) * MIB);
        systemd_answers(&w);
        assert_int_equal(limiter_status(w.limiter).value, CURRENT + (40 + i) * MIB);
        assert_int_equal(n_queued, 1 + i); /* and what is too much is reclaimed meanwhile */
    }
    world_end(&w);
}

/* As one that its own limit holds back can be for a while. */
static void a_use_above_what_was_before(void **state)
{
    World w;

    world_begin(&w);
    put_number(&w, "memory.high", CURRENT - 50 * MIB);
    assert_true(decide(&w, CURRENT - 60 * MIB, LIMIT_REASON_DISTRESS, 0));
    run_queue();
    assert_true(decide(&w, CURRENT - 60 * MIB, LIMIT_REASON_FREEZE, 0));
    run_queue();
    assert_int_equal(high(&w), CURRENT - 50 * MIB);
    assert_int_equal(n_asked, 0);
    world_end(&w);
}

/* The same while our limit is in force: nothing is set, and what is too much goes on to go. */
static void a_raise_above_what_was_before(void **state)
{
    World w;

    world_begin(&w);
    const LedgerEntry entry = {
        .unit = (char *)"a.service",
        .cgroup = (char *)"/system.slice/a.service",
        .original = CURRENT - 50 * MIB,
        .ours = { CURRENT - 60 * MIB, CURRENT - 60 * MIB },
    };
    assert_int_equal(ledger_note(&w.ledger, &entry), 0);
    put_number(&w, "memory.high", CURRENT - 60 * MIB);
    assert_true(decide(&w, CURRENT - 60 * MIB, LIMIT_REASON_HOLD, 20 * MIB));
    assert_int_equal(n_queued, 1);
    assert_true(decide(&w, CURRENT - 55 * MIB, LIMIT_REASON_GROWTH, 20 * MIB));
    assert_int_equal(n_queued, 1);
    assert_false(atomic_load(&queue[0]->cancelled));
    world_end(&w);
}

/* Less could be had than was asked for, and that went. */
static void what_was_taken_counts(void **state)
{
    World w;

    world_begin(&w);
    takes_from = &w;
    answer = -EAGAIN;
    assert_true(decide(&w, CURRENT - 40 * MIB, LIMIT_REASON_DISTRESS, 40 * MIB));
    run_queue();
    answer = 0;
    takes_from = NULL;
    assert_int_equal(limiter_status(w.limiter).reclaimed, 700 * 4096);
    systemd_answers(&w);
    world_end(&w);
}

static ReclaimScope scope_of(World *w, LimitMode mode)
{
    assert_true(decide_as(w, mode, CURRENT - MIB, LIMIT_REASON_PROBE, MIB));
    run_queue();
    if (asked)
        systemd_answers(w);
    return scope_asked;
}

/* Before Linux 6.8 the kernel cannot leave anonymous memory alone, nor does it under a limit; and
 * `track` only tries. */
static void what_may_be_taken_where_there_is_swap(void **state)
{
    World w;

    world_begin(&w);
    assert_int_equal(scope_of(&w, LIMIT_TRACK), RECLAIM_FILE_OR_ALL);
    swap_free = MIB;
    assert_int_equal(scope_of(&w, LIMIT_YIELD), RECLAIM_FILE_OR_ALL);
    assert_int_equal(scope_of(&w, LIMIT_FIXED), RECLAIM_FILE_OR_ALL);
    answer = -EINVAL;
    assert_int_equal(scope_of(&w, LIMIT_TRACK), RECLAIM_FILE);
    answer = 0;
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reclaimed_before_it_is_limited),
        cmocka_unit_test(a_raise_waits_for_no_reclaim),
        cmocka_unit_test(a_use_above_what_was_before),
        cmocka_unit_test(a_raise_above_what_was_before),
        cmocka_unit_test(what_was_taken_counts),
        cmocka_unit_test(what_may_be_taken_where_there_is_swap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
