/* SPDX-License-Identifier: MIT */
#include "daemon/pin_apply.h"

#include "unit/daemon/applying.h"
#include "unit/hold/descriptors.h"

static void small_files_share_a_request(void **state)
{
    WORLD(w, GIB);
    size_t before = count_descriptors(0);

    put_files(&w, 3 * HOLD_BATCH_MAX + 5, 10);
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.requests, 4);
    assert_int_equal(w.items, 3 * HOLD_BATCH_MAX + 5);
    assert_int_equal(w.held.sum, (3 * HOLD_BATCH_MAX + 5) * PAGE);
    assert_int_equal(w.problems.n_total, 0);
    assert_int_equal(w.bound, PIN_BOUND_NONE);
    assert_int_equal(count_descriptors(0), before);
    /* And then there is nothing to do. */
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.requests, 4);
}

static void no_request_is_larger_than_a_slice(void **state)
{
    WORLD(w, GIB);

    /* Two fit into a slice, and three do not. */
    put_files(&w, 5, 7 * MIB);
    scratch_put_dense(&w.root, "99999", 40 * MIB + 1);
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.held.sum, 75 * MIB + PAGE);
    assert_int_equal(w.asked_most, HOLD_SLICE_MAX);
    /* 7+7, 7+7, 7 and the beginning of the last, as it is alone in what follows. */
    assert_in_range(w.requests, 6, 7);
}

static void no_more_than_there_is_room_for(void **state)
{
    WORLD(w, 20 * MIB);

    w.settings.reserve = 17 * MIB;
    put_files(&w, 5, 2 * MIB);
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.bound, PIN_BOUND_RESERVE);
    assert_int_equal(w.requests, 1);
    assert_true(w.held.sum > 0 && w.held.sum <= 3 * MIB);
    /* None at all. */
    w.settings.reserve = 20 * MIB;
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.requests, 1);
    assert_int_equal(w.bound, PIN_BOUND_RESERVE);
}

/* What others take while a slice is read is not taken twice. */
static void room_is_asked_for_before_each_slice(void **state)
{
    WORLD(w, GIB);

    w.settings.reserve = 64 * MIB;
    w.taken = true;
    w.left = 64 * MIB;
    put_files(&w, 1, 40 * MIB);
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.requests, 1);
    assert_int_equal(w.held.sum, HOLD_SLICE_MAX);
    assert_int_equal(w.bound, PIN_BOUND_RESERVE);
    /* Of what has to be read again, too. */
    put_available(&w, GIB);
    w.requests = 0;
    begin(&w, true);
    run_all(&w);
    assert_int_equal(w.requests, 1);
    assert_int_equal(w.refreshed, HOLD_SLICE_MAX);
    assert_int_equal(w.bound, PIN_BOUND_RESERVE);
    /* And a little room is used. */
    put_available(&w, GIB);
    w.left = 68 * MIB;
    w.requests = 0;
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.requests, 2);
    assert_int_equal(w.held.sum, 2 * HOLD_SLICE_MAX + 4 * MIB);
    assert_int_equal(w.bound, PIN_BOUND_RESERVE);
}

static void release_refresh_and_growth(void **state)
{
    WORLD(w, GIB);
    struct stat st;

    put_files(&w, 3, PAGE);
    begin(&w, false);
    run_all(&w);
    for (uint64_t i = 0; i < HOLD_BATCH_MAX + 3; i++) /* of which nobody knows any more */
        assert_int_equal(
            held_note(
                &w.held,
                &(HoldItem){ .dev = UINT64_MAX, .ino = i + 1, .length = PAGE, .locked = PAGE },
                true),
            0);
    w.requests = w.items = 0;
    begin(&w, true);
    run_all(&w);
    /* Two packets to let go, one to refresh. */
    assert_int_equal(w.requests, 2 + 1);
    assert_int_equal(w.items, HOLD_BATCH_MAX + 3 + 3);

    held_clear(&w.held);
    must(fstatat(w.root.fd, "00000", &st, 0));
    must(truncate(scratch_path(&w.root, "00000"), (off_t)(PAGE + 9)));
    HoldItem item = { .dev = st.st_dev, .ino = st.st_ino, .length = PAGE + 5, .locked = PAGE + 5 };
    assert_int_equal(held_note(&w.held, &item, true), 0);
    begin(&w, false);
    run_all(&w);
    /* Within its last page: it is handed over, and no page is asked for. */
    assert_int_equal(w.held.sum, 4 * PAGE);
    size_t n;
    const PinHeld *held = held_sorted(&w.held, &n);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(held[i].locked, held[i].ino == st.st_ino ? PAGE + 5 : PAGE);
}

