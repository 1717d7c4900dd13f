/* SPDX-License-Identifier: MIT */
/* Targets and limiters that only say what they were asked, on a host made of files. */
#include "daemon/yielding.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "unit/kernel/scratch.h"
#include "unit/test.h"
#include "util/io.h"

static bool measures; /* looks judge what they see */
static unsigned n_looks, n_background_looks, n_decided, n_timer;
static YieldUnit decided;
static YieldState yield_state; /* of all that yield */

DistressReason target_look(Target *t, uint64_t now)
{
    n_looks++;
    n_background_looks += t->policy->role == ROLE_BACKGROUND;
    t->sample.at_usec = now;
    if (measures && t->policy->role == ROLE_CRITICAL)
        (void)distress_update(&t->critical->distress, &t->policy->distress, &t->sample);
    return target_distress(t);
}

bool target_yields(const Target *t)
{
    return t->policy->memory_high.mode == LIMIT_YIELD;
}

bool target_is_there(const Target *t, uint64_t now)
{
    return t->cgroup || t->state == TARGET_WAITING;
}

void target_watch_limit(Target *t)
{
}

bool limiter_begin_yield(Limiter *l, const LimitConfig *config, const LimitContext *context,
                         const Sample *sample, YieldUnit *ret)
{
    *ret = (YieldUnit){ .config = config, .sample = sample, .state = &yield_state };
    return true;
}

uint64_t limiter_domains(const Limiter *l)
{
    return yield_state.domains;
}

void limiter_end_yield(Limiter *l, const YieldUnit *unit, const LimitContext *context)
{
    decided = *unit;
    n_decided++;
}

static void look(void *userdata)
{
    n_timer++;
}

typedef struct World {
    Scratch proc, cgroups;
    Settings settings;
    Host host;
    Yielding *yielding;
    Policy policies[2];
    Target targets[2]; /* a critical one, and one that yields */
    Critical critical;
    Target *list[2];
} World;

static void put_host(const World *w, unsigned free_mib, unsigned steals)
{
    char text[256];

    snprintf(text, sizeof(text), "MemTotal: 4194304 kB\nMemFree: %u kB\nMemAvailable: 3000000 kB\n",
             free_mib * 1024);
    scratch_put(&w->proc, "meminfo", text);
    snprintf(text, sizeof(text), "pgsteal_kswapd %u\n", steals);
    scratch_put(&w->proc, "vmstat", text);
}

static void world_begin(World *w)
{
    *w = (World){
        .proc = scratch_new("/tmp"),
        .cgroups = scratch_new("/tmp"),
        .settings = { .interval_usec = USEC_PER_SEC },
        .policies = {
            { .role = ROLE_CRITICAL },
            { .role = ROLE_BACKGROUND, .memory_high.mode = LIMIT_YIELD },
        },
    };
    n_looks = n_background_looks = n_decided = n_timer = 0;
    yield_state = (YieldState){ 0 };
    w->host = (Host){
        .proc_fd = w->proc.fd,
        .cgroup_fd = w->cgroups.fd,
        .settings = &w->settings,
    };
    scratch_put(&w->proc, "sys/vm/min_free_kbytes", "65536\n");
    put_host(w, 2048, 100);
    assert_int_equal(sd_event_new(&w->host.event), 0);
    assert_int_equal(yielding_new(&w->host, look, NULL, &w->yielding), 0);
    for (size_t i = 0; i < 2; i++) {
        w->targets[i] = (Target){
            .policy = &w->policies[i],
            .control_group = i == 0 ? (char *)"/a.slice/shop.service"
                                    : (char *)"/b.slice/job.service",
            .cgroup = (Cgroup *)w, /* there is one */
            .limiter = (Limiter *)w,
            .state = TARGET_ACTIVE,
            .has_sample = true,
            .sample = {
                .at_usec = USEC_PER_SEC, .page = 4096, .current = 500 * MIB, .file = 500 * MIB,
                .inactive_file = 500 * MIB, .high = LIMIT_NONE, .max = LIMIT_NONE,
                .memory_psi.valid = true,
            },
        };
        w->list[i] = &w->targets[i];
        if (i == 0)
            w->targets[i].critical = &w->critical;
    }
}

static void world_end(World *w)
{
    yielding_free(w->yielding);
    sd_event_unref(w->host.event);
    scratch_done(&w->proc);
    scratch_done(&w->cgroups);
}

