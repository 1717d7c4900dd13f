/* SPDX-License-Identifier: MIT */
#include "daemon/target.h"

#include <sys/socket.h>

#include "daemon/evict_job.h"
#include "unit/daemon/job-queue.h"
#include "unit/daemon/log-text.h"
#include "unit/kernel/scratch.h"
#include "util/io.h"

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
    Ledger ledger = { 0 };
    Host host = {
        .cgroup_fd = cgroups.fd,
        .proc_fd = proc.fd,
        .ledger = &ledger,
        .settings = &settings,
    };

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

/* Where a look may reclaim what several processes map; NULL: nowhere. The one job in the queue. */
static char *reclaimed_group(Target *t)
{
    const EvictJob *ej = NULL;

    target_act(t, &(TargetMoment){ .now_usec = 3600 * USEC_PER_SEC });
    assert_int_equal(n_queued, 1);
    ej = (const EvictJob *)queue[0];
    char *group = ej->task.control_group ? strdup(ej->task.control_group) : NULL;
    run_queue();
    return group;
}

/* All who map a file are below the root; and below a slice may be what is critical. */
static void what_is_shared_is_reclaimed_from_units(void **state)
{
    static const struct {
        const char *unit, *critical, *from;
    } rows[] = {
        { "/", NULL, NULL },
        { "/a.slice", NULL, "/a.slice" },
        { "/a.slice", "b.service", NULL },
    };
    CLEANUP_SCRATCH Scratch nothing = scratch_new("/tmp");
    CLEANUP_SCRATCH Scratch cgroups = scratch_new("/tmp");
    EvictRule shared = rule;
    Policy policy = {
        .name = (char *)"a",
        .cache_max = LIMIT_NONE,
        .evicts = &shared,
        .n_evicts = 1,
    };
    const Settings settings = { .interval_usec = USEC_PER_SEC };
    Ledger ledger = { 0 };
    Host host = {
        .cgroup_fd = cgroups.fd,
        .root_fd = nothing.fd,
        .proc_fd = nothing.fd,
        .ledger = &ledger,
        .settings = &settings,
    };

    shared.mapped = EVICT_MAPPED_PAGE_OUT;
    put_cgroup(&cgroups, ".");
    put_cgroup(&cgroups, "a.slice");
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        Target *t;

        assert_int_equal(target_new(&host, &policy, rows[i].unit, NULL, NULL, NULL, &t), 0);
        target_note_listed(t, true, 1);
        target_note_critical_below(t, rows[i].critical);
        CLEANUP_FREE char *from = reclaimed_group(t);
        if (rows[i].from)
            assert_string_equal(from, rows[i].from);
        else
            assert_null(from);
        target_free(t);
    }
}

