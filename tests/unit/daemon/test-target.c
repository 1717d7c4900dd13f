/* SPDX-License-Identifier: MIT */
#include "daemon/target.h"

#include "unit/daemon/job-queue.h"
#include "unit/daemon/log-text.h"
#include "unit/kernel/scratch.h"

#define TICKS_MAX 100

static EvictRule rule = {
    .path = (char *)"/*",
    .idle_usec = USEC_PER_SEC,
    .every_usec = USEC_PER_SEC,
};

static Target *a_target(Host *host, const Policy *policy)
{
    Target *t;

    assert_int_equal(target_new(host, policy, "a.service", "/a", NULL, NULL, &t), 0);
    return t;
}

/* However long the time between two ticks is: a look that sees what is left, and another one when
 * it has been idle for long enough; then it ends. */
static void what_a_unit_leaves_is_looked_at(void **state)
{
    static const uint64_t intervals[] = { USEC_PER_SEC / 5, USEC_PER_SEC, 7 * USEC_PER_SEC,
                                          60 * USEC_PER_SEC };
    CLEANUP_SCRATCH Scratch nothing = scratch_new("/tmp");
    Policy policy = { .name = (char *)"a", .evicts = &rule, .n_evicts = 1 };

    for (size_t i = 0; i < ELEMENTS(intervals); i++) {
        const Settings settings = { .interval_usec = intervals[i] };
        Host host = { .root_fd = nothing.fd, .proc_fd = nothing.fd, .settings = &settings };
        uint64_t now = 3600 * USEC_PER_SEC, first = 0, last = 0;
        unsigned ticks = 0;

        Target *t = a_target(&host, &policy);
        target_note_listed(t, false, now);
        do {
            now += intervals[i];
            target_act(t, &(TargetMoment){ .now_usec = now });
            if (n_queued > 0) {
                /* Or it would be freed under the job. */
                assert_false(target_is_finished(t, now));
                first = first ?: now;
                last = now;
            }
            run_queue();
        } while (!target_is_finished(t, now) && ++ticks < TICKS_MAX);
        assert_true(ticks < TICKS_MAX);
        assert_true(last - first >= rule.idle_usec);
        target_free(t);
    }
}

static void a_look_is_not_cut_short(void **state)
{
    CLEANUP_SCRATCH Scratch nothing = scratch_new("/tmp");
    Policy policy = { .name = (char *)"a", .evicts = &rule, .n_evicts = 1 };
    const Settings settings = { .interval_usec = USEC_PER_SEC };
    Host host = { .root_fd = nothing.fd, .proc_fd = nothing.fd, .settings = &settings };
    uint64_t now = 3600 * USEC_PER_SEC;

    Target *t = a_target(&host, &policy);
    target_note_listed(t, false, now);
    for (unsigned tick = 0; tick < TICKS_MAX; tick++) {
        now += USEC_PER_SEC;
        target_act(t, &(TargetMoment){ .now_usec = now });
        assert_int_equal(n_queued, 1);
        assert_false(target_is_finished(t, now));
    }
    run_queue();
    assert_true(target_is_finished(t, now));
    target_free(t);
}

static void put_cgroup(const Scratch *cgroups, const char *path)
{
    char name[100];

    snprintf(name, sizeof name, "%s/memory.stat", path);
    scratch_put(cgroups, name, "");
    snprintf(name, sizeof name, "%s/memory.current", path);
    scratch_put(cgroups, name, "0\n");
}

/* What `*.slice` names, "-.slice" included, may stream; but the whole machine is no stream. */
static void the_root_is_not_followed(void **state)
{
    static const char *const units[] = { "/", "/a.slice" };
    CLEANUP_SCRATCH Scratch cgroups = scratch_new("/tmp");
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    EvictRule stream = { .stream = true };
    Policy policy = {
        .name = (char *)"a",
        .cache_max = LIMIT_NONE,
        .evicts = &stream,
        .n_evicts = 1,
    };
    const Settings settings = { .interval_usec = USEC_PER_SEC };
    Host host = { .cgroup_fd = cgroups.fd, .proc_fd = proc.fd, .settings = &settings };

    must(sd_event_new(&host.event));
    put_cgroup(&cgroups, ".");
    put_cgroup(&cgroups, "a.slice");
    for (size_t i = 0; i < ELEMENTS(units); i++) {
        Target *t;
        assert_int_equal(target_new(&host, &policy, units[i], NULL, NULL, NULL, &t), 0);
        target_note_listed(t, true, 1);
        assert_int_equal(t->state, TARGET_ACTIVE);
        for (int k = 0; k < 5 && n_queued == 0; k++)
            must(sd_event_run(host.event, 2 * USEC_PER_MSEC));
        assert_int_equal(n_queued, i);
        target_free(t);
        run_queue();
    }
    sd_event_unref(host.event);
}

