/* SPDX-License-Identifier: MIT */
/* What was pinned by hand goes for a while, and comes back. */
#include "daemon/hand_away.h"

#include "daemon/released.h"
#include "unit/daemon/by-hand.h"

static char root[] = "/";
static char *root_only[] = { root, NULL };

/* Below the folder @name; its mount is "/". */
static void release(World *w, Released *released, const char *name)
{
    CLEANUP_FREE char *path = NULL;

    assert_true(asprintf(&path, "%s/%s", w->files.path, name) > 0);
    w->host.released = released;
    assert_int_equal(released_add(released, root_only, path), 0);
    hands_look(w->hands);
}

static void what_is_released_comes_back(void **state)
{
    World *w = *state;
    cleanup(released_clear) Released released = { 0 };

    must(mkdirat(w->files.fd, "mnt", 0755));
    uint64_t a = put_file(w, "mnt/a", 4), b = put_file(w, "b", 2);
    put_file(w, "mnt/c", 1);
    pin(w, NULL, "mnt/a", 0);
    pin(w, NULL, "b", 0);
    hands_tick(w->hands, now_usec());
    answer_all();
    assert_int_equal(w->host.locked, 6 * PAGE);

    uint64_t since = now_usec();
    release(w, &released, "mnt");
    assert_false(hands_have_let_go(w->hands, since));
    answer_all();
    assert_true(hands_have_let_go(w->hands, since) || n_queued > 0);
    while (n_queued > 0)
        run_queue();
    assert_true(hands_have_let_go(w->hands, since));
    assert_null(held(a));
    assert_int_equal(held(b)->locked, 2 * PAGE);
    assert_int_equal(w->host.locked, 2 * PAGE);
    assert_int_equal(n_files(w), 2);

    /* Neither a look nor a call brings anything of it in. */
    check(w);
    assert_null(held(a));
    pin(w, NULL, "mnt/c", 0);
    answer_all();
    assert_int_equal(n_problems, 1);
    assert_int_equal(n_has, 1);
    assert_int_equal(n_files(w), 2);
    assert_true(hands_have_let_go(w->hands, now_usec()));

    released_clear(&released);
    hands_look(w->hands);
    check(w);
    assert_int_equal(held(a)->locked, 4 * PAGE);
    assert_int_equal(w->host.locked, 6 * PAGE);
}

/* It may be among ours just when it is handed over. */
static void released_while_a_request_is_under_way(void **state)
{
    World *w = *state;
    cleanup(released_clear) Released released = { 0 };

    must(mkdirat(w->files.fd, "mnt", 0755));
    put_file(w, "mnt/a", 4);
    pin(w, NULL, "mnt/a", 0);
    while (last.header.type != HOLD_PIN)
        assert_true(answer_one());
    release(w, &released, "mnt");
    assert_false(hands_have_let_go(w->hands, now_usec()));
    answer_all();
    assert_int_equal(n_has, 0);
    assert_int_equal(n_problems, 1);
    while (n_queued > 0)
        run_queue();
    assert_true(hands_have_let_go(w->hands, now_usec()));

    /* A holder that comes back with it lets go of it. */
    HandFile *file = w->hands->hands[0]->files;
    handler.gone("killed", handler.userdata);
    has[n_has++] = (FakeFile){ file->id.dev, file->id.ino, 4 * PAGE, 4 * PAGE };
    hands_tick(w->hands, now_usec() + 100 * USEC_PER_SEC);
    assert_false(hands_have_let_go(w->hands, now_usec()));
    answer_all();
    assert_int_equal(n_has, 0);
    while (n_queued > 0)
        run_queue();
    assert_true(hands_have_let_go(w->hands, now_usec()));
    w->host.released = NULL;
}

static void when_memory_is_short(void **state)
{
    World *w = *state;
    uint64_t pending;

    uint64_t a = put_file(w, "a", 4), b = put_file(w, "b", 10);
    pin(w, NULL, "a", 0);
    pin(w, NULL, "b", 0);
    hands_tick(w->hands, now_usec());
    answer_all();
    while (n_queued > 0)
        run_queue();
    Hand *h = w->hands->hands[0];
    assert_int_equal(hand_shed(h, 3 * PAGE), 4 * PAGE); /* the smallest that is enough */
    assert_int_equal(hand_holding(h, &pending).locked, 10 * PAGE);
    assert_int_equal(pending, 4 * PAGE);
    answer_all();
    assert_true(hand_holding(h, &pending).withheld);
    assert_int_equal(pending, 0);
    assert_null(held(a));
    assert_int_equal(held(b)->locked, 10 * PAGE);

    /* Nothing is locked meanwhile: neither what went, nor what is new or grows. */
    put_file(w, "b", 12);
    uint64_t c = put_file(w, "c", 1);
    pin(w, NULL, "c", 0);
    check(w);
    check(w);
    assert_null(held(a));
    assert_int_equal(held(b)->locked, 10 * PAGE);
    assert_int_equal(held(c)->locked, 0);
    assert_int_equal(h->bound, PIN_BOUND_RESERVE);

    hand_resume(h);
    check(w);
    check(w);
    assert_int_equal(held(a)->locked, 4 * PAGE);
    assert_int_equal(held(b)->locked, 12 * PAGE);
    assert_int_equal(held(c)->locked, PAGE);
    assert_int_equal(w->host.locked, 17 * PAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_released_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(released_while_a_request_is_under_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(when_memory_is_short, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