/* Neither a stream nor a cap takes what a critical unit below has. */
static void a_slice_above_what_is_critical_is_let_be(void **state)
{
    CLEANUP_SCRATCH Scratch cgroups = scratch_new("/tmp");
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    EvictRule stream = { .stream = true };
    Policy policies[] = {
        { .name = (char *)"a", .cache_max = LIMIT_NONE, .evicts = &stream, .n_evicts = 1 },
        { .name = (char *)"b", .cache_max = 1 },
        { .name = (char *)"c", .cache_max = LIMIT_NONE },
    };
    const Settings settings = { .interval_usec = USEC_PER_SEC };
    Ledger ledger = { 0 };
    Host host = {
        .cgroup_fd = cgroups.fd,
        .proc_fd = proc.fd,
        .ledger = &ledger,
        .settings = &settings,
    };

    put_cgroup(&cgroups, "a.slice");
    must(sd_event_new(&host.event));
    for (size_t i = 0; i < ELEMENTS(policies); i++)
        for (int critical = 0; critical < 2; critical++) {
            Target *t;

            log_text[0] = '\0';
            assert_int_equal(target_new(&host, &policies[i], "/a.slice", NULL, NULL, NULL, &t), 0);
            log_text[0] = '\0';
            for (int k = 0; k < 2; k++)
                target_note_critical_below(t, critical ? "b.service" : NULL);
            expect_log(critical && i < 2 ? "warning: /a.slice: nothing is reclaimed from it: "
                                           "b.service below it is critical\n"
                                         : "");
            assert_int_equal(t->above_critical, critical && i < 2);
            target_note_listed(t, true, 1);
            assert_int_equal(t->state, TARGET_ACTIVE);
            t->has_sample = true;
            target_act(t, &(TargetMoment){ .now_usec = 1 });
            for (int k = 0; k < 5 && n_queued == 0; k++)
                must(sd_event_run(host.event, 2 * USEC_PER_MSEC));
            assert_int_equal(n_queued, i == 0 && !critical);
            if (i == 1)
                assert_int_equal(capper_status(t->capper).reason == CAP_OFF, critical);
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
    Ledger ledger = { 0 };
    Host host = {
        .root_fd = nothing.fd,
        .proc_fd = nothing.fd,
        .cgroup_fd = nothing.fd,
        .ledger = &ledger,
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
    assert_true(target_is_there(t, now - 1));                  /* of a look that began before */
    assert_false(target_is_there(t, now + 60 * USEC_PER_SEC)); /* there is nothing to come */
    target_note_listed(t, false, now);
    assert_true(target_is_there(t, now + PIN_AWAY_USEC - 1));
    assert_false(target_is_there(t, now + PIN_AWAY_USEC));
    target_dismiss(t);
    assert_false(target_is_there(t, now));
    target_free(t);
}

/* Pressure: what a trigger tells is urgent data of a socket here. Linked with
 * --wrap=cgroup_arm_psi, see meson.build. */

static int trigger = -1;
static bool refuses;
static unsigned n_armed, n_pressed;
static uint64_t armed_for;

int __wrap_cgroup_arm_psi(Cgroup *cgroup, const char *resource, uint64_t stall_usec,
                          uint64_t window_usec);
int __wrap_cgroup_arm_psi(Cgroup *cgroup, const char *resource, uint64_t stall_usec,
                          uint64_t window_usec)
{
    int ends[2];

    assert_string_equal(resource, "memory");
    n_armed++;
    armed_for = stall_usec;
    if (refuses)
        return -EOPNOTSUPP;
    if (trigger >= 0)
        close(trigger);
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends));
    trigger = ends[1];
    return ends[0];
}

static void tasks_stall(void)
{
    assert_int_equal(send(trigger, "!", 1, MSG_OOB), 1);
}

static void pressed(void *userdata)
{
    n_pressed++;
}

typedef struct Pressure {
    Scratch cgroups, runtime;
    Ledger ledger;
    Settings settings;
    Host host;
    Target *target;
} Pressure;

static void pressure_begin(Pressure *p, const Policy *policy)
{
    static const char psi[] = "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
                              "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";

    *p = (Pressure){
        .cgroups = scratch_new("/tmp"),
        .runtime = scratch_new("/tmp"),
        .settings = { .interval_usec = USEC_PER_SEC },
    };
    n_armed = n_pressed = 0;
    assert_int_equal(ledger_open(&p->ledger, p->runtime.fd, NULL), 0);
    p->host = (Host){
        .root_fd = p->runtime.fd,
        .proc_fd = p->runtime.fd,
        .cgroup_fd = p->cgroups.fd,
        .ledger = &p->ledger,
        .settings = &p->settings,
        .page = 4096,
        .has_psi = true,
    };
    must(sd_event_new(&p->host.event));
    scratch_put(&p->cgroups, "x/memory.stat",
                "anon 0\nfile 0\nactive_file 0\ninactive_file 0\nunevictable 0\nfile_mapped 0\n"
                "file_dirty 0\nfile_writeback 0\nshmem 0\nslab_unreclaimable 0\n");
    scratch_put(&p->cgroups, "x/memory.current", "100003840\n");
    scratch_put(&p->cgroups, "x/memory.high", "999997440\n");
    scratch_put(&p->cgroups, "x/memory.events", "high 0\n");
    scratch_put(&p->cgroups, "x/memory.pressure", psi);
    scratch_put(&p->cgroups, "x/io.pressure", psi);
    assert_int_equal(target_new(&p->host, policy, "/x", NULL, pressed, NULL, &p->target), 0);
    target_note_listed(p->target, true, 1);
    assert_int_equal(p->target->state, TARGET_ACTIVE);
}

