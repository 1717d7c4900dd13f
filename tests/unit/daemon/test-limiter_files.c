/* SPDX-License-Identifier: MIT */
/* Systemd reads the files of its units, and an admin may have written into them. */
#include "unit/daemon/limiter-world.h"

static void reload(World *w)
{
    w->host.reloading = true;
    w->host.reloads++;
}

static void reloaded(World *w)
{
    w->host.reloading = false;
}

static void look_at_files(World *w)
{
    assert_true(limiter_wants_files(w->limiter));
    limiter_note_files(w->limiter, &details, w->host.reloads);
    assert_false(limiter_wants_files(w->limiter));
}

/* What is asked for meanwhile comes after, and over what they say. */
static void nothing_is_asked_of_a_systemd_that_reads_files(void **state)
{
    World w;

    world_begin(&w);
    limiter_note_files(w.limiter, &details, 0);
    reload(&w);
    freeze(&w);
    reloaded(&w);
    freeze(&w);
    assert_int_equal(high(&w), ORIGINAL);
    assert_int_equal(n_asked, 0);
    look_at_files(&w);
    freeze(&w);
    assert_int_equal(high(&w), CURRENT);
    systemd_answers(&w);
    /* Nothing has changed; and what stalls is let go all the same. */
    reload(&w);
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_STALL, 0));
    assert_int_equal(high(&w), ORIGINAL);
    assert_int_equal(n_asked, 1);
    reloaded(&w);
    look_at_files(&w);
    assert_true(decide(&w, LIMIT_NONE, LIMIT_REASON_STALL, 0));
    systemd_answers(&w);
    assert_true(limiter_is_idle(w.limiter));
    assert_int_equal(asked_bytes, ORIGINAL);
    world_end(&w);
}

static void what_an_admin_writes_into_files(World *w)
{
    files_high = SOMEBODYS;
    reload(w);
    reloaded(w);
    look_at_files(w);
}

static void expect_theirs(World *w)
{
    assert_int_equal(asked_bytes, SOMEBODYS);
    assert_false(decide(w, CURRENT, LIMIT_REASON_FREEZE, 0));
    assert_string_equal(limiter_status(w->limiter).reason, "changed-by-someone-else");
    systemd_answers(w);
    assert_int_equal(high(w), SOMEBODYS);
    assert_int_equal(n_removed, 1);
    assert_true(limiter_is_idle(w->limiter));
    assert_false(decide(w, CURRENT, LIMIT_REASON_FREEZE, 0));
    load_policies_again(w);
    freeze(w);
    assert_int_equal(ledger_find(&w->ledger, "a.service")->original, SOMEBODYS);
}

static void files_are_the_admins(void **state)
{
    World w;

    begin_limited(&w);
    what_an_admin_writes_into_files(&w);
    assert_int_equal(n_asked, 2);
    assert_int_equal(ledger_find(&w.ledger, "a.service")->original, SOMEBODYS);
    expect_theirs(&w);
    world_end(&w);
}

/* And what systemd was asked for before is done after it. */
static void files_are_the_admins_while_a_limit_is_being_set(void **state)
{
    World w;

    world_begin(&w);
    limiter_note_files(w.limiter, &details, 0);
    freeze(&w);
    what_an_admin_writes_into_files(&w);
    assert_int_equal(n_asked, 1);
    systemd_answers(&w);
    assert_int_equal(n_asked, 2);
    expect_theirs(&w);
    world_end(&w);
}

/* The kernel keeps whole pages: in the cgroup's file is never more of it, and that is no other
 * value. */
static void files_say_what_is_no_whole_page(void **state)
{
    World w;

    begin_limited(&w);
    files_high = SOMEBODYS + 123;
    reload(&w);
    reloaded(&w);
    look_at_files(&w);
    expect_theirs(&w);
    world_end(&w);

    world_begin(&w);
    files_high = SOMEBODYS;
    limiter_note_files(w.limiter, &details, 0);
    freeze(&w);
    systemd_answers(&w);
    files_say(&w, LIMIT_NONE);
    assert_true(ledger_find(&w.ledger, "a.service")->original == LIMIT_NONE);
    world_end(&w);
}

/* Where nothing of ours is in force, what they say is in force already. */
static void files_of_a_unit_without_a_limit(void **state)
{
    World w;

    world_begin(&w);
    limiter_note_files(w.limiter, &details, 0);
    files_high = SOMEBODYS;
    reload(&w);
    reloaded(&w);
    assert_false(limiter_wants_files(w.limiter));
    put_number(&w, "memory.high", SOMEBODYS);
    freeze(&w);
    look_at_files(&w);
    freeze(&w);
    assert_int_equal(high(&w), CURRENT);
    assert_int_equal(ledger_find(&w.ledger, "a.service")->original, SOMEBODYS);
    systemd_answers(&w);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_asked_of_a_systemd_that_reads_files),
        cmocka_unit_test(files_are_the_admins),
        cmocka_unit_test(files_are_the_admins_while_a_limit_is_being_set),
        cmocka_unit_test(files_say_what_is_no_whole_page),
        cmocka_unit_test(files_of_a_unit_without_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