static void only_what_was_changed_is_refreshed(void **state)
{
    WORLD(w, GIB);
    size_t n;

    put_files(&w, 3, PAGE);
    begin(&w, false);
    run_all(&w);
    /* What was pinned has the time that the scan saw. */
    const PinHeld *held = held_sorted(&w.held, &n);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++)
        assert_true(held[i].ctime > 0);
    w.requests = w.items = 0;
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.requests, 0);

    uint64_t before = held_sorted(&w.held, &n)[1].ctime;
    held_note_ctime(&w.held, held[1].dev, held[1].ino, before - 1);
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.requests, 1);
    assert_int_equal(w.items, 1);
    assert_int_equal(held_sorted(&w.held, &n)[1].ctime, before); /* done */
}

/* A large file part by part, and no part without room. */
static void refreshed_in_slices(void **state)
{
    static const uint64_t size = 2 * HOLD_SLICE_MAX + 3 * PAGE;
    WORLD(w, GIB);
    size_t n;

    put_files(&w, 3, PAGE);
    scratch_put_dense(&w.root, "large", size);
    begin(&w, false);
    run_all(&w);
    const PinHeld *held = held_sorted(&w.held, &n);
    uint64_t sum = w.held.sum;
    assert_int_equal(n, 4);
    w.requests = 0;
    begin(&w, true);
    run_all(&w);
    assert_int_equal(w.refreshed, size + 3 * PAGE);
    assert_in_range(w.requests, 3, 4);
    assert_int_equal(w.held.sum, sum);

    /* Some part of it fails, and so it is not done. */
    for (size_t i = 0; i < n; i++)
        held_note_ctime(&w.held, held[i].dev, held[i].ino, 1);
    w.refresh_error = -EFAULT;
    begin(&w, false);
    run_all(&w);
    held = held_sorted(&w.held, &n);
    for (size_t i = 0; i < n; i++)
        assert_true(held[i].refresh);

    /* In smaller parts where there is less room, and without any it waits. */
    w.settings.reserve = GIB;
    w.refreshed = 0;
    w.refresh_error = 0;
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.refreshed, 0);
    assert_int_equal(w.bound, PIN_BOUND_RESERVE);
    w.settings.reserve = GIB - MIB;
    w.asked_most = 0;
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.refreshed, size + 3 * PAGE);
    assert_int_equal(w.asked_most, MIB);
    assert_int_equal(w.bound, PIN_BOUND_NONE);
}

static void what_cannot_be_pinned_is_told(void **state)
{
    static const struct {
        int error;
        const char *text;
    } cases[] = {
        { -EFAULT, "was truncated just now" },
        { -ENODEV, "No such device" },
        { 0, "Input/output error" }, /* it says that it did, and did not */
    };
    const HoldPacket *request;
    const HoldFds *fds;

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        WORLD(w, GIB);
        put_files(&w, 2, 2 * PAGE);
        begin(&w, false);
        must(unlinkat(w.root.fd, "00001", 0));
        assert_int_equal(pin_apply_next(w.apply, &request, &fds, &w.bound), PIN_APPLY_WAIT);
        run_queue();
        assert_int_equal(pin_apply_next(w.apply, &request, &fds, &w.bound), PIN_APPLY_SEND);
        assert_int_equal(request->header.n_items, 1);
        HoldPacket answer = *request;
        answer.header.type = HOLD_DONE;
        answer.items[0].error = cases[i].error;
        answer.items[0].locked = 0;
        answer.items[0].length = cases[i].error < 0 ? 0 : 2 * PAGE;
        assert_int_equal(pin_apply_answer(w.apply, &answer), 0);
        assert_int_equal(pin_apply_next(w.apply, &request, &fds, &w.bound), PIN_APPLY_DONE);
        assert_int_equal(w.problems.n_entries, 2);
        assert_string_equal(w.problems.entries[0].path, "/00001");
        assert_string_equal(w.problems.entries[0].reason, "No such file or directory");
        assert_string_equal(w.problems.entries[1].path, "/00000");
        assert_string_equal(w.problems.entries[1].reason, cases[i].text);
        assert_int_equal(w.held.sum, 0);
    }
}