/* A look between two intervals reads of the units only what is needed. */
static void units_are_looked_at_when_it_matters(void **state)
{
    World w;

    world_begin(&w);
    yielding_act(w.yielding, w.list, 2, USEC_PER_SEC);
    assert_int_equal(n_decided, 1);
    assert_int_equal(n_looks, 0);
    yielding_look(w.yielding, w.list, 2);
    assert_int_equal(n_looks, 1); /* the critical one */
    assert_int_equal(n_background_looks, 0);
    assert_int_equal(n_decided, 1);

    put_host(&w, 150, 100); /* kswapd begins at 80 MiB, and a 32nd of 4 GiB is above that */
    yielding_look(w.yielding, w.list, 2);
    assert_int_equal(n_background_looks, 1);
    assert_int_equal(n_decided, 2);

    put_host(&w, 2048, 101); /* it has reclaimed all the same */
    yielding_look(w.yielding, w.list, 2);
    assert_int_equal(n_background_looks, 2);
    put_host(&w, 2048, 101);
    yielding_look(w.yielding, w.list, 2);
    assert_int_equal(n_background_looks, 2);
    w.targets[1].stall.pressed = true;
    yielding_look(w.yielding, w.list, 2);
    assert_int_equal(n_background_looks, 3);
    w.targets[1].stall.pressed = false;
    w.targets[1].has_sample = false; /* it has only begun */
    yielding_look(w.yielding, w.list, 2);
    assert_int_equal(n_background_looks, 4);
    world_end(&w);
}

/* kswapd begins at 80 MiB, and a 32nd of the memory is kept above that. */
static void nobody_gets_more_than_the_host_has_free(void **state)
{
    World w;

    world_begin(&w);
    yielding_act(w.yielding, w.list, 2, USEC_PER_SEC);
    assert_int_equal(decided.decision.reason, LIMIT_REASON_ROOM);
    assert_int_equal(decided.decision.want, (500 + 2048 - 80 - 128) * MIB);
    put_host(&w, 12300, 100);
    yielding_act(w.yielding, w.list, 2, 2 * USEC_PER_SEC);
    assert_true(decided.decision.want == LIMIT_NONE);
    world_end(&w);
}

/* Neither a restart nor a look that failed is the end of who is served. */
static void a_critical_unit_that_restarts(void **state)
{
    World w;

    world_begin(&w);
    yielding_act(w.yielding, w.list, 2, USEC_PER_SEC);
    uint64_t want = decided.decision.want;
    assert_true(want != LIMIT_NONE);
    w.targets[0].has_sample = false;
    yielding_act(w.yielding, w.list, 2, 2 * USEC_PER_SEC);
    assert_int_equal(decided.decision.want, want);
    w.targets[0].cgroup = NULL;
    w.targets[0].state = TARGET_WAITING;
    yielding_act(w.yielding, w.list, 2, 3 * USEC_PER_SEC);
    assert_int_equal(decided.decision.want, want);
    w.targets[0].state = TARGET_LEFT;
    yielding_act(w.yielding, w.list, 2, 4 * USEC_PER_SEC);
    assert_true(decided.decision.want == LIMIT_NONE);
    world_end(&w);
}

static void put(const World *w, const char *slice, const char *file, const char *text)
{
    char path[64];

    snprintf(path, sizeof(path), "%s/%s", slice, file);
    scratch_put(&w->cgroups, path, text);
}

static void put_slice(const World *w, const char *slice, const char *current, const char *high)
{
    put(w, slice, "memory.stat",
        "anon 0\nfile 0\nactive_file 0\ninactive_file 0\nunevictable 0\nfile_mapped 0\n"
        "file_dirty 0\nfile_writeback 0\nshmem 0\nslab_unreclaimable 0\n");
    put(w, slice, "memory.current", current);
    put(w, slice, "memory.high", high);
}

