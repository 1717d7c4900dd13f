/* SPDX-License-Identifier: MIT */
#include "unit/daemon/limiter-world.h"

/* Two values were asked for, and systemd is still busy with the first. */
static void asked_twice(World *w)
{
    world_begin(w);
    assert_true(decide(w, CURRENT + 40 * MIB, LIMIT_REASON_HOLD, 0));
    systemd_is_gone();
    now += 10 * USEC_PER_SEC;
    assert_true(decide(w, CURRENT + 20 * MIB, LIMIT_REASON_HOLD, 0));
    assert_int_equal(n_asked, 2);
    put_number(w, "memory.high", CURRENT + 40 * MIB);
}

/* The first is nobody else's value: what comes second is given back, too. */
static void what_systemd_does_late_is_ours(void **state)
{
    World w;

    asked_twice(&w);
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_STALL, 0));
    assert_int_equal(high(&w), ORIGINAL);
    systemd_answers(&w);
    assert_int_equal(high(&w), ORIGINAL);
    assert_int_equal(asked_bytes, ORIGINAL);
    systemd_answers(&w);
    assert_true(limiter_is_idle(w.limiter));
    world_end(&w);
}

/* If there is no controller by then, the next one knows it. */
static void the_ledger_has_what_systemd_does_late(void **state)
{
    World w;

    asked_twice(&w);
    const LedgerEntry *entry = ledger_find(&w.ledger, "a.service");
    assert_true(entry && ledger_entry_is_ours(entry, CURRENT + 40 * MIB));
    assert_true(ledger_entry_is_ours(entry, CURRENT + 20 * MIB));
    world_end(&w);
}

/* What systemd is asked for comes after it: whose it is, is told by what is there then. */
static void begin_takeover(World *w)
{
    world_begin(w);
    freeze(w);
    systemd_answers(w);
    assert_true(decide(w, CURRENT + 40 * MIB, LIMIT_REASON_ROOM, 0));
    put_number(w, "memory.high", SOMEBODYS);
    assert_true(decide(w, LIMIT_NONE, LIMIT_REASON_CALM, 0));
    assert_int_equal(high(w), SOMEBODYS);
    assert_non_null(ledger_find(&w->ledger, "a.service"));
}

static void someone_takes_over_while_systemd_is_asked(void **state)
{
    World w;

    begin_takeover(&w);
    systemd_is_gone();
    assert_int_equal(high(&w), SOMEBODYS);
    assert_string_equal(limiter_status(w.limiter).reason, "changed-by-someone-else");
    assert_true(limiter_is_idle(w.limiter));
    world_end(&w);
}

static void someone_is_overridden_by_what_systemd_is_asked(void **state)
{
    World w;

    begin_takeover(&w);
    systemd_answers(&w);
    assert_int_equal(high(&w), ORIGINAL);
    systemd_answers(&w);
    assert_true(limiter_is_idle(w.limiter));
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_systemd_does_late_is_ours),
        cmocka_unit_test(the_ledger_has_what_systemd_does_late),
        cmocka_unit_test(someone_takes_over_while_systemd_is_asked),
        cmocka_unit_test(someone_is_overridden_by_what_systemd_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
