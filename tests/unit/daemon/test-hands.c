/* SPDX-License-Identifier: MIT */
#include "daemon/hands.h"

#include "unit/daemon/by-hand.h"

static void a_file_is_pinned(void **state)
{
    World *w = *state;
    char text[4096];

    uint64_t ino = put_file(w, "a", 10000); /* more than two slices */
    pin(w, NULL, "a", 0);
    assert_int_equal(n_started, 1);
    assert_int_equal(n_answers, 0);
    while (answer_one())
        if (n_answers == 0)
            assert_true(!held(ino) || held(ino)->locked == 0); /* first it is handed over */
    assert_int_equal(n_answers, 1);
    assert_string_equal(answer_error, "");
    assert_int_equal(held(ino)->locked, 10000 * PAGE);
    assert_int_equal(w->host.locked, 10000 * PAGE);
    assert_int_equal(hands_count(w->hands), 1);
    assert_non_null(strstr(scratch_get(&w->runtime, HAND_RECORD_NAME, text, sizeof(text)), "/a\n"));
}

static void no_more_than_there_is_room(void **state)
{
    World *w = *state;

    uint64_t ino = put_file(w, "a", 100);
    room = 30 * PAGE;
    pin(w, NULL, "a", 0);
    answer_all();
    assert_int_equal(held(ino)->locked, 30 * PAGE);
    assert_int_equal(w->hands->hands[0]->bound, PIN_BOUND_HOST);
    room = UINT64_MAX;
    check(w); /* the rest follows */
    assert_int_equal(held(ino)->locked, 100 * PAGE);
    assert_int_equal(w->hands->hands[0]->bound, PIN_BOUND_NONE);
}

static void a_restart_changes_nothing(void **state)
{
    World *w = *state;

    uint64_t ino = put_file(w, "a", 3), other = put_file(w, "b", 2);
    pin(w, NULL, "a", now_usec() + 3600 * USEC_PER_SEC);
    answer_all();
    uint64_t since = w->hands->hands[0]->files->since_usec;
    uint64_t until = w->hands->hands[0]->files->until_usec;
    restart(w);
    assert_int_equal(n_files(w), 1);
    hands_tick(w->hands, now_usec());
    answer_all();
    HandFile *file = w->hands->hands[0]->files;
    assert_int_equal(file->id.ino, ino);
    assert_int_equal(file->by, 7);
    assert_true(file->since_usec == since && file->until_usec == until);
    assert_int_equal(file->locked, 3 * PAGE);
    assert_int_equal(w->host.locked, 3 * PAGE);
    assert_int_equal(n_stopped, 0);

    /* What its holder lost meanwhile is pinned again; what nobody knows of stays. */
    has[0].ino = other;
    has[0].length = has[0].locked = PAGE;
    restart(w);
    hands_tick(w->hands, now_usec());
    answer_all();
    check(w);
    assert_int_equal(n_files(w), 2);
    assert_int_equal(held(ino)->locked, 3 * PAGE);
    assert_int_equal(held(other)->locked, PAGE);
}

static void it_ends_in_time(void **state)
{
    World *w = *state;

    put_file(w, "a", 3);
    uint64_t ino = put_file(w, "b", 2), now = now_usec();
    pin(w, NULL, "a", now + 1000 * USEC_PER_SEC);
    answer_all();
    pin(w, NULL, "b", 0);
    answer_all();
    hands_tick(w->hands, now + 999 * USEC_PER_SEC);
    assert_int_equal(n_files(w), 2);
    hands_tick(w->hands, now + 1000 * USEC_PER_SEC);
    assert_true(asked && last.header.type == HOLD_RELEASE);
    answer_all();
    assert_int_equal(n_has, 1);
    assert_non_null(held(ino));
    assert_int_equal(w->host.locked, 2 * PAGE);
}