static void who_governs_it_is_told_when_it_changes(void **state)
{
    Policy one = { .name = (char *)"one" }, same = one;
    Policy critical = { .name = (char *)"one", .role = ROLE_CRITICAL };
    Policy other = { .name = (char *)"other", .mode = MODE_OBSERVE };
    const Settings settings = { .interval_usec = USEC_PER_SEC };
    Host host = { .root_fd = -1, .proc_fd = -1, .settings = &settings };

    one.role = same.role = other.role = ROLE_BACKGROUND;
    log_text[0] = '\0';
    Target *t = a_target(&host, &one);
    expect_log("info: a.service: governed by policy \"one\" (background)\n");
    assert_int_equal(target_set_policy(t, &same), 0);
    expect_log("");
    assert_int_equal(target_set_policy(t, &critical), 0);
    expect_log("info: a.service: governed by policy \"one\" (critical)\n");
    assert_int_equal(target_set_policy(t, &other), 0);
    expect_log("info: a.service: governed by policy \"other\" (background, observing only)\n");
    target_dismiss(t);
    expect_log("info: a.service: no longer governed\n");
    assert_int_equal(target_set_policy(t, &one), 0);
    expect_log("info: a.service: governed by policy \"one\" (background)\n");
    target_free(t);
}

/* The queue ends before the target does, and whatever is in it with it. */
static void what_is_under_way_at_the_end(void **state)
{
    CLEANUP_SCRATCH Scratch nothing = scratch_new("/tmp");
    const Settings settings = { .interval_usec = USEC_PER_SEC };
    AdviseRule advise = { .path = (char *)"/*" };
    Policy policy = {
        .name = (char *)"a",
        .advises = &advise,
        .n_advises = 1,
        .cache_max = LIMIT_NONE,
    };
    Host host = {
        .root_fd = nothing.fd,
        .proc_fd = nothing.fd,
        .cgroup_fd = nothing.fd,
        .advised.dir_fd = nothing.fd,
        .settings = &settings,
    };
    uint64_t now = 3600 * USEC_PER_SEC;
    Target *t;

    scratch_put(&nothing, "x/cgroup.procs", "");
    assert_int_equal(target_new(&host, &policy, "/x", NULL, NULL, NULL, &t), 0);
    target_note_listed(t, true, now);
    target_act(t, &(TargetMoment){ .now_usec = now });
    assert_int_equal(n_queued, 1);
    target_stop(t);
    assert_true(atomic_load(&queue[0]->cancelled));
    run_queue();
    target_free(t);
    advised_close(&host.advised);
}

static void a_restart_is_no_end(void **state)
{
    CLEANUP_SCRATCH Scratch nothing = scratch_new("/tmp");
    Policy policy = { .name = (char *)"a" };
    const Settings settings = { .interval_usec = USEC_PER_SEC };
    Host host = { .root_fd = nothing.fd, .proc_fd = nothing.fd, .settings = &settings };

    Target *t = a_target(&host, &policy);
    uint64_t now = t->waiting_usec;
    assert_true(target_is_there(t, now));
    assert_false(target_is_there(t, now + 60 * USEC_PER_SEC)); /* there is nothing to come */
    target_note_listed(t, false, now);
    assert_true(target_is_there(t, now + PIN_AWAY_USEC - 1));
    assert_false(target_is_there(t, now + PIN_AWAY_USEC));
    target_dismiss(t);
    assert_false(target_is_there(t, now));
    target_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_unit_leaves_is_looked_at),
        cmocka_unit_test(a_look_is_not_cut_short),
        cmocka_unit_test(the_root_is_not_followed),
        cmocka_unit_test(who_governs_it_is_told_when_it_changes),
        cmocka_unit_test(what_is_under_way_at_the_end),
        cmocka_unit_test(a_restart_is_no_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
