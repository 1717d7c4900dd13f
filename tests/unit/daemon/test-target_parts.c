/* SPDX-License-Identifier: MIT */
#include "daemon/target_parts.h"

#include <malloc.h>
#include <sys/socket.h>

#include "daemon/governed.h"
#include "daemon/leftovers.h"
#include "unit/daemon/job-queue.h"
#include "unit/kernel/scratch.h"
#include "util/io.h"
#include "util/log.h"

/* Linked with --wrap=cgroup_arm_psi, see meson.build. */
int __wrap_cgroup_arm_psi(Cgroup *cgroup, const char *resource, uint64_t stall_usec,
                          uint64_t window_usec);
int __wrap_cgroup_arm_psi(Cgroup *cgroup, const char *resource, uint64_t stall_usec,
                          uint64_t window_usec)
{
    int ends[2];

    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends));
    close(ends[1]);
    return ends[0];
}

static EvictRule rules[] = { { .path = (char *)"/*", .every_usec = USEC_PER_SEC },
                             { .stream = true } };
static AdviseRule advise = { .path = (char *)"/*" };
static PinRule pin = { .path = (char *)"/*" };

#define NOTHING .name = (char *)"a", .cache_max = LIMIT_NONE

typedef struct World {
    Scratch cgroups, runtime;
    Ledger ledger;
    Settings settings;
    Host host;
} World;

static void world_begin(World *w)
{
    *w = (World){
        .cgroups = scratch_new("/tmp"),
        .runtime = scratch_new("/tmp"),
        .settings = { .interval_usec = USEC_PER_SEC },
    };
    assert_int_equal(ledger_open(&w->ledger, w->runtime.fd, NULL), 0);
    w->host = (Host){
        .root_fd = w->runtime.fd,
        .proc_fd = w->runtime.fd,
        .cgroup_fd = w->cgroups.fd,
        .state_fd = -1,
        .advised.dir_fd = w->runtime.fd,
        .ledger = &w->ledger,
        .settings = &w->settings,
        .page = 4096,
        .has_psi = true,
    };
    must(sd_event_new(&w->host.event));
}

static void put_cgroup(const World *w, const char *path)
{
    static const char *const files[][2] = {
        { "memory.stat", "anon 0\nfile 0\nactive_file 0\ninactive_file 0\nunevictable 0\n"
                         "file_mapped 0\nfile_dirty 0\nfile_writeback 0\nshmem 0\n"
                         "slab_unreclaimable 0\n" },
        { "memory.current", "100003840\n" },
        { "memory.high", "999997440\n" },
        { "memory.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
                             "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n" },
    };

    for (size_t i = 0; i < ELEMENTS(files); i++) {
        char name[100];
        snprintf(name, sizeof name, "%s/%s", path, files[i][0]);
        scratch_put(&w->cgroups, name, files[i][1]);
    }
}

static Target *a_target(World *w, const Policy *policy, const char *path)
{
    Target *t;

    put_cgroup(w, path + 1);
    assert_int_equal(target_new(&w->host, policy, path, NULL, NULL, NULL, &t), 0);
    target_note_listed(t, true, now_usec());
    assert_int_equal(t->state, TARGET_ACTIVE);
    return t;
}

static void act(Target *t)
{
    (void)target_look(t, now_usec());
    target_act(t, &(TargetMoment){ .now_usec = now_usec() });
    run_queue();
}

static void world_end(World *w)
{
    sd_event_unref(w->host.event);
    theirs_clear(&w->host.theirs);
    advised_close(&w->host.advised);
    ledger_close(&w->ledger);
    scratch_done(&w->cgroups);
    scratch_done(&w->runtime);
}

/* The first is bit 0. */
static unsigned parts_of(const Target *t)
{
    const bool parts[] = {
        t->limiter, t->capper, t->evictor, t->streamer, t->adviser, t->recorder, t->critical,
    };
    unsigned bits = 0;

    for (unsigned i = 0; i < ELEMENTS(parts); i++)
        bits |= (unsigned)parts[i] << i;
    return bits;
}

/* What a policy does not ask for is not there; and what another one asks for, while the unit runs,
 * is, and stays, because it has something to take back. */