static void unpinned_by_inode_name_and_all(void **state)
{
    World *w = *state;

    uint64_t a = put_file(w, "a", 1), b = put_file(w, "b", 1);
    put_file(w, "c", 1);
    pin(w, NULL, "a", 0);
    pin(w, NULL, "b", 0);
    pin(w, NULL, "c", 0);
    hands_tick(w->hands, now_usec());
    answer_all();
    assert_int_equal(n_answers, 3);
    assert_int_equal(n_has, 3);

    HandFile *file = hand_find(w->hands->hands[0], has[0].dev, a);
    CLEANUP_FREE char *b_path = strdup(hand_find(w->hands->hands[0], has[0].dev, b)->path);
    HandChoice choice = { .path = "?", .dev = file->id.dev, .ino = a };
    assert_int_equal(hands_unpin(w->hands, &choice), 1);
    assert_int_equal(hands_unpin(w->hands, &choice), 0);
    choice = (HandChoice){ .path = b_path };
    assert_int_equal(hands_unpin(w->hands, &choice), 1);
    choice = (HandChoice){ .path = "?", .ino = 1 };
    assert_int_equal(hands_unpin(w->hands, &choice), 0);
    choice = (HandChoice){ .unit = "other.service" };
    assert_int_equal(hands_unpin(w->hands, &choice), 0);
    hands_flush(w->hands);
    answer_all();
    assert_int_equal(n_has, 1);
    assert_int_equal(hands_unpin(w->hands, &(HandChoice){ 0 }), 1);
    hands_flush(w->hands);
    answer_all();
    assert_int_equal(faccessat(w->runtime.fd, HAND_RECORD_NAME, F_OK, 0), -1);
    hands_tick(w->hands, now_usec());
    assert_int_equal(n_stopped, 1);
    hands_tick(w->hands, now_usec());
    assert_int_equal(w->hands->n_hands, 0);
    assert_int_equal(w->host.locked, 0);
}

static void files_are_followed(void **state)
{
    World *w = *state;

    uint64_t a = put_file(w, "a", 2), b = put_file(w, "b", 8);
    pin(w, NULL, "a", 0);
    pin(w, NULL, "b", 0);
    hands_tick(w->hands, now_usec());
    answer_all();
    put_file(w, "a", 5);
    check(w);
    assert_int_equal(held(a)->locked, 5 * PAGE);
    put_file(w, "b", 3); /* truncated: released, and pinned anew */
    check(w);
    check(w);
    assert_int_equal(held(b)->length, 3 * PAGE);
    assert_int_equal(held(b)->locked, 3 * PAGE);
    assert_int_equal(w->host.locked, 8 * PAGE);

    must(renameat(w->files.fd, "b", w->files.fd, "a"));
    check(w);
    assert_null(held(a));
    assert_null(held(b)); /* it has another name, and was let go */
    assert_int_equal(n_files(w), 0);
}

static void what_the_holder_refuses_is_told(void **state)
{
    World *w = *state;

    put_file(w, "a", 2);
    refuse = -ENODEV;
    pin(w, NULL, "a", 0);
    answer_all();
    assert_int_equal(n_answers, 1);
    assert_int_equal(n_problems, 1);
    assert_int_equal(n_files(w), 0);
}

static void a_holder_that_dies(void **state)
{
    World *w = *state;

    uint64_t ino = put_file(w, "a", 2);
    pin(w, NULL, "a", 0);
    answer_all();
    n_has = 0;
    handler.gone("killed", handler.userdata);
    assert_int_equal(w->host.locked, 0);
    hands_tick(w->hands, now_usec() + 2 * USEC_PER_SEC);
    assert_int_equal(n_started, 2);
    answer_all();
    check(w);
    assert_int_equal(held(ino)->locked, 2 * PAGE);

    /* One that does not start fails the call, after a few tries. */
    n_answers = 0;
    handler.gone("killed", handler.userdata);
    connecting = -ENAMETOOLONG;
    put_file(w, "b", 1);
    pin(w, NULL, "b", 0);
    for (unsigned i = 0; i < 10 && n_answers == 0; i++)
        hands_tick(w->hands, now_usec() + 100 * USEC_PER_SEC);
    assert_int_equal(n_answers, 1);
    assert_string_equal(answer_error, strerror(ENAMETOOLONG));
    assert_int_equal(n_files(w), 1);
}