static void pressure_end(Pressure *p)
{
    target_free(p->target);
    sd_event_unref(p->host.event);
    ledger_close(&p->ledger);
    scratch_done(&p->cgroups);
    scratch_done(&p->runtime);
    close(trigger);
    trigger = -1;
}

static void a_critical_unit_stalls(void **state)
{
    Policy policy = { .name = (char *)"a", .role = ROLE_CRITICAL, .cache_max = LIMIT_NONE };
    Pressure p;

    pressure_begin(&p, &policy);
    assert_int_equal(n_armed, 1);
    assert_int_equal(sd_event_run(p.host.event, 0), 0);
    tasks_stall();
    must(sd_event_run(p.host.event, 0));
    assert_int_equal(n_pressed, 1);
    pressure_end(&p);
}

/* That nobody could help it is no other way in its next cgroup; that it suffers is to be seen. */
static void a_critical_unit_restarts(void **state)
{
    Policy policy = { .name = (char *)"a", .role = ROLE_CRITICAL, .cache_max = LIMIT_NONE };
    Pressure p;

    pressure_begin(&p, &policy);
    p.target->critical->served.no_help.until_usec = 1234567;
    p.target->critical->distress.reason = DISTRESS_REFAULTS;
    target_note_listed(p.target, false, 2);
    assert_null(p.target->cgroup);
    assert_int_equal(target_distress(p.target), DISTRESS_NONE);
    target_note_listed(p.target, true, 3);
    assert_non_null(p.target->cgroup);
    assert_int_equal(n_armed, 2);
    assert_int_equal(p.target->critical->served.no_help.until_usec, 1234567);
    pressure_end(&p);
}

/* cgroup.pressure takes the files away and brings them back. */
static void a_trigger_is_asked_for_again_with_new_files(void **state)
{
    static const char psi[] = "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
    Policy policy = {
        .name = (char *)"a",
        .role = ROLE_CRITICAL,
        .cache_max = LIMIT_NONE,
        .distress = DISTRESS_CONFIG_DEFAULT,
    };
    Pressure p;

    refuses = true;
    pressure_begin(&p, &policy);
    (void)target_look(p.target, now_usec());
    assert_int_equal(n_armed, 1); /* and not at each look */
    scratch_put(&p.cgroups, "x/memory.pressure", "");
    log_text[0] = '\0';
    for (unsigned i = 0; i < 3; i++)
        (void)target_look(p.target, now_usec());
    assert_int_equal(n_armed, 1);
    expect_log("");
    scratch_put(&p.cgroups, "x/memory.pressure", psi);
    refuses = false;
    for (unsigned i = 0; i < 2; i++)
        (void)target_look(p.target, now_usec());
    assert_int_equal(n_armed, 2);
    tasks_stall();
    must(sd_event_run(p.host.event, 0));
    assert_int_equal(n_pressed, 1);
    pressure_end(&p);
}

static void act(Pressure *p)
{
    (void)target_look(p->target, now_usec());
    target_act(p->target, &(TargetMoment){ .now_usec = now_usec() });
    run_queue();
}

/* Its trigger is there by the time that the limit is in force, and not only after the next look. */
static void limit(Pressure *p)
{
    for (unsigned i = 0; i < 2 && !limiter_status(p->target->limiter).applied; i++)
        act(p);
    assert_true(limiter_status(p->target->limiter).applied);
    assert_int_equal(n_armed, 1);
}

/* It is looked at when its trigger fires, and again a moment later; and new policies do not leave
 * it without one until the interval is over. */
static void a_unit_stalls_under_a_limit(void **state)
{
    const Policy policy = {
        .name = (char *)"a",
        .cache_max = LIMIT_NONE,
        .memory_high = { .mode = LIMIT_FIXED, .value = UINT64_C(204800000) },
    };
    const Policy same = policy;
    Pressure p;

    pressure_begin(&p, &policy);
    limit(&p);
    uint64_t looked = p.target->sample.at_usec;
    tasks_stall();
    must(sd_event_run(p.host.event, 0));
    assert_true(p.target->sample.at_usec > looked);
    looked = p.target->sample.at_usec;
    while (p.target->sample.at_usec == looked)
        must(sd_event_run(p.host.event, UINT64_MAX));

    assert_int_equal(target_set_policy(p.target, &same), 0);
    assert_int_equal(n_armed, 2);
    looked = p.target->sample.at_usec;
    tasks_stall();
    must(sd_event_run(p.host.event, 0));
    assert_true(p.target->sample.at_usec > looked);
    pressure_end(&p);
}

