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
    begin_limited(w);
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

/* Until systemd has it, `systemctl set-property CPUWeight=` puts back what systemd has. */
static void what_systemd_puts_back_is_nobodys_decision(void **state)
{
    World w;

    world_begin(&w);
    w.host.bus = NULL;
    freeze(&w);
    w.host.bus = (sd_bus *)&w;
    put_number(&w, "memory.high", ORIGINAL);
    assert_true(decide(&w, CURRENT, LIMIT_REASON_HOLD, 0));
    assert_int_equal(asked_bytes, CURRENT);
    systemd_answers(&w);
    /* From then on it is. */
    put_number(&w, "memory.high", ORIGINAL);
    assert_false(decide(&w, CURRENT, LIMIT_REASON_HOLD, 0));
    assert_string_equal(limiter_status(w.limiter).reason, "changed-by-someone-else");
    world_end(&w);
}

static void what_someone_else_sets_is_left(void **state)
{
    World w;

    begin_limited(&w);
    put_number(&w, "memory.high", SOMEBODYS);
    assert_false(decide(&w, LIMIT_NONE, LIMIT_REASON_CALM, 0));
    limiter_release(w.limiter);
    assert_true(limiter_is_idle(w.limiter));
    assert_int_equal(high(&w), SOMEBODYS);
    assert_int_equal(n_asked, 1);
    load_policies_again(&w);
    freeze(&w);
    assert_int_equal(high(&w), CURRENT);
    assert_int_equal(ledger_find(&w.ledger, "a.service")->original, SOMEBODYS);
    world_end(&w);
}

/* What someone set is told once, with its end. */
static void someone_takes_over(World *w)
{
    begin_limited(w);
    put_number(w, "memory.high", SOMEBODYS);
    log_text[0] = '\0';
    assert_false(decide(w, CURRENT, LIMIT_REASON_HOLD, 0));
    expect_log("notice: a.service: someone else set memory.high to 286.1M; leaving this unit "
               "alone until the next reload (`pagewarden reload`)\n");
}

static void expect_left(World *w)
{
    assert_false(decide(w, CURRENT, LIMIT_REASON_FREEZE, 0));
    run_queue();
    assert_string_equal(limiter_status(w->limiter).reason, "changed-by-someone-else");
    assert_true(limiter_is_idle(w->limiter));
    expect_log("");
}

/* The unit has ended, and was forgotten. */
static void begin_anew(World *w)
{
    limiter_free(w->limiter);
    assert_int_equal(limiter_new(&w->host, "a.service", "/system.slice/a.service", &w->limiter), 0);
}

static void what_is_theirs_outlives_the_unit(void **state)
{
    World w;

    someone_takes_over(&w);
    limiter_release(w.limiter);
    limiter_resume(w.limiter);
    expect_left(&w);
    begin_anew(&w);
    expect_left(&w);
    /* Whatever there is by then. */
    put_number(&w, "memory.high", ORIGINAL);
    expect_left(&w);
    load_policies_again(&w);
    freeze(&w);
    assert_int_equal(high(&w), CURRENT);
    world_end(&w);
}

/* Where it was files that said so, too. */
static void what_files_say_outlives_the_unit(void **state)
{
    World w;

    begin_limited(&w);
    files_say(&w, SOMEBODYS);
    systemd_answers(&w);
    assert_int_equal(high(&w), SOMEBODYS);
    log_text[0] = '\0';
    begin_anew(&w);
    expect_left(&w);
    world_end(&w);
}

/* It is left alone all the same while it is there. */
static void too_many_are_theirs(void **state)
{
    World w;

    world_begin(&w);
    for (unsigned i = 0; i < THEIRS_MAX; i++) {
        char unit[32];

        snprintf(unit, sizeof unit, "%u.service", i);
        assert_int_equal(theirs_add(&w.host.theirs, unit), 0);
    }
    freeze(&w);
    systemd_answers(&w);
    put_number(&w, "memory.high", SOMEBODYS);
    assert_false(decide(&w, CURRENT, LIMIT_REASON_HOLD, 0));
    assert_non_null(strstr(log_text, "warning: a.service: it is left alone only until it has been "
                                     "stopped: there are too many of these units\n"));
    log_text[0] = '\0';
    expect_left(&w);
    begin_anew(&w);
    freeze(&w);
    world_end(&w);
}

/* What stands in the files of an admin is on its way back when the policies are loaded again. */
static void a_reload_during_a_takeover(void **state)
{
    World w;

    begin_limited(&w);
    files_say(&w, SOMEBODYS);
    load_policies_again(&w);
    systemd_answers(&w);
    assert_int_equal(high(&w), SOMEBODYS);
    freeze(&w);
    assert_int_equal(high(&w), CURRENT);
    assert_int_equal(limiter_status(w.limiter).original, SOMEBODYS);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_systemd_does_late_is_ours),
        cmocka_unit_test(the_ledger_has_what_systemd_does_late),
        cmocka_unit_test(someone_takes_over_while_systemd_is_asked),
        cmocka_unit_test(someone_is_overridden_by_what_systemd_is_asked),
        cmocka_unit_test(what_systemd_puts_back_is_nobodys_decision),
        cmocka_unit_test(what_someone_else_sets_is_left),
        cmocka_unit_test(what_is_theirs_outlives_the_unit),
        cmocka_unit_test(what_files_say_outlives_the_unit),
        cmocka_unit_test(too_many_are_theirs),
        cmocka_unit_test(a_reload_during_a_takeover),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
