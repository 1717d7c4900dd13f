/* SPDX-License-Identifier: MIT */
/* A cgroup that is a folder, and a kernel whose memory.reclaim answers as the test says. */
#include "daemon/capper.h"

#include "kernel/cgroup.h"
#include "unit/daemon/job-queue.h"
#include "unit/daemon/log-text.h"
#include "unit/kernel/scratch.h"

#define UNIT "system.slice/a.service"
#define CAP  (100 * MIB)
#define PAGE UINT64_C(4096)

typedef struct World {
    Scratch cgroups;
    Host host;
    Capper *capper;
    CapperMoment moment;
    uint64_t cache, taken, back; /* bytes */
    uint64_t now;
} World;

/* The kernel */

static int answer;
static uint64_t asked;
static unsigned n_asked;
static ReclaimScope scope_asked;
static World *world;

static void put_stat(World *w)
{
    char text[1024];

    snprintf(text, sizeof text,
             "anon 0\nfile %llu\nkernel 0\nshmem 0\nfile_mapped 0\nfile_dirty 0\n"
             "file_writeback 0\ninactive_anon 0\nactive_anon 0\ninactive_file %llu\nactive_file 0\n"
             "unevictable 0\nslab_reclaimable 0\nslab_unreclaimable 0\npgscan %llu\npgsteal %llu\n"
             "pgmajfault 0\nworkingset_refault_anon 0\nworkingset_refault_file %llu\n"
             "workingset_activate_file 0\n",
             (unsigned long long)w->cache, (unsigned long long)w->cache,
             (unsigned long long)(w->taken / PAGE), (unsigned long long)(w->taken / PAGE),
             (unsigned long long)(w->back / PAGE));
    scratch_put(&w->cgroups, UNIT "/memory.stat", text);
}

int __wrap_cgroup_reclaim(Cgroup *cgroup, uint64_t bytes, ReclaimScope scope);
int __wrap_cgroup_reclaim(Cgroup *cgroup, uint64_t bytes, ReclaimScope scope)
{
    n_asked++;
    asked += bytes;
    scope_asked = scope;
    if (answer < 0)
        return answer;
    world->cache -= bytes;
    world->taken += bytes;
    put_stat(world);
    return 0;
}

/* The world */

static void look(void *userdata)
{
    World *w = userdata;
    Sample sample = {
        .at_usec = w->now += 100 * USEC_PER_MSEC,
        .page = PAGE,
        .inactive_file = w->cache,
        .pgsteal = w->taken / PAGE,
        .refault_file = w->back / PAGE,
        .swap_max = LIMIT_NONE,
        .memory_psi.valid = true,
    };

    capper_update(w->capper, &w->moment, &sample);
}

static void world_begin(World *w, uint64_t cache)
{
    *w = (World){
        .cgroups = scratch_new("/tmp"),
        .moment = { .max = CAP, .has_swap = true },
        .cache = cache,
        .now = 1000 * USEC_PER_SEC,
    };
    world = w;
    answer = 0;
    asked = n_asked = 0;
    log_text[0] = '\0';
    scratch_put(&w->cgroups, UNIT "/cgroup.procs", "");
    scratch_put(&w->cgroups, UNIT "/memory.current", "0\n");
    put_stat(w);
    w->host = (Host){ .cgroup_fd = w->cgroups.fd, .page = PAGE };
    must(sd_event_new(&w->host.event));
    assert_int_equal(capper_new(&w->host, "a.service", "/" UNIT, look, w, &w->capper), 0);
}

static void world_end(World *w)
{
    capper_free(w->capper);
    run_queue();
    sd_event_unref(w->host.event);
    scratch_done(&w->cgroups);
}

static void what_is_too_much_is_taken_in_pieces(void **state)
{
    World w;

    world_begin(&w, 140 * MIB);
    look(&w);
    assert_int_equal(n_queued, 1);
    look(&w); /* while it goes on */
    assert_int_equal(n_queued, 1);
    run_queue();
    assert_int_equal(n_asked, 4); /* of 16, 16, 16 and 2 MiB */
    assert_true(asked == 50 * MIB && w.cache == 90 * MIB);
    assert_int_equal(scope_asked, RECLAIM_FILE);
    CapperStatus status = capper_status(w.capper);
    assert_int_equal(status.reason, CAP_UNDER);
    assert_true(status.reclaimed == 50 * MIB && status.cache == 90 * MIB);
    world_end(&w);
}

/* Nothing of it could be swapped, so the kernel need not promise not to. */
static void without_swap_any_kernel_will_do(void **state)
{
    World w;

    world_begin(&w, 140 * MIB);
    w.moment.has_swap = false;
    look(&w);
    run_queue();
    assert_int_equal(scope_asked, RECLAIM_FILE_OR_ALL);
    world_end(&w);
}