/* Of what was rewritten in place all may be lost: so it is asked for as if it was. */
static void rewritten_in_place(void **state)
{
    World *w = *state;

    put_file(w, "a", 40 * MIB / PAGE);
    pin(w, NULL, "a", 0);
    put_file(w, "b", 1);
    pin(w, NULL, "b", 0);
    hands_tick(w->hands, now_usec());
    answer_all();
    Hand *h = w->hands->hands[0];
    assert_int_equal(h->sum, 40 * MIB + PAGE);
    h->refreshes = true;
    for (HandFile *file = h->files; file; file = file->hh.next)
        file->refresh = true;
    room = 0;
    hands_tick(w->hands, now_usec());
    answer_all();
    assert_int_equal(n_refreshes, 0);
    assert_int_equal(h->bound, PIN_BOUND_HOST);

    room = UINT64_MAX;
    h->refreshes = true; /* it is measured again */
    hands_tick(w->hands, now_usec());
    answer_all();
    assert_int_equal(refreshed_most, HOLD_SLICE_MAX);
    assert_int_equal(n_refreshes, 3);
    assert_int_equal(refreshed, 40 * MIB + PAGE);
    for (HandFile *file = h->files; file; file = file->hh.next)
        assert_false(file->refresh);
}

/* Killed before what it serves, unless the unit's policy keeps its pins; a new one, too. */
static void the_holder_is_told_its_score(void **state)
{
    World *w = *state;

    put_file(w, "a", 2);
    pin(w, NULL, "a", 0);
    answer_all();
    assert_int_equal(score, 500);
    w->hands->hands[0]->keeps = true;
    hands_tick(w->hands, now_usec());
    answer_all();
    assert_int_equal(score, -500);
    score = n_has = 0;
    handler.gone("killed", handler.userdata);
    hands_tick(w->hands, now_usec() + 2 * USEC_PER_SEC);
    answer_all();
    assert_int_equal(score, -500);
}

static void a_unit_that_ends(void **state)
{
    World *w = *state;
    UnitEntry unit = { .name = "shop.service", .active_state = "active" };
    uint64_t now = now_usec();

    put_file(w, "a", 2);
    pin(w, "shop.service", "a", 0);
    assert_int_equal(n_started, 0); /* without a bus nobody knows where it lives */
    assert_false(hands_use_holder(w->hands, "a holder"));
    Hand *h = w->hands->hands[0];
    h->slice = strdup("system.slice");
    h->cgroup = strdup("/system.slice/shop.service");
    room = 0; /* within the unit: the holder is beside it */
    hands_tick(w->hands, now);
    answer_all();
    assert_int_equal(n_has, 1);
    assert_int_equal(h->sum, 2 * PAGE);
    assert_true(hands_use_holder(w->hands, "a holder"));
    assert_false(hands_use_holder(w->hands, "another"));
    assert_true(hands_own(w->hands, HOLDER_BY_HAND "shop.service"));
    assert_false(hands_own(w->hands, HOLDER_BY_HAND "other.service"));
    hands_note_units(w->hands, &unit, 1, now);
    hands_tick(w->hands, now + 60 * USEC_PER_SEC);
    assert_int_equal(n_has, 1);
    unit.active_state = "inactive";
    hands_note_units(w->hands, &unit, 1, now);
    hands_tick(w->hands, now + 4 * USEC_PER_SEC);
    assert_int_equal(n_has, 1);
    hands_tick(w->hands, now + 5 * USEC_PER_SEC);
    answer_all();
    assert_int_equal(n_has, 0);
}

/* Renamed and pinned again before anybody looked: the new name counts, after a restart too. */
static void pinned_again_by_another_name(void **state)
{
    World *w = *state;

    uint64_t ino = put_file(w, "a", 2);
    pin(w, NULL, "a", 0);
    answer_all();
    must(renameat(w->files.fd, "a", w->files.fd, "b"));
    pin(w, NULL, "b", 0);
    answer_all();
    restart(w);
    hands_tick(w->hands, now_usec());
    answer_all();
    check(w);
    assert_non_null(held(ino));
    assert_int_equal(n_files(w), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_is_pinned, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_more_than_there_is_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_restart_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_ends_in_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unpinned_by_inode_name_and_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_are_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_holder_refuses_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_holder_that_dies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rewritten_in_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_holder_is_told_its_score, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_unit_that_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pinned_again_by_another_name, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