/* Memory of another slice does not help one that is at its limit. */
static void who_competes(void **state)
{
    World w;

    world_begin(&w);
    w.critical.distress.reason = DISTRESS_MEMORY_PRESSURE;
    w.targets[0].sample.max = 505 * MIB; /* full of cache, which it does not run into */
    put_slice(&w, "a.slice", "600000000\n", "max\n");
    put_host(&w, 150, 100);
    yielding_act(w.yielding, w.list, 2, USEC_PER_SEC);
    assert_int_equal(decided.domains, YIELD_HOST);
    assert_true(yielding_context(w.yielding).distress);
    put_slice(&w, "a.slice", "600000000\n", "600002560\n");
    yielding_act(w.yielding, w.list, 2, 2 * USEC_PER_SEC);
    assert_int_equal(decided.domains, 0);
    w.targets[1].control_group = (char *)"/a.slice/job.service";
    yielding_act(w.yielding, w.list, 2, 3 * USEC_PER_SEC);
    assert_true(decided.domains != 0 && decided.domains != YIELD_HOST);
    /* A part of it is its own. */
    w.targets[1].control_group = (char *)"/a.slice/shop.service/jobs";
    yielding_act(w.yielding, w.list, 2, 3 * USEC_PER_SEC);
    assert_int_equal(decided.domains, 0);
    /* Nobody's memory helps one that runs into its own limit. */
    w.targets[1].control_group = (char *)"/a.slice/job.service";
    w.critical.distress.n_points = 2;
    w.critical.distress.points[1].limit_events = 1;
    yielding_act(w.yielding, w.list, 2, 3 * USEC_PER_SEC);
    assert_int_equal(decided.domains, 0);
    w.critical.distress.n_points = 0;
    /* Who only observes does not suffer as far as others are concerned. */
    w.policies[0].mode = MODE_OBSERVE;
    yielding_act(w.yielding, w.list, 2, 4 * USEC_PER_SEC);
    assert_false(yielding_context(w.yielding).distress);
    world_end(&w);
}

static uint64_t domains_below(World *w, Target *const *list, size_t n, const char *control_group)
{
    w->targets[1].control_group = (char *)control_group;
    yielding_act(w->yielding, list, n, w->targets[1].sample.at_usec += USEC_PER_SEC);
    return decided.domains;
}

/* Two slices that are short of memory are two affairs, and two services in one are one. */
static void each_slice_is_its_own_affair(void **state)
{
    World w;

    world_begin(&w);
    w.critical.distress.reason = DISTRESS_MEMORY_PRESSURE;
    Critical second = w.critical, third = w.critical;
    Target other = w.targets[0], beside = w.targets[0];
    Target *list[] = { &w.targets[0], &w.targets[1], &other, &beside };
    other.control_group = (char *)"/b.slice/shop.service";
    other.critical = &second;
    beside.control_group = (char *)"/a.slice/beside.service";
    beside.critical = &third;
    put_slice(&w, "a.slice", "600000000\n", "600002560\n");
    put_slice(&w, "b.slice", "600000000\n", "600002560\n");
    uint64_t a = domains_below(&w, list, 4, "/a.slice/job.service");
    uint64_t b = domains_below(&w, list, 4, "/b.slice/job.service");
    assert_true(a != 0 && b != 0 && (a & b) == 0 && ((a | b) & YIELD_HOST) == 0);
    assert_int_equal(a & (a - 1), 0); /* one for both in it */
    assert_int_equal(domains_below(&w, list, 4, "/c.slice/job.service"), 0);
    put_slice(&w, "b.slice", "600000000\n", "max\n");
    assert_int_equal(domains_below(&w, list, 4, "/c.slice/job.service"), YIELD_HOST);
    assert_int_equal(domains_below(&w, list, 4, "/a.slice/job.service"), a | YIELD_HOST);
    world_end(&w);
}

/* What is known of a unit stays true: a slice is not called otherwise because another one is short,
 * too. One that nobody has to do with any more is forgotten. */
static void a_slice_keeps_its_number(void **state)
{
    World w;

    world_begin(&w);
    w.critical.distress.reason = DISTRESS_MEMORY_PRESSURE;
    Critical second = w.critical;
    Target other = w.targets[0];
    Target *list[] = { &w.targets[0], &w.targets[1], &other };
    other.control_group = (char *)"/b.slice/shop.service";
    other.critical = &second;
    put_slice(&w, "b.slice", "600000000\n", "600002560\n");
    uint64_t b = domains_below(&w, list, 3, "/b.slice/job.service") & ~YIELD_HOST;
    assert_true(b != 0);
    put_slice(&w, "a.slice", "600000000\n", "600002560\n");
    assert_int_equal(domains_below(&w, list, 3, "/b.slice/job.service"), b);
    uint64_t a = domains_below(&w, list, 3, "/a.slice/job.service");
    assert_true(a != 0 && a != b);
    second.distress.reason = w.critical.distress.reason = DISTRESS_NONE;
    yield_state = (YieldState){ 0 };
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(domains_below(&w, list, 3, "/a.slice/job.service"), 0);
    w.critical.distress.reason = DISTRESS_MEMORY_PRESSURE;
    assert_int_equal(domains_below(&w, list, 3, "/a.slice/job.service"), YIELD_HOST << 1);
    world_end(&w);
}

