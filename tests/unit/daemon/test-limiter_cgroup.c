/* SPDX-License-Identifier: MIT */
/* A control group that is no unit: its file, and nobody is asked. */
#include "unit/daemon/limiter-world.h"

#define POD "/pods/1f"

static void pod_begin(World *w)
{
    world_begin(w);
    limiter_free(w->limiter);
    scratch_put(&w->cgroups, "pods/1f/cgroup.procs", "");
    scratch_put(&w->cgroups, "pods/1f/memory.stat", STAT);
    scratch_put(&w->cgroups, "pods/1f/memory.reclaim", "");
    scratch_put(&w->cgroups, "pods/1f/memory.current", "204800000\n");
    scratch_put(&w->cgroups, "pods/1f/memory.high", "999997440\n");
    w->host.bus = NULL;
    assert_int_equal(limiter_new(&w->host, POD, POD, &w->limiter), 0);
}

static uint64_t pod_high(const World *w)
{
    char text[64];

    return strtoull(scratch_get(&w->cgroups, "pods/1f/memory.high", text, sizeof(text)), NULL, 10);
}

static void pod_decide(World *w, uint64_t value)
{
    const LimitConfig config = { .mode = LIMIT_FIXED, .value = value };
    const LimitContext context = { 0 };
    const Sample sample = {
        .at_usec = USEC_PER_SEC,
        .page = 4096,
        .current = value,
        .high = pod_high(w),
        .max = LIMIT_NONE,
        .memory_psi.valid = true,
    };

    limiter_update(w->limiter, &config, &context, &sample);
}

static void pod_update(World *w, uint64_t value)
{
    pod_decide(w, value);
    run_queue();
}

static void a_control_group_is_set_by_its_file(void **state)
{
    World w;

    pod_begin(&w);
    pod_update(&w, CURRENT);
    assert_int_equal(pod_high(&w), CURRENT);
    assert_true(limiter_status(w.limiter).applied);
    const LedgerEntry *entry = ledger_find(&w.ledger, POD);
    assert_true(entry && entry->original == ORIGINAL && entry->id > 0);
    pod_update(&w, CURRENT + 4096);
    assert_int_equal(pod_high(&w), CURRENT + 4096);
    limiter_release(w.limiter);
    assert_int_equal(pod_high(&w), ORIGINAL);
    assert_true(limiter_is_idle(w.limiter));
    assert_int_equal(n_asked, 0);
    world_end(&w);
}

/* It waits for nobody's reclaim, and for its own only where it grows meanwhile. */
static void a_control_group_that_needs_more(void **state)
{
    World w;

    pod_begin(&w);
    w.host.reclaim_jobs = (Jobs *)&n_queued;
    w.host.back_jobs = (Jobs *)&queue;
    pod_update(&w, CURRENT);
    assert_ptr_equal(queued_on, w.host.reclaim_jobs);
    pod_decide(&w, CURRENT + 4096);
    assert_int_equal(n_queued, 0);
    assert_int_equal(pod_high(&w), CURRENT + 4096);
    assert_int_equal(limiter_status(w.limiter).value, CURRENT + 4096);
    scratch_put(&w.cgroups, "pods/1f/memory.current", "300003328\n");
    pod_decide(&w, CURRENT + 8192);
    assert_int_equal(n_queued, 1);
    assert_ptr_equal(queued_on, w.host.back_jobs);
    run_queue();
    assert_int_equal(pod_high(&w), CURRENT + 8192);
    world_end(&w);
}

/* Above what was before, giving it back is a way down: the worker's. */
static void a_control_group_that_had_less(void **state)
{
    World w;

    pod_begin(&w);
    scratch_put(&w.cgroups, "pods/1f/memory.high", "100003840\n");
    pod_update(&w, CURRENT);
    assert_int_equal(pod_high(&w), CURRENT);
    limiter_release(w.limiter);
    assert_int_equal(pod_high(&w), CURRENT);
    assert_false(limiter_is_idle(w.limiter));
    run_queue();
    assert_int_equal(pod_high(&w), 100003840);
    assert_true(limiter_is_idle(w.limiter));
    world_end(&w);
}

/* To let go of it would tighten, whatever the unit stalls for. */
static void a_fixed_limit_above_what_was_before(void **state)
{
    const LimitConfig config = { .mode = LIMIT_FIXED, .value = CURRENT };
    const LimitContext context = { 0 };
    World w;
    Sample sample = {
        .at_usec = USEC_PER_SEC, .page = 4096, .current = 100003840, .memory_psi.valid = true
    };

    pod_begin(&w);
    scratch_put(&w.cgroups, "pods/1f/memory.high", "100003840\n");
    for (unsigned i = 0; i < 10; i++) {
        sample.high = pod_high(&w);
        limiter_update(w.limiter, &config, &context, &sample);
        run_queue();
        assert_int_equal(pod_high(&w), CURRENT);
        sample.at_usec += USEC_PER_SEC;
        sample.memory_psi.full_usec += 900 * USEC_PER_MSEC;
    }
    world_end(&w);
}

/* Its path is another one's now, which happens to have what we set. */
static void a_path_that_another_control_group_has(void **state)
{
    World w;

    pod_begin(&w);
    pod_update(&w, CURRENT);
    must(renameat(w.cgroups.fd, "pods/1f", w.cgroups.fd, "pods/old"));
    scratch_put(&w.cgroups, "pods/1f/memory.stat", STAT);
    scratch_put(&w.cgroups, "pods/1f/memory.current", "204800000\n");
    scratch_put(&w.cgroups, "pods/1f/memory.high", "204800000\n");
    assert_int_equal(pod_high(&w), CURRENT);
    limiter_release(w.limiter);
    run_queue();
    assert_int_equal(pod_high(&w), CURRENT);
    assert_true(limiter_is_idle(w.limiter));
    assert_null(ledger_find(&w.ledger, POD));
    world_end(&w);
}

static void a_control_group_that_someone_else_sets(void **state)
{
    World w;

    pod_begin(&w);
    pod_update(&w, CURRENT);
    scratch_put(&w.cgroups, "pods/1f/memory.high", "999997440\n");
    pod_update(&w, CURRENT);
    assert_int_equal(pod_high(&w), ORIGINAL);
    assert_string_equal(limiter_status(w.limiter).reason, "changed-by-someone-else");
    assert_true(limiter_is_idle(w.limiter));
    /* Made anew at the same path, it is the same to whoever sets it. */
    limiter_cgroup_gone(w.limiter);
    pod_update(&w, CURRENT);
    assert_int_equal(pod_high(&w), ORIGINAL);
    world_end(&w);
}

/* Another one at the same path was never limited. */
static void a_control_group_that_is_made_anew(void **state)
{
    World w;

    pod_begin(&w);
    pod_update(&w, CURRENT);
    limiter_cgroup_gone(w.limiter);
    assert_true(limiter_is_idle(w.limiter));
    assert_false(limiter_status(w.limiter).applied);
    scratch_put(&w.cgroups, "pods/1f/memory.high", "999997440\n");
    pod_update(&w, CURRENT);
    assert_int_equal(pod_high(&w), CURRENT);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_control_group_is_set_by_its_file),
        cmocka_unit_test(a_control_group_that_needs_more),
        cmocka_unit_test(a_control_group_that_had_less),
        cmocka_unit_test(a_fixed_limit_above_what_was_before),
        cmocka_unit_test(a_path_that_another_control_group_has),
        cmocka_unit_test(a_control_group_that_someone_else_sets),
        cmocka_unit_test(a_control_group_that_is_made_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
