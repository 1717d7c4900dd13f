/* SPDX-License-Identifier: MIT */
#include "control/follow.h"

#include "unit/test.h"
#include "util/units.h"

#define MSEC USEC_PER_MSEC
#define SEC  USEC_PER_SEC

#define START (1000 * SEC)

/* A look at @at, which takes @cost. */
static void look(FollowState *state, uint64_t at, uint64_t cost)
{
    (void)follow_begin(state);
    follow_end(state, at + cost, cost);
}

static void without_changes_every_ten_seconds(void **state)
{
    FollowState follow = { 0 };

    assert_true(follow_due(&follow) < START); /* the first: at once */
    look(&follow, START, 5 * MSEC);
    assert_int_equal(follow_due(&follow), START + 5 * MSEC + 10 * SEC);
}

static void a_change_is_looked_at_soon(void **state)
{
    FollowState follow = { 0 };

    look(&follow, START, 5 * MSEC);
    follow_note_change(&follow, START + 5 * SEC);
    follow_note_change(&follow, START + 5 * SEC + 20 * MSEC); /* puts it not off */
    assert_int_equal(follow_due(&follow), START + 5 * SEC + 50 * MSEC);
    assert_int_equal(follow_begin(&follow), START + 5 * SEC);
    assert_int_equal(follow_begin(&follow), 0); /* it was seen */
}

static void a_change_is_never_later_than_without_it(void **state)
{
    FollowState follow = { 0 };

    look(&follow, START, 60 * SEC); /* a slow disk */
    follow_note_change(&follow, START + 60 * SEC);
    assert_int_equal(follow_due(&follow), START + 70 * SEC);
    follow_note_change(&follow, START + 200 * SEC); /* it was noted before */
    assert_int_equal(follow_due(&follow), START + 70 * SEC);
    look(&follow, START, UINT64_MAX / 2);
    assert_true(follow_due(&follow) > 10 * SEC);
}

/* Changes every millisecond, for @seconds. Returns the number of looks; *ret_busy: what they cost,
 * *ret_last: the pause before the last one. */
static unsigned storm(FollowState *follow, unsigned seconds, uint64_t cost, uint64_t *ret_busy,
                      uint64_t *ret_pause)
{
    unsigned looks = 0;
    uint64_t ended = START;

    *ret_busy = 0;
    for (uint64_t now = START; now < START + seconds * SEC; now += MSEC) {
        follow_note_change(follow, now);
        if (now < follow_due(follow))
            continue;
        *ret_pause = now - ended;
        look(follow, now, cost);
        now += cost;
        ended = now;
        *ret_busy += cost;
        looks++;
    }
    return looks;
}

static void a_burst_is_a_few_looks(void **state)
{
    FollowState follow = { 0 };
    uint64_t busy, pause;

    look(&follow, START - 20 * SEC, 20 * MSEC);
    assert_in_range(storm(&follow, 10, 20 * MSEC, &busy, &pause), 2, 10); /* 10,000 changes */
}

static void changes_that_do_not_end_take_little(void **state)
{
    for (uint64_t cost = MSEC; cost <= SEC; cost *= 10) {
        FollowState follow = { 0 };
        uint64_t busy, pause = 0;

        look(&follow, START - 20 * SEC, cost);
        unsigned looks = storm(&follow, 600, cost, &busy, &pause);
        print_message("cost %4ju ms: %u looks, %.2f %%, %ju ms apart\n", (uintmax_t)(cost / MSEC),
                      looks, (double)busy / (600.0 * SEC) * 100, (uintmax_t)(pause / MSEC));
        assert_true(pause >= 2 * SEC && pause <= 10 * SEC + MSEC);
        /* 5 %; where looking takes that long, what the period takes without any change */
        assert_true(busy <= 600 * SEC / 20 + cost || pause >= 10 * SEC);
        assert_true(looks >= 50);
    }
}

static void after_a_calm_it_is_quick_again(void **state)
{
    FollowState follow = { 0 };
    uint64_t busy, pause;

    look(&follow, START - 20 * SEC, MSEC);
    storm(&follow, 60, MSEC, &busy, &pause);
    assert_true(pause >= 2 * SEC);

    /* The change that begins the next storm is seen at once, and the one after it soon. */
    uint64_t now = START + 120 * SEC;
    look(&follow, now - 9 * SEC, MSEC);
    follow_note_change(&follow, now);
    assert_int_equal(follow_due(&follow), now + 50 * MSEC);
    look(&follow, now + 50 * MSEC, MSEC);
    follow_note_change(&follow, now + 52 * MSEC);
    assert_true(follow_due(&follow) <= now + 52 * MSEC + 200 * MSEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_changes_every_ten_seconds),
        cmocka_unit_test(a_change_is_looked_at_soon),
        cmocka_unit_test(a_change_is_never_later_than_without_it),
        cmocka_unit_test(a_burst_is_a_few_looks),
        cmocka_unit_test(changes_that_do_not_end_take_little),
        cmocka_unit_test(after_a_calm_it_is_quick_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