static unsigned n_others;

static int on_other(sd_event_source *source, uint64_t usec, void *userdata)
{
    n_others++;
    must(sd_event_source_set_time(source, 0));
    must(sd_event_source_set_enabled(source, SD_EVENT_ONESHOT));
    return 0;
}

/* Nobody takes the event away, so that it never ends: each is worth two looks, a few come in a
 * window, and all else goes on. */
static void a_storm_of_stalls(void **state)
{
    const Policy policy = {
        .name = (char *)"a",
        .cache_max = LIMIT_NONE,
        .memory_high = { .mode = LIMIT_FIXED, .value = UINT64_C(204800000) },
    };
    sd_event_source *other = NULL;
    unsigned looks = 0;
    Pressure p;

    pressure_begin(&p, &policy);
    limit(&p);
    n_others = 0;
    must(sd_event_add_time(p.host.event, &other, CLOCK_MONOTONIC, 0, 1, on_other, NULL));
    tasks_stall();
    uint64_t begun = now_usec();
    while (n_others < 300) {
        uint64_t looked = p.target->sample.at_usec;
        must(sd_event_run(p.host.event, UINT64_MAX));
        looks += p.target->sample.at_usec != looked;
    }
    uint64_t windows = 1 + (now_usec() - begun) / LIMIT_WINDOW_USEC;
    assert_in_range(looks, 1, windows * TRIGGER_EVENTS_MOST * 2);
    sd_event_source_disable_unref(other);
    pressure_end(&p);
}

/* @pages of it went and came back. */
static void use(Pressure *p, unsigned current_mib, unsigned cache_mib, unsigned pages)
{
    char current[32], stat[400];

    snprintf(current, sizeof current, "%u\n", current_mib << 20);
    snprintf(stat, sizeof stat,
             "anon 0\nfile 0\nactive_file 0\ninactive_file %u\nunevictable 0\nfile_mapped 0\n"
             "file_dirty 0\nfile_writeback 0\nshmem 0\nslab_unreclaimable 0\n"
             "pgsteal %u\nworkingset_refault_file %u\n",
             cache_mib << 20, pages, pages);
    scratch_put(&p->cgroups, "x/memory.current", current);
    scratch_put(&p->cgroups, "x/memory.stat", stat);
}

static void expect_high(const Pressure *p, unsigned mib)
{
    LimiterStatus status = limiter_status(p->target->limiter);

    assert_true(status.applied);
    assert_int_equal(status.value, (uint64_t)mib << 20);
}

/* It goes with the looks that the cap asks for, and has a trigger that fires early. */
static void a_brake_beside_a_cap(void **state)
{
    const Policy policy = { .name = (char *)"a", .cache_max = 64 * MIB, .cache_brake = true };
    Pressure p;

    pressure_begin(&p, &policy);
    use(&p, 100, 10, 0);
    limit(&p);
    assert_int_equal(armed_for, TRACK_STALL_USEC);
    expect_high(&p, 90 + 64 + 20);
    use(&p, 110, 20, 0);
    act(&p);
    use(&p, 140, 25, 0);
    must(sd_event_run(p.host.event, UINT64_MAX));
    run_queue();
    assert_true(limiter_status(p.target->limiter).value >= (115 + 64 + 20) * MIB);
    assert_string_equal(limiter_status(p.target->limiter).reason, "growth");
    /* What it reclaims there is the cap's doing. */
    use(&p, 140, 25, 100);
    scratch_put(&p.cgroups, "x/memory.events", "high 1\n");
    act(&p);
    assert_true(capper_status(p.target->capper).returned_ppm > 0);
    pressure_end(&p);
}