static void parts_are_there_when_asked_for(void **state)
{
    const Policy nothing = { NOTHING };
    const struct {
        Policy policy;
        unsigned parts;
    } rows[] = {
        { { NOTHING }, 0 },
        { { NOTHING, .memory_high = { .mode = LIMIT_TRACK } }, 1 },
        { { .name = (char *)"a", .cache_max = 1 }, 2 },
        { { .name = (char *)"a", .cache_max = 1, .cache_brake = true }, 3 },
        { { NOTHING, .evicts = &rules[0], .n_evicts = 1 }, 4 },
        { { NOTHING, .evicts = &rules[1], .n_evicts = 1 }, 8 },
        { { NOTHING, .evicts = rules, .n_evicts = 2 }, 12 },
        { { NOTHING, .advises = &advise, .n_advises = 1 }, 16 },
        { { NOTHING, .role = ROLE_CRITICAL }, 64 },
        /* Neither is for control groups that are no units. */
        { { NOTHING, .pins = &pin, .n_pins = 1, .pin_restore = true }, 0 },
    };
    World w;

    world_begin(&w);
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        Target *t = a_target(&w, &rows[i].policy, "/x");
        assert_int_equal(parts_of(t), rows[i].parts);
        target_free(t);

        t = a_target(&w, &nothing, "/x");
        assert_int_equal(parts_of(t), 0);
        assert_int_equal(target_set_policy(t, &rows[i].policy), 0);
        assert_int_equal(parts_of(t), rows[i].parts);
        act(t);
        assert_int_equal(target_set_policy(t, &nothing), 0);
        assert_int_equal(parts_of(t) | 64, rows[i].parts | 64);
        act(t);
        target_free(t);
    }
    world_end(&w);
}

/* Recording what is in memory is for units of systemd alone. */
static void a_unit_is_recorded_if_that_is_asked_for(void **state)
{
    Policy policy = { NOTHING, .pins = &pin, .n_pins = 1, .pin_restore = true };
    World w;
    Target *t;

    world_begin(&w);
    for (int restore = 0; restore < 2; restore++) {
        policy.pin_restore = restore;
        assert_int_equal(target_new(&w.host, &policy, "a.service", "/a", NULL, NULL, &t), 0);
        assert_int_equal(parts_of(t), restore << 5);
        target_free(t);
    }
    run_queue();
    world_end(&w);
}

/* A policy that says nothing of it does not leave it behind. */
static void what_was_left_before_is_taken_back(void **state)
{
    static const char *const path = "/data/*";
    const Policy nothing = { NOTHING };
    World w;

    world_begin(&w);
    const LedgerEntry entry = {
        .unit = (char *)"/x", .cgroup = (char *)"/x", .original = 1, .ours = { 2, 2 }
    };
    assert_int_equal(ledger_note(&w.ledger, &entry), 0);
    assert_int_equal(advised_note(&w.host.advised, "/x", "/x", &path, 1), 0);
    Target *t = a_target(&w, &nothing, "/x");
    assert_int_equal(parts_of(t), 1 | 16);
    target_free(t);
    t = a_target(&w, &nothing, "/y");
    assert_int_equal(parts_of(t), 0);
    target_free(t);
    world_end(&w);
}

/* While that is under way, two would write one file. */
static void a_limit_waits_for_what_is_left_of_before(void **state)
{
    const Policy fixed = { NOTHING, .memory_high = { .mode = LIMIT_FIXED, .value = 204800000 } };
    Governed nobody = { 0 };
    Leftovers leftovers;
    struct stat st;
    World w;

    world_begin(&w);
    put_cgroup(&w, "x");
    must(fstatat(w.cgroups.fd, "x", &st, 0));
    /* Less than is in use: a worker's. */
    const LedgerEntry entry = {
        .unit = (char *)"/x",
        .cgroup = (char *)"/x",
        .original = 100000000,
        .ours = { 999997440, 999997440 },
        .id = st.st_ino,
    };
    assert_int_equal(ledger_note(&w.ledger, &entry), 0);
    assert_int_equal(leftovers_take(&leftovers, &w.host), 0);
    w.host.leftovers = &leftovers;
    leftovers_note_listed(&leftovers);
    leftovers_act(&leftovers, &nobody);
    assert_int_equal(n_queued, 1);

    Target *t = a_target(&w, &fixed, "/x");
    assert_int_equal(parts_of(t), 0);
    run_queue();
    target_note_listed(t, true, now_usec());
    assert_int_equal(parts_of(t), 1);
    assert_null(ledger_find(&w.ledger, "/x"));
    leftovers_act(&leftovers, &nobody);
    assert_int_equal(leftovers.n, 0);
    leftovers_clear(&leftovers);
    target_free(t);
    world_end(&w);
}