/* Nor while whoever is limited because of it, or suffered there, is between two cgroups. */
static void a_slice_keeps_its_number_over_a_restart(void **state)
{
    for (unsigned critical = 0; critical < 2; critical++) {
        World w;

        world_begin(&w);
        w.critical.distress.reason = DISTRESS_MEMORY_PRESSURE;
        Critical second = { 0 };
        Target other = w.targets[0];
        Target *list[] = { &w.targets[0], &w.targets[1], &other };
        other.control_group = (char *)"/b.slice/shop.service";
        other.critical = &second;
        put_slice(&w, "a.slice", "600000000\n", "600002560\n");
        put_slice(&w, "b.slice", "600000000\n", "600002560\n");
        uint64_t a = domains_below(&w, list, 3, "/a.slice/job.service");
        assert_true(a != 0 && yield_state.domains == a && w.critical.served.domain == a);
        /* What one of them knows is enough. */
        if (critical)
            yield_state.domains = 0;
        else
            w.critical = (Critical){ 0 };
        w.targets[critical ? 0 : 1].cgroup = NULL;
        yielding_act(w.yielding, list, 3, w.targets[1].sample.at_usec += USEC_PER_SEC);
        w.targets[1].cgroup = (Cgroup *)&w;
        second.distress.reason = DISTRESS_MEMORY_PRESSURE;
        uint64_t b = domains_below(&w, list, 3, "/b.slice/job.service");
        assert_true(b != 0 && (a & b) == 0);
        world_end(&w);
    }
}

/* A trial is judged by what was lost, and where, though nobody suffers. */
static void where_pages_were_lost_is_known(void **state)
{
    World w;

    world_begin(&w);
    assert_int_equal(domains_below(&w, w.list, 2, "/b.slice/job.service"), 0);
    w.critical.served.due = MIB;
    assert_int_equal(domains_below(&w, w.list, 2, "/b.slice/job.service"), YIELD_HOST);
    world_end(&w);
}

/* Where nobody can tell, the host may swap. */
static void free_swap_that_is_not_known(void **state)
{
    World w;

    world_begin(&w);
    yielding_act(w.yielding, w.list, 2, USEC_PER_SEC);
    assert_int_equal(yielding_context(w.yielding).swap_free, 0);
    scratch_put(&w.proc, "meminfo", "");
    yielding_act(w.yielding, w.list, 2, 2 * USEC_PER_SEC);
    assert_true(yielding_context(w.yielding).swap_free == LIMIT_SWAP_UNKNOWN);
    assert_true(yielding_context(w.yielding).has_swap);
    world_end(&w);
}

/* However deep a unit is. */
static void a_slice_far_above(void **state)
{
    char deep[200] = "/a.slice";
    World w;

    world_begin(&w);
    for (unsigned i = 0; i < 40; i++)
        strcat(deep, "/x");
    w.targets[0].control_group = deep;
    w.critical.distress.reason = DISTRESS_MEMORY_PRESSURE;
    put_slice(&w, "a.slice", "600000000\n", "600002560\n");
    put_host(&w, 150, 100);
    yielding_act(w.yielding, w.list, 2, USEC_PER_SEC);
    assert_false(decided.domains != 0);
    world_end(&w);
}

/* The trigger, as critical.c arms it: the test's end of a pipe fires it. */

static int fires;

int __wrap_cgroup_arm_psi(Cgroup *cgroup, const char *resource, uint64_t stall_usec,
                          uint64_t window_usec);
int __wrap_cgroup_arm_psi(Cgroup *cgroup, const char *resource, uint64_t stall_usec,
                          uint64_t window_usec)
{
    int fds[2];

    must(pipe2(fds, O_CLOEXEC));
    fires = fds[1];
    return fds[0];
}

int __real_sd_event_add_io(sd_event *event, sd_event_source **ret, int fd, uint32_t events,
                           sd_event_io_handler_t call, void *userdata);
