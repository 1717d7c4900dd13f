/* SPDX-License-Identifier: MIT */
#include "daemon/recharge.h"

#include "unit/kernel/scratch.h"
#include "unit/test.h"
#include "util/units.h"

typedef struct World {
    Scratch proc;
    Settings settings;
    Host host;
} World;

static void world_begin(World *w)
{
    *w = (World){ .proc = scratch_new("/tmp"), .settings = { .pin_budget = UINT64_MAX } };
    scratch_put(&w->proc, "meminfo", "MemTotal: 1 kB\nMemFree: 1 kB\nMemAvailable: 65536 kB\n");
    w->host = (Host){
        .proc_fd = w->proc.fd,
        .cgroup_fd = -1,
        .settings = &w->settings,
        .page = 4096,
    };
}

static void world_end(World *w)
{
    scratch_done(&w->proc);
}

#define WORLD(name)                        \
    cleanup(world_end) World name = { 0 }; \
    world_begin(&(name))

static uint64_t room(const World *w, Recharge *recharge, Measured measured, bool bounded)
{
    PinScan scan = { 0 };

    recharge_prepare(recharge, &w->host, "", PIN_CHARGE_SERVICE, &measured, 32 * MIB, bounded,
                     &scan);
    return scan.recharge;
}

static void only_what_the_service_is_not_charged_with(void **state)
{
    WORLD(w);
    static const struct {
        Measured measured;
        bool bounded;
        uint64_t room;
    } cases[] = {
        { { .cgroup = 7 }, false, 32 * MIB },
        { { .cgroup = 7, .service = 30 * MIB }, false, 32 * MIB },
        /* As much as the kernel may not have counted yet. */
        { { .cgroup = 7, .service = 31 * MIB }, false, 0 },
        { { .cgroup = 7, .service = GIB }, false, 0 },
        /* Not while it has no control group, nor while there is no room for pins. */
        { { .cgroup = 0 }, false, 0 },
        { { .cgroup = 7 }, true, 0 },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        Recharge recharge = { 0 };
        assert_int_equal(room(&w, &recharge, cases[i].measured, cases[i].bounded), cases[i].room);
    }
    Recharge recharge = { 0 };
    w.settings.reserve = 60 * MIB;
    assert_int_equal(room(&w, &recharge, (Measured){ .cgroup = 7 }, false), 4 * MIB);
    /* What has begun is brought to an end, however little is left. */
    assert_int_equal(room(&w, &recharge, (Measured){ .cgroup = 7, .service = GIB }, false),
                     4 * MIB);
}

static void once_for_each_control_group(void **state)
{
    WORLD(w);
    Recharge recharge = { 0 };
    Measured measured = { .cgroup = 7 };
    PinScan scan = { .recharge = MIB, .n_recharged = 2, .recharge_after = { .dev = 1, .ino = 9 } };

    assert_false(recharge_is_due(&recharge, UINT64_MAX));
    assert_int_equal(room(&w, &recharge, measured, false), 32 * MIB);
    recharge_scanned(&recharge, &scan, 1000);
    assert_int_equal(recharge.after.ino, 9);
    assert_false(recharge_is_due(&recharge, 1000));
    assert_true(recharge_is_due(&recharge, 1000 + 10 * USEC_PER_SEC));
    assert_int_equal(room(&w, &recharge, measured, false), 32 * MIB);
    /* The last of the round. */
    scan.n_recharged = 0;
    recharge_scanned(&recharge, &scan, 2000);
    assert_false(recharge_is_due(&recharge, UINT64_MAX));
    assert_int_equal(recharge.after.ino, 0);
    assert_int_equal(room(&w, &recharge, measured, false), 0);
    measured.cgroup = 8;
    assert_int_equal(room(&w, &recharge, measured, false), 32 * MIB);
    /* A scan that was not to choose any says nothing. */
    scan.recharge = 0;
    recharge_scanned(&recharge, &scan, 3000);
    assert_int_equal(room(&w, &recharge, measured, false), 32 * MIB);
}