static void warmed_once_and_without_room(void **state)
{
    WORLD(w, 20 * MIB);

    w.settings.reserve = 20 * MIB; /* for locks there is none */
    put_files(&w, HOLD_BATCH_MAX + 1, PAGE + 1);
    scratch_put_dense(&w.root, "99999", 20 * MIB + 5);
    size_t before = count_descriptors(0);
    begin_with(&w, false, PIN_LOCK_NONE);
    run_all(&w);
    assert_int_equal(w.bound, PIN_BOUND_NONE);
    assert_int_equal(w.problems.n_total, 0);
    assert_int_equal(w.warmed, (HOLD_BATCH_MAX + 1) * (PAGE + 1) + 20 * MIB + 5);
    assert_int_equal(w.asked_most, HOLD_SLICE_MAX);
    assert_int_equal(w.held.n, 0);
    assert_int_equal(count_descriptors(0), before);
    /* A reclaim in between may have taken some. */
    assert_in_range(pin_apply_warmed(w.apply), 10 * MIB, w.warmed + (HOLD_BATCH_MAX + 2) * PAGE);
    w.requests = 0;
    begin_with(&w, false, PIN_LOCK_NONE);
    run_all(&w);
    assert_int_equal(w.requests, 0);
}

static void answers_that_are_none(void **state)
{
    WORLD(w, GIB);
    const HoldPacket *request;
    const HoldFds *fds;
    HoldPacket answer = { .header.type = HOLD_DONE };

    put_files(&w, 2, PAGE);
    begin(&w, false);
    assert_int_equal(pin_apply_answer(w.apply, &answer), -EPROTO);
    assert_int_equal(pin_apply_next(w.apply, &request, &fds, &w.bound), PIN_APPLY_WAIT);
    assert_int_equal(pin_apply_answer(w.apply, &answer), -EPROTO);
    run_queue();
    assert_int_equal(pin_apply_next(w.apply, &request, &fds, &w.bound), PIN_APPLY_SEND);
    assert_int_equal(pin_apply_answer(w.apply, &answer), -EPROTO);
    answer.header.n_items = 2;
    answer.header.type = HOLD_ITEMS;
    assert_int_equal(pin_apply_answer(w.apply, &answer), -EPROTO);
    answer.header.type = HOLD_DONE;
    answer.header.error = -E2BIG;
    assert_int_equal(pin_apply_answer(w.apply, &answer), -EPROTO);
}

static void given_up_in_the_middle(void **state)
{
    size_t before = count_descriptors(0);
    const HoldPacket *request;
    const HoldFds *fds;

    for (unsigned steps = 0; steps < 4; steps++) {
        WORLD(w, GIB);
        put_files(&w, HOLD_BATCH_MAX + 9, PAGE);
        begin(&w, false);
        for (unsigned i = 0; i < steps; i++) {
            (void)pin_apply_next(w.apply, &request, &fds, &w.bound);
            if (i < 2)
                run_queue();
        }
        w.apply = pin_apply_free(w.apply);
    }
    assert_null(pin_apply_free(NULL));
    assert_int_equal(count_descriptors(0), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_files_share_a_request),
        cmocka_unit_test(no_request_is_larger_than_a_slice),
        cmocka_unit_test(no_more_than_there_is_room_for),
        cmocka_unit_test(room_is_asked_for_before_each_slice),
        cmocka_unit_test(release_refresh_and_growth),
        cmocka_unit_test(only_what_was_changed_is_refreshed),
        cmocka_unit_test(refreshed_in_slices),
        cmocka_unit_test(what_cannot_be_pinned_is_told),
        cmocka_unit_test(warmed_once_and_without_room),
        cmocka_unit_test(answers_that_are_none),
        cmocka_unit_test(given_up_in_the_middle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