static const char *act_on(const Governed *g)
{
    assert_int_equal(g->n_targets, 1);
    act(g->targets[0]);
    return limiter_status(g->targets[0]->limiter).reason;
}

static void assert_high(const World *w, const char *expected)
{
    char text[32];

    assert_string_equal(scratch_get(&w->cgroups, "x/memory.high", text, sizeof text), expected);
}

/* However often it ends and comes back, under whichever of the policies. */
static void hands_off_until_the_next_reload(void **state)
{
    Policy policy = { NOTHING, .memory_high = { .mode = LIMIT_FIXED, .value = 204800000 } };
    Policy another = policy, *policies[] = { &policy };
    char *globs[] = { (char *)"/x", NULL };
    const PolicySet set = { .policies = policies, .n_policies = 1 };
    uint64_t now = now_usec();
    World w;

    policy.cgroups = globs;
    world_begin(&w);
    Governed g = { .host = &w.host, .set = &set };
    put_cgroup(&w, "x");
    governed_note(&g, "/x", "/x", NULL, now);
    assert_string_equal(act_on(&g), "fixed");
    assert_high(&w, "204800000\n");
    scratch_put(&w.cgroups, "x/memory.high", "300003328\n");
    assert_string_equal(act_on(&g), "changed-by-someone-else");
    assert_int_equal(target_set_policy(g.targets[0], &another), 0);
    assert_string_equal(act_on(&g), "changed-by-someone-else");

    target_note_listed(g.targets[0], false, now);
    act(g.targets[0]);
    governed_note(&g, "/x", "/x", NULL, now);
    assert_string_equal(act_on(&g), "changed-by-someone-else");
    target_note_listed(g.targets[0], false, now);
    governed_remove_finished(&g, now + PIN_AWAY_USEC);
    assert_int_equal(g.n_targets, 0);
    governed_note(&g, "/x", "/x", NULL, now);
    assert_string_equal(act_on(&g), "changed-by-someone-else");
    assert_high(&w, "300003328\n");

    governed_adopt(&g, &set);
    assert_string_equal(act_on(&g), "fixed");
    assert_high(&w, "204800000\n");
    governed_clear(&g);
    world_end(&w);
}

/* Bytes of the heap: what the C library counts as used. Under a sanitizer's allocator that is
 * always 0. */
static size_t used(void)
{
    return mallinfo2().uordblks;
}

#define MANY 50

/* The memory that one more control group takes. What all of them share is there before. */
static size_t bytes_each(const Policy *policy)
{
    Target *targets[MANY];
    size_t before = 0;
    World w;

    world_begin(&w);
    for (unsigned i = 0; i < MANY; i++) {
        char path[32];

        if (i == MANY / 2)
            before = used();
        snprintf(path, sizeof path, "/some.slice/%02u.service", i);
        targets[i] = a_target(&w, policy, path);
        for (unsigned k = 0; k < 3; k++)
            act(targets[i]);
        assert_int_equal(targets[i]->limiter && limiter_status(targets[i]->limiter).applied,
                         policy->memory_high.mode == LIMIT_FIXED);
    }
    size_t each = (used() - before) / (MANY - MANY / 2);
    for (unsigned i = 0; i < MANY; i++)
        target_free(targets[i]);
    world_end(&w);
    return each;
}

/* What it takes more with a limit in force is its trigger, and the line in the ledger. */
static void what_a_control_group_takes(void **state)
{
    const Policy nothing = { NOTHING };
    const Policy track = { NOTHING, .memory_high = { .mode = LIMIT_TRACK, .max = LIMIT_NONE } };
    const Policy fixed = { NOTHING, .memory_high = { .mode = LIMIT_FIXED, .value = 204800000 } };

    print_message("bytes: %zu, %zu under `track`, %zu with a limit in force\n",
                  bytes_each(&nothing), bytes_each(&track), bytes_each(&fixed));
    assert_true(bytes_each(&nothing) <= 1024);
    assert_true(bytes_each(&track) <= 2048);
    assert_true(bytes_each(&fixed) <= 2560);
}

int main(void)
{
    log_set_max_level(LOG_ERR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_there_when_asked_for),
        cmocka_unit_test(a_unit_is_recorded_if_that_is_asked_for),
        cmocka_unit_test(what_was_left_before_is_taken_back),
        cmocka_unit_test(a_limit_waits_for_what_is_left_of_before),
        cmocka_unit_test(hands_off_until_the_next_reload),
        cmocka_unit_test(what_a_control_group_takes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