/* The service is started anew in the middle of a round, or of a scan. */
static void another_control_group_meanwhile(void **state)
{
    WORLD(w);
    Recharge recharge = { 0 };
    PinScan scan = { .recharge = MIB, .n_recharged = 2, .recharge_after = { .dev = 1, .ino = 9 } };

    assert_int_equal(room(&w, &recharge, (Measured){ .cgroup = 7 }, false), 32 * MIB);
    recharge_scanned(&recharge, &scan, 1000);
    assert_int_equal(recharge.after.ino, 9);
    PinScan next = { 0 };
    recharge_prepare(&recharge, &w.host, "", PIN_CHARGE_SERVICE, &(Measured){ .cgroup = 8 },
                     32 * MIB, false, &next);
    assert_int_equal(next.recharge, 32 * MIB);
    assert_int_equal(next.recharge_after.ino, 0);
    recharge_scanned(&recharge, &next, 2000);
    assert_int_equal(room(&w, &recharge, (Measured){ .cgroup = 8 }, false), 0);
    assert_int_equal(room(&w, &recharge, (Measured){ .cgroup = 9 }, false), 32 * MIB);
}

static void not_by_what_was_measured_before(void **state)
{
    WORLD(w);
    Recharge recharge = { 0 };
    PinScan scan = { 0 };

    recharge_prepare(&recharge, &w.host, "", PIN_CHARGE_SERVICE, NULL, 32 * MIB, false, &scan);
    assert_int_equal(scan.recharge, 0);
    /* A round under way goes on when that is known; and not when there is no room. */
    recharge.next_usec = 1000;
    recharge_prepare(&recharge, &w.host, "", PIN_CHARGE_SERVICE, NULL, 32 * MIB, false, &scan);
    recharge_scanned(&recharge, &scan, 2000);
    assert_true(recharge_is_due(&recharge, 2000));
    assert_int_equal(room(&w, &recharge, (Measured){ .cgroup = 7 }, true), 0);
    assert_false(recharge_is_due(&recharge, UINT64_MAX));
}

static uint64_t room_of_holder(const World *w, Recharge *recharge, uint64_t held, bool bounded)
{
    PinScan scan = { 0 };

    recharge_prepare(recharge, &w->host, "", PIN_CHARGE_HOLDER,
                     &(Measured){ .cgroup = 7, .service = held }, held, bounded, &scan);
    return scan.recharge;
}

/* What the service has read itself is its own, until a policy that charged it for pins is changed.
 */
static void back_to_the_holder_once(void **state)
{
    WORLD(w);
    Recharge recharge = { 0 };
    PinScan scan = { .recharge = MIB, .n_recharged = 2, .recharge_after = { .dev = 1, .ino = 9 } };

    recharge_want(&recharge, PIN_CHARGE_HOLDER, PIN_CHARGE_HOLDER);
    assert_false(recharge_is_due(&recharge, UINT64_MAX));
    assert_int_equal(room_of_holder(&w, &recharge, 32 * MIB, false), 0);
    recharge_want(&recharge, PIN_CHARGE_SERVICE, PIN_CHARGE_HOLDER);
    assert_true(recharge_is_due(&recharge, 1000));
    assert_int_equal(room_of_holder(&w, &recharge, 32 * MIB, true), 0);
    assert_int_equal(room_of_holder(&w, &recharge, 0, false), 0);
    /* More than is available: it is there already. */
    assert_int_equal(room_of_holder(&w, &recharge, GIB, false), GIB);
    recharge_scanned(&recharge, &scan, 1000);
    assert_true(recharge_is_due(&recharge, 1000 + 10 * USEC_PER_SEC));
    /* A reload in the middle begins the round anew. */
    recharge_want(&recharge, PIN_CHARGE_HOLDER, PIN_CHARGE_HOLDER);
    assert_int_equal(recharge.after.ino, 0);
    assert_int_equal(room_of_holder(&w, &recharge, MIB, false), MIB);
    scan.n_recharged = 0;
    recharge_scanned(&recharge, &scan, 2000);
    assert_int_equal(room_of_holder(&w, &recharge, MIB, false), 0);
    /* Given up for the service's sake. */
    recharge_want(&recharge, PIN_CHARGE_SERVICE, PIN_CHARGE_HOLDER);
    recharge_want(&recharge, PIN_CHARGE_HOLDER, PIN_CHARGE_SERVICE);
    assert_false(recharge.to_holder);
    assert_true(recharge_is_due(&recharge, 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_the_service_is_not_charged_with),
        cmocka_unit_test(once_for_each_control_group),
        cmocka_unit_test(another_control_group_meanwhile),
        cmocka_unit_test(not_by_what_was_measured_before),
        cmocka_unit_test(back_to_the_holder_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