static void a_kernel_that_cannot(void **state)
{
    static const struct {
        int answer;
        CapReason reason;
        const char *log;
    } cases[] = {
        { -EINVAL, CAP_SWAP,
          "warning: a.service: its page cache is not capped: this kernel's memory.reclaim cannot "
          "leave anonymous memory alone (swappiness=), and there is swap\n" },
        { -EOPNOTSUPP, CAP_NO_RECLAIM,
          "warning: a.service: its page cache is not capped: this kernel has no memory.reclaim\n" },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        World w;

        world_begin(&w, 140 * MIB);
        answer = cases[i].answer;
        look(&w);
        run_queue();
        look(&w);
        assert_int_equal(n_asked, 1);
        assert_int_equal(n_queued, 0);
        assert_int_equal(capper_status(w.capper).reason, cases[i].reason);
        expect_log(cases[i].log);
        /* And when the swap is gone: */
        w.moment.has_swap = false;
        w.now += USEC_PER_SEC;
        answer = 0;
        look(&w);
        assert_int_equal(n_queued, cases[i].answer == -EINVAL);
        world_end(&w);
    }
}

static void what_reclaim_does_not_find(void **state)
{
    World w;

    world_begin(&w, 140 * MIB);
    answer = -EAGAIN;
    look(&w);
    run_queue();
    assert_int_equal(n_asked, 1);
    assert_int_equal(n_queued, 0);
    assert_int_equal(capper_status(w.capper).reason, CAP_STUCK);
    assert_true(capper_status(w.capper).reclaimed == 0);
    world_end(&w);
}

static void what_costs_more_is_given_up_and_told(void **state)
{
    World w;

    world_begin(&w, 110 * MIB);
    look(&w);
    run_queue();
    expect_log("");
    w.back = 20 * MIB;
    w.cache += 20 * MIB;
    look(&w);
    assert_int_equal(n_queued, 0);
    CapperStatus status = capper_status(w.capper);
    assert_int_equal(status.reason, CAP_COSTS);
    assert_true(status.until_usec == w.now + CAP_HOLD_MIN_USEC);
    expect_log("notice: a.service: its page cache is not capped at 100M for the next 30 s: of what "
               "it read, 100 % had been taken from it before, and it waited for that for 12 % of "
               "the time\n");
    w.now += 30 * USEC_PER_SEC;
    look(&w);
    expect_log("info: a.service: its page cache is capped at 100M again\n");
    /* Another cap is another matter. */
    run_queue();
    w.back += 20 * MIB;
    look(&w);
    assert_int_equal(capper_status(w.capper).reason, CAP_COSTS);
    w.moment.max = 80 * MIB;
    look(&w);
    assert_int_equal(capper_status(w.capper).reason, CAP_OVER);
    world_end(&w);
}

static void observing_takes_nothing(void **state)
{
    World w;

    world_begin(&w, 140 * MIB);
    w.moment.has_rules = w.moment.observe = true;
    look(&w);
    assert_int_equal(n_queued, 0);
    assert_true(capper_cold(w.capper) == 0);
    assert_int_equal(capper_status(w.capper).reason, CAP_COLD);
    w.moment.observe = false;
    look(&w);
    assert_true(capper_cold(w.capper) == 50 * MIB);
    capper_stop(w.capper);
    assert_true(capper_cold(w.capper) == 0);
    world_end(&w);
}

/* Of what the old cap wanted no more is taken than the piece that is under way. */
static void another_cap_while_it_goes_on(void **state)
{
    World w;

    world_begin(&w, 140 * MIB);
    look(&w);
    w.moment.max = 1000 * MIB;
    look(&w);
    assert_int_equal(n_queued, 1);
    run_queue();
    assert_int_equal(n_asked, 1);
    assert_int_equal(n_queued, 0);
    assert_int_equal(capper_status(w.capper).reason, CAP_UNDER);
    world_end(&w);
}

static void what_is_under_way_when_it_ends(void **state)
{
    World w;

    world_begin(&w, 140 * MIB);
    look(&w);
    w.moment.max = LIMIT_NONE;
    look(&w);
    run_queue();
    assert_int_equal(n_asked, 0);
    assert_int_equal(capper_status(w.capper).reason, CAP_OFF);
    w.moment.max = CAP;
    look(&w);
    assert_int_equal(n_queued, 1);
    capper_stop(w.capper);
    run_queue();
    assert_int_equal(n_asked, 0);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_too_much_is_taken_in_pieces),
        cmocka_unit_test(without_swap_any_kernel_will_do),
        cmocka_unit_test(a_kernel_that_cannot),
        cmocka_unit_test(what_reclaim_does_not_find),
        cmocka_unit_test(what_costs_more_is_given_up_and_told),
        cmocka_unit_test(observing_takes_nothing),
        cmocka_unit_test(another_cap_while_it_goes_on),
        cmocka_unit_test(what_is_under_way_when_it_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