int __wrap_sd_event_add_io(sd_event *event, sd_event_source **ret, int fd, uint32_t events,
                           sd_event_io_handler_t call, void *userdata);
int __wrap_sd_event_add_io(sd_event *event, sd_event_source **ret, int fd, uint32_t events,
                           sd_event_io_handler_t call, void *userdata)
{
    assert_int_equal(events, EPOLLPRI);
    return __real_sd_event_add_io(event, ret, fd, EPOLLIN, call, userdata);
}

static int owning;

int __real_sd_event_source_set_io_fd_own(sd_event_source *source, int own);
int __wrap_sd_event_source_set_io_fd_own(sd_event_source *source, int own);
int __wrap_sd_event_source_set_io_fd_own(sd_event_source *source, int own)
{
    return owning < 0 ? owning : __real_sd_event_source_set_io_fd_own(source, own);
}

static void on_pressed(void *userdata)
{
    World *w = userdata;

    yielding_look(w->yielding, w->list, 2);
}

/* From the kernel's word to the decision nothing is waited for, neither a timer nor a tick; and
 * whatever the looks saw of the stall, the kernel's word counts. */
static void a_trigger_is_acted_on_at_once(void **state)
{
    World w;

    world_begin(&w);
    measures = true;
    put_host(&w, 150, 100);
    Critical *c = critical_new("shop.service", on_pressed, &w);
    assert_non_null(c);
    w.targets[0].critical = c;
    w.policies[0].distress = DISTRESS_CONFIG_DEFAULT;
    critical_arm(c, w.host.event, w.targets[0].cgroup, &w.policies[0].distress);
    for (unsigned s = 1; s < 4; s++) {
        w.targets[0].sample.at_usec = w.targets[1].sample.at_usec = s * USEC_PER_SEC;
        (void)target_look(&w.targets[0], s * USEC_PER_SEC);
        yielding_act(w.yielding, w.list, 2, s * USEC_PER_SEC);
        assert_int_equal(decided.decision.reason, LIMIT_REASON_ROOM);
    }
    unsigned before = n_decided;
    w.targets[0].sample.memory_psi.some_usec += 5 * USEC_PER_MSEC;
    must((int)write(fires, "", 1));
    /* A timer may be due as well, here, and decides nothing. */
    for (unsigned i = 0; i < 4 && n_decided == before; i++)
        assert_true(sd_event_run(w.host.event, 0) > 0);
    assert_int_equal(n_decided, before + 1);
    assert_int_equal(decided.decision.reason, LIMIT_REASON_FREEZE);
    assert_int_equal(decided.decision.want, w.targets[1].sample.current);
    assert_int_equal(c->distress.reason, DISTRESS_MEMORY_PRESSURE);
    measures = false;
    close(fires);
    critical_free(c);
    world_end(&w);
}

static void a_trigger_that_could_not_be_kept(void **state)
{
    const Sample hidden = { 0 }, seen = { .memory_psi.valid = true };
    const DistressConfig config = DISTRESS_CONFIG_DEFAULT;
    World w;

    world_begin(&w);
    Critical *c = critical_new("shop.service", on_pressed, &w);
    assert_non_null(c);
    owning = -ENOMEM;
    critical_arm(c, w.host.event, w.targets[0].cgroup, &config);
    owning = 0;
    close(fires);
    assert_true(c->refused);
    fires = -1;
    (void)critical_note(c, w.host.event, w.targets[0].cgroup, &config, &hidden);
    assert_false(critical_note(c, w.host.event, w.targets[0].cgroup, &config, &seen));
    assert_true(fires >= 0 && !c->refused);
    close(fires);
    critical_free(c);
    world_end(&w);
}

static unsigned n_pressed, n_others;

static void on_storm(void *userdata)
{
    n_pressed++;
    on_pressed(userdata);
}

static int on_other(sd_event_source *source, uint64_t usec, void *userdata)
{
    n_others++;
    assert_true(sd_event_source_set_time(source, 0) >= 0);
    assert_true(sd_event_source_set_enabled(source, SD_EVENT_ONESHOT) >= 0);
    return 0;
}

/* Nobody takes the byte out of the pipe, so that the event never ends. There are a few looks in a
 * window, as many decisions, and no distress, since nothing stalls; all else goes on. */
