/* SPDX-License-Identifier: MIT */
#include "daemon/leftovers.h"

#include "unit/daemon/limiter-world.h"

static Target *governs;

Target *governed_find(const Governed *governed, const char *unit)
{
    assert_string_equal(unit, "a.service");
    return governs;
}

/* A controller before us has left its limit, and the bus is away. */
static void left_behind(World *w, Leftovers *leftovers)
{
    governs = NULL;
    begin_limited(w);
    w->limiter = limiter_free(w->limiter);
    w->host.bus = NULL;
    assert_int_equal(leftovers_take(leftovers, &w->host), 0);
    assert_int_equal(leftovers->n, 1);
    w->host.reloads++; /* the bus went and came: nobody knows what systemd has read since */
    leftovers_note_listed(leftovers);
}

static void what_is_left_is_put_back_with_the_bus(void **state)
{
    World w;
    Leftovers leftovers;

    left_behind(&w, &leftovers);
    w.host.bus = (sd_bus *)&w;
    leftovers_act(&leftovers, NULL);
    assert_int_equal(high(&w), ORIGINAL);
    assert_int_equal(asked_bytes, ORIGINAL);
    systemd_is_gone();
    now += 10 * USEC_PER_SEC;
    leftovers_act(&leftovers, NULL);
    systemd_answers(&w);
    assert_null(ledger_find(&w.ledger, "a.service"));
    assert_int_equal(n_removed, 1);
    leftovers_act(&leftovers, NULL);
    assert_int_equal(leftovers.n, 0);
    leftovers_clear(&leftovers);
    world_end(&w);
}

static void what_is_governed_is_its_targets(void **state)
{
    World w;
    Leftovers leftovers;
    Target target = { .limiter = (Limiter *)&w };

    left_behind(&w, &leftovers);
    w.host.bus = (sd_bus *)&w;
    governs = &target;
    leftovers_act(&leftovers, NULL);
    assert_int_equal(leftovers.n, 0);
    assert_int_equal(high(&w), CURRENT);
    assert_int_equal(n_asked, 1);
    leftovers_clear(&leftovers);
    world_end(&w);
}

/* A target without a cgroup, or whose policy leaves memory.high alone, has nothing to do it with.
 */
static void what_is_governed_and_has_no_limiter(void **state)
{
    World w;
    Leftovers leftovers;
    Target target = { 0 };

    left_behind(&w, &leftovers);
    w.host.bus = (sd_bus *)&w;
    governs = &target;
    leftovers_act(&leftovers, NULL);
    assert_int_equal(leftovers.n, 1);
    assert_int_equal(asked_bytes, ORIGINAL);
    systemd_answers(&w);
    assert_int_equal(high(&w), ORIGINAL);
    leftovers_act(&leftovers, NULL);
    assert_int_equal(leftovers.n, 0);
    assert_null(ledger_find(&w.ledger, "a.service"));
    leftovers_clear(&leftovers);
    world_end(&w);
}

static void what_someone_else_set_meanwhile_stays(void **state)
{
    World w;
    Leftovers leftovers;

    left_behind(&w, &leftovers);
    w.host.bus = (sd_bus *)&w;
    put_number(&w, "memory.high", SOMEBODYS);
    leftovers_act(&leftovers, NULL);
    assert_int_equal(high(&w), SOMEBODYS);
    assert_int_equal(leftovers.n, 0);
    assert_null(ledger_find(&w.ledger, "a.service"));
    leftovers_clear(&leftovers);
    world_end(&w);
}

/* What is governed has no target before. */
static void nothing_is_put_back_before_the_units_are_listed(void **state)
{
    World w;
    Leftovers leftovers;

    left_behind(&w, &leftovers);
    leftovers.may_act = false;
    w.host.bus = (sd_bus *)&w;
    leftovers_act(&leftovers, NULL);
    assert_int_equal(high(&w), CURRENT);
    leftovers_note_listed(&leftovers);
    leftovers_act(&leftovers, NULL);
    assert_int_equal(high(&w), ORIGINAL);
    systemd_answers(&w);
    leftovers_clear(&leftovers);
    world_end(&w);
}

/* A limiter of the target's comes with the answer, and goes on from there. */
static void what_its_target_asks_about_waits(void **state)
{
    World w;
    Leftovers leftovers;
    Target target = { .describing = (sd_bus_slot *)&w };

    left_behind(&w, &leftovers);
    w.host.bus = (sd_bus *)&w;
    governs = &target;
    leftovers_act(&leftovers, NULL);
    assert_int_equal(leftovers.n, 1);
    assert_int_equal(high(&w), CURRENT);
    assert_null(asked);
    assert_false(leftovers_are_busy_with(&leftovers, "a.service"));
    target.describing = NULL;
    leftovers_act(&leftovers, NULL);
    assert_int_equal(asked_bytes, ORIGINAL);
    /* It is asked about again meanwhile, and for good. */
    target.describing = (sd_bus_slot *)&w;
    systemd_answers(&w);
    leftovers_act(&leftovers, NULL);
    assert_int_equal(leftovers.n, 0);
    leftovers_clear(&leftovers);
    world_end(&w);
}

static void it_is_known_what_is_under_way(void **state)
{
    World w;
    Leftovers leftovers;

    left_behind(&w, &leftovers);
    w.host.bus = (sd_bus *)&w;
    assert_false(leftovers_are_busy_with(NULL, "a.service"));
    assert_false(leftovers_are_busy_with(&leftovers, "a.service"));
    leftovers_act(&leftovers, NULL);
    assert_true(leftovers_are_busy_with(&leftovers, "a.service"));
    assert_false(leftovers_are_busy_with(&leftovers, "b.service"));
    /* What failed is for whoever comes next. */
    systemd_is_gone();
    assert_false(leftovers_are_busy_with(&leftovers, "a.service"));
    leftovers_clear(&leftovers);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_is_put_back_with_the_bus),
        cmocka_unit_test(what_is_governed_is_its_targets),
        cmocka_unit_test(what_is_governed_and_has_no_limiter),
        cmocka_unit_test(what_someone_else_set_meanwhile_stays),
        cmocka_unit_test(nothing_is_put_back_before_the_units_are_listed),
        cmocka_unit_test(what_its_target_asks_about_waits),
        cmocka_unit_test(it_is_known_what_is_under_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
