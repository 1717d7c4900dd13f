/* SPDX-License-Identifier: MIT */
/* The way there and back while nobody disturbs it. */
#include "unit/daemon/limiter-world.h"

/* The file first, and it is in the ledger by then; systemd next. */
static void growth_is_stopped_at_once(void **state)
{
    World w;

    world_begin(&w);
    assert_true(decide(&w, CURRENT, LIMIT_REASON_FREEZE, 0));
    assert_int_equal(n_asked, 0);
    const LedgerEntry *entry = ledger_find(&w.ledger, "a.service");
    assert_true(entry && entry->original == ORIGINAL && ledger_entry_is_ours(entry, CURRENT));
    run_queue();
    assert_int_equal(high(&w), CURRENT);
    assert_true(limiter_status(w.limiter).applied);
    assert_int_equal(n_asked, 1);
    assert_int_equal(asked_bytes, CURRENT);
    systemd_answers(&w);
    assert_true(decide(&w, CURRENT, LIMIT_REASON_HOLD, 0));
    assert_int_equal(n_asked, 1);
    world_end(&w);
}

/* What there is room for is a limit before anything is short, and falls with the room. */
static void room_is_followed_both_ways(void **state)
{
    World w;

    world_begin(&w);
    assert_true(decide(&w, CURRENT + 100 * MIB, LIMIT_REASON_ROOM, 0));
    run_queue();
    assert_int_equal(high(&w), CURRENT + 100 * MIB);
    systemd_answers(&w);
    assert_true(decide(&w, CURRENT + 40 * MIB, LIMIT_REASON_ROOM, 0));
    assert_int_equal(asked_bytes, CURRENT + 40 * MIB);
    systemd_answers(&w);
    /* What is given back is never less than before. */
    assert_true(decide(&w, CURRENT + 20 * MIB, LIMIT_REASON_RETURN, 0));
    assert_int_equal(high(&w), CURRENT + 40 * MIB);
    assert_int_equal(n_asked, 2);
    world_end(&w);
}

/* A limit that is there stays the lower one. */
static void a_lower_original_stays(void **state)
{
    World w;

    world_begin(&w);
    assert_true(decide(&w, ORIGINAL + 4096, LIMIT_REASON_HOLD, 0));
    assert_int_equal(n_asked, 0);
    assert_int_equal(high(&w), ORIGINAL);
    world_end(&w);
}

/* Without the bus, too; and systemd is told as soon as there is one. */
static void without_a_bus(void **state)
{
    World w;

    world_begin(&w);
    w.host.bus = NULL;
    freeze(&w);
    assert_int_equal(high(&w), CURRENT);
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_CALM, 0));
    assert_int_equal(high(&w), ORIGINAL);
    assert_false(limiter_status(w.limiter).applied);
    assert_non_null(ledger_find(&w.ledger, "a.service"));
    w.host.bus = (sd_bus *)&w;
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_CALM, 0));
    assert_int_equal(asked_bytes, ORIGINAL);
    systemd_answers(&w);
    assert_true(limiter_is_idle(w.limiter));
    assert_int_equal(n_removed, 1);
    world_end(&w);
}

/* What systemd was asked for before comes after, and is put right. */
static void let_go_while_it_is_being_set(void **state)
{
    World w;

    world_begin(&w);
    freeze(&w);
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_STALL, 0));
    assert_int_equal(high(&w), ORIGINAL);
    systemd_answers(&w);
    assert_int_equal(high(&w), ORIGINAL);
    assert_int_equal(asked_bytes, ORIGINAL);
    systemd_answers(&w);
    assert_true(limiter_is_idle(w.limiter));
    world_end(&w);
}

static void let_go_while_it_is_being_written(void **state)
{
    World w;

    world_begin(&w);
    assert_true(decide(&w, CURRENT, LIMIT_REASON_FREEZE, 0));
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_STALL, 0));
    assert_false(limiter_is_idle(w.limiter));
    run_queue();
    assert_int_equal(high(&w), ORIGINAL);
    assert_int_equal(asked_bytes, ORIGINAL);
    systemd_answers(&w);
    assert_true(limiter_is_idle(w.limiter));
    world_end(&w);
}

/* What is decided meanwhile, and changes nothing, is not why. */
static void a_change_has_the_reason_that_it_was_made_for(void **state)
{
    World w;

    world_begin(&w);
    freeze(&w);
    assert_true(decide(&w, CURRENT, LIMIT_REASON_HOLD, 0));
    systemd_answers(&w);
    assert_string_equal(limiter_status(w.limiter).changed_for, "freeze");
    assert_string_equal(limiter_status(w.limiter).reason, "hold");
    assert_true(decide(&w, CURRENT + 4 * MIB, LIMIT_REASON_GROWTH, 0));
    assert_true(decide(&w, CURRENT + 4 * MIB, LIMIT_REASON_HOLD, 0));
    systemd_answers(&w);
    assert_string_equal(limiter_status(w.limiter).changed_for, "growth");
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_STALL, 0));
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_CALM, 0));
    systemd_answers(&w);
    assert_string_equal(limiter_status(w.limiter).changed_for, "stall");
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growth_is_stopped_at_once),
        cmocka_unit_test(room_is_followed_both_ways),
        cmocka_unit_test(a_lower_original_stays),
        cmocka_unit_test(without_a_bus),
        cmocka_unit_test(let_go_while_it_is_being_set),
        cmocka_unit_test(let_go_while_it_is_being_written),
        cmocka_unit_test(a_change_has_the_reason_that_it_was_made_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