static void a_storm_of_events(void **state)
{
    sd_event_source *other = NULL;
    World w;

    world_begin(&w);
    measures = true;
    n_pressed = n_others = 0;
    put_host(&w, 150, 100);
    Critical *c = critical_new("shop.service", on_storm, &w);
    assert_non_null(c);
    w.targets[0].critical = c;
    w.policies[0].distress = DISTRESS_CONFIG_DEFAULT;
    critical_arm(c, w.host.event, w.targets[0].cgroup, &w.policies[0].distress);
    assert_true(sd_event_add_time(w.host.event, &other, CLOCK_MONOTONIC, 0, 1, on_other, NULL) >=
                0);
    must((int)write(fires, "", 1));
    uint64_t begun = now_usec();
    unsigned before = n_decided;
    while (n_others < 300)
        assert_true(sd_event_run(w.host.event, UINT64_MAX) >= 0);
    uint64_t windows = 1 + (now_usec() - begun) / DISTRESS_TRIGGER_USEC;
    assert_in_range(n_pressed, 1, windows * TRIGGER_EVENTS_MOST);
    assert_int_equal(n_decided - before, n_pressed);
    assert_int_equal(c->distress.reason, DISTRESS_NONE);
    measures = false;
    sd_event_source_disable_unref(other);
    close(fires);
    critical_free(c);
    world_end(&w);
}

/* A limit on a slice is one on all that is inside. */
static void a_slice_with_the_critical_unit_inside(void **state)
{
    World w;

    world_begin(&w);
    w.targets[1].control_group = (char *)"/a.slice";
    yielding_act(w.yielding, w.list, 2, USEC_PER_SEC);
    assert_int_equal(decided.decision.reason, LIMIT_REASON_INSIDE);
    w.policies[0].mode = MODE_OBSERVE;
    yielding_act(w.yielding, w.list, 2, 2 * USEC_PER_SEC);
    assert_int_not_equal(decided.decision.reason, LIMIT_REASON_INSIDE);
    world_end(&w);
}

/* What a critical unit felt before it was governed says nothing of what helps. */
static void what_was_before_is_not_counted(void **state)
{
    World w;

    world_begin(&w);
    Critical unseen = w.critical;
    Target late = w.targets[0], *list[] = { &w.targets[0], &w.targets[1], &late };
    late.critical = &unseen;
    late.sample.refault_file = 1000000;
    w.critical.distress.reason = DISTRESS_REFAULTS;
    put_host(&w, 150, 100);
    for (unsigned s = 1; s < 30; s++) {
        w.targets[0].sample.refault_file += s < 4 ? 100 : 10;
        w.targets[1].sample.at_usec = s * USEC_PER_SEC;
        yielding_act(w.yielding, list, s < 4 ? 2 : 3, s * USEC_PER_SEC);
        assert_int_not_equal(decided.decision.reason, LIMIT_REASON_NO_HELP);
    }
    world_end(&w);
}

/* A theft is seen within a second, however seldom an admin has units looked at. */
static void a_long_interval_is_none_for_critical_units(void **state)
{
    World w;

    world_begin(&w);
    w.settings.interval_usec = 60 * USEC_PER_SEC;
    yielding_act(w.yielding, w.list, 2, USEC_PER_SEC);
    assert_true(sd_event_run(w.host.event, 10 * USEC_PER_SEC) > 0);
    assert_int_equal(n_timer, 1);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_are_looked_at_when_it_matters),
        cmocka_unit_test(nobody_gets_more_than_the_host_has_free),
        cmocka_unit_test(a_critical_unit_that_restarts),
        cmocka_unit_test(who_competes),
        cmocka_unit_test(each_slice_is_its_own_affair),
        cmocka_unit_test(a_slice_keeps_its_number),
        cmocka_unit_test(a_slice_keeps_its_number_over_a_restart),
        cmocka_unit_test(where_pages_were_lost_is_known),
        cmocka_unit_test(a_slice_with_the_critical_unit_inside),
        cmocka_unit_test(free_swap_that_is_not_known),
        cmocka_unit_test(a_slice_far_above),
        cmocka_unit_test(a_trigger_is_acted_on_at_once),
        cmocka_unit_test(a_trigger_that_could_not_be_kept),
        cmocka_unit_test(a_storm_of_events),
        cmocka_unit_test(what_was_before_is_not_counted),
        cmocka_unit_test(a_long_interval_is_none_for_critical_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