static void use_cache(Pressure *p, unsigned cache_mib, unsigned taken_mib)
{
    char stat[400];

    snprintf(stat, sizeof stat,
             "anon 0\nfile %u\nactive_file 0\ninactive_file %u\nunevictable 0\nfile_mapped 0\n"
             "file_dirty 0\nfile_writeback 0\nshmem 0\nslab_unreclaimable 0\npgsteal %u\n",
             cache_mib << 20, cache_mib << 20, taken_mib << 8);
    scratch_put(&p->cgroups, "x/memory.stat", stat);
}

/* A policy may look for thieves beside a cap; what goes beyond that is stolen. */
static void what_a_cap_takes_is_not_stolen(void **state)
{
    const Policy policy = {
        .name = (char *)"a",
        .role = ROLE_CRITICAL,
        .cache_max = 64 * MIB,
        .distress = DISTRESS_CONFIG_DEFAULT,
    };
    Pressure p;

    pressure_begin(&p, &policy);
    scratch_put(&p.cgroups, "x/memory.reclaim", "");
    use_cache(&p, 100, 0);
    (void)target_look(p.target, now_usec());
    target_act(p.target, &(TargetMoment){ .now_usec = now_usec() });
    assert_true(capper_status(p.target->capper).reclaims);
    use_cache(&p, 60, 40);
    run_queue(); /* and it is looked at */
    const DistressState *distress = &p.target->critical->distress;
    assert_int_equal(distress->points[distress->n_points - 1].file, 60 * MIB);
    assert_int_equal(distress->reason, DISTRESS_NONE);
    assert_int_equal(distress_stolen(distress), 0);
    use_cache(&p, 20, 80);
    assert_int_equal(target_look(p.target, now_usec() + USEC_PER_SEC), DISTRESS_STOLEN);
    pressure_end(&p);
}

/* While it is paused, and where the cap is not kept. */
static void a_brake_is_given_back(void **state)
{
    const Policy policy = { .name = (char *)"a", .cache_max = 64 * MIB, .cache_brake = true };

    for (unsigned paused = 0; paused < 2; paused++) {
        Pressure p;
        char text[32];

        pressure_begin(&p, &policy);
        limit(&p);
        p.host.paused = paused;
        if (!paused)
            target_note_critical_below(p.target, "shop.service");
        act(&p);
        assert_false(limiter_status(p.target->limiter).applied);
        assert_string_equal(scratch_get(&p.cgroups, "x/memory.high", text, sizeof text),
                            "999997440\n");
        if (!paused)
            assert_string_equal(limiter_status(p.target->limiter).reason, "no-cap");
        pressure_end(&p);
    }
}

/* The self-test of the host stands for all groups, whatever their own files say. */
static void without_pressure_nothing_tightens(void **state)
{
    const Policy policy = {
        .name = (char *)"a",
        .cache_max = LIMIT_NONE,
        .memory_high = { .mode = LIMIT_FIXED, .value = UINT64_C(204800000) },
    };
    Pressure p;

    pressure_begin(&p, &policy);
    p.host.has_psi = false;
    act(&p);
    act(&p);
    assert_false(p.target->sample.memory_psi.valid);
    assert_false(limiter_status(p.target->limiter).applied);
    assert_string_equal(limiter_status(p.target->limiter).reason, "no-psi");
    assert_int_equal(n_armed, 0);
    pressure_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_unit_leaves_is_looked_at),
        cmocka_unit_test(a_look_is_not_cut_short),
        cmocka_unit_test(the_root_is_not_followed),
        cmocka_unit_test(what_is_shared_is_reclaimed_from_units),
        cmocka_unit_test(a_slice_above_what_is_critical_is_let_be),
        cmocka_unit_test(who_governs_it_is_told_when_it_changes),
        cmocka_unit_test(what_is_under_way_at_the_end),
        cmocka_unit_test(a_restart_is_no_end),
        cmocka_unit_test(a_critical_unit_stalls),
        cmocka_unit_test(a_critical_unit_restarts),
        cmocka_unit_test(a_trigger_is_asked_for_again_with_new_files),
        cmocka_unit_test(a_unit_stalls_under_a_limit),
        cmocka_unit_test(a_storm_of_stalls),
        cmocka_unit_test(a_brake_beside_a_cap),
        cmocka_unit_test(what_a_cap_takes_is_not_stolen),
        cmocka_unit_test(a_brake_is_given_back),
        cmocka_unit_test(without_pressure_nothing_tightens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
