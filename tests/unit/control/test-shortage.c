/* SPDX-License-Identifier: MIT */
#include "control/shortage.h"

#include "unit/test.h"
#include "util/cleanup.h"

/* Lines at 500, 750 and 1250 MiB. */
#define TOTAL   (10000 * MIB)
#define RESERVE (1000 * MIB)

static void the_lines(void **state)
{
    static const struct {
        uint64_t total, reserve;
        ShortageLines expected;
    } cases[] = {
        { TOTAL, RESERVE, { 500 * MIB, 750 * MIB, 1250 * MIB, 2000 * MIB } },
        /* A large machine. */
        { 1024 * GIB, 102 * GIB, { 4 * GIB, 6 * GIB, 104 * GIB, 204 * GIB } },
        /* Without a reserve. */
        { 64 * GIB, 0, { GIB, GIB + GIB / 2, 2 * GIB + GIB / 2, 4 * GIB } },
        { 1024 * GIB, 0, { 4 * GIB, 6 * GIB, 10 * GIB, 16 * GIB } },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        ShortageLines lines = shortage_lines(cases[i].total, cases[i].reserve);
        if (lines.low != cases[i].expected.low || lines.goal != cases[i].expected.goal ||
            lines.back != cases[i].expected.back || lines.far != cases[i].expected.far)
            fail_msg("case %zu", i);
    }
}

typedef struct Look {
    unsigned at_ms, available, swap_free, stalled_ms; /* MiB; total of stalls */
    unsigned pending;                                 /* MiB */
    unsigned locked;                                  /* MiB */
    ShortageReason reason;
    unsigned release; /* MiB */
} Look;

static ShortageDecision look(ShortageState *state, const Look *l)
{
    ShortageSample sample = {
        .at_usec = USEC_PER_SEC + l->at_ms * USEC_PER_MSEC,
        .total = TOTAL,
        .available = l->available * MIB,
        .swap_free = l->swap_free * MIB,
        .locked = l->locked * MIB,
        .psi = { .valid = true, .some_usec = l->stalled_ms * USEC_PER_MSEC },
    };

    return shortage_decide(state, &sample, RESERVE, l->pending * MIB);
}

#define LOOKS_MAX 8

static void when_it_is_short(void **state)
{
    static const Look cases[][LOOKS_MAX] = {
        /* Enough. */
        { { 0, 5000 }, { 1000, 3000 }, { 2000, 1800 }, { 4000, 1001 }, { 5000, 850 } },
        /* Too little, at the first look too; as much goes as is missing to the goal. */
        { { 0, 500 }, { 1000, 499, .reason = SHORTAGE_LOW, .release = 251 } },
        { { 0, 100, .reason = SHORTAGE_LOW, .release = 650 } },
        /* What is under way counts. */
        { { 0, 100, .reason = SHORTAGE_LOW, .release = 650 },
          { 100, 200, .pending = 550 },
          { 200, 100, .pending = 300, .reason = SHORTAGE_LOW, .release = 350 } },
        /* Swap is as good, as long as nobody stalls. */
        { { 0, 100, 400 }, { 1000, 100, 399, .reason = SHORTAGE_LOW, .release = 251 } },
        { { 0, 100, 9000, 0 },
          { 1000, 100, 9000, 100 },
          { 2000, 100, 9000, 201, .reason = SHORTAGE_STALLED, .release = 156 },
          { 2900, 100, 9000, 800, .reason = SHORTAGE_STALLED },
          { 3300, 100, 9000, 900, .reason = SHORTAGE_STALLED, .release = 156 },
          { 4300, 750, 9000, 1800 } },
        /* Stalls with memory to spare are somebody's own limit. */
        { { 0, 800, 0, 0 },
          { 1000, 800, 0, 1000 },
          { 2000, 749, 0, 2000, .reason = SHORTAGE_STALLED, .release = 156 } },
        /* A fall that would end below the line within a second. */
        { { 0, 1500 }, { 1000, 999, .reason = SHORTAGE_FALLING, .release = 2 } },
        { { 0, 1500 }, { 1000, 1000 } },
        { { 0, 1200 }, { 400, 900, .reason = SHORTAGE_FALLING, .release = 350 } },
        { { 0, 1000 },
          { 400, 900 },
          { 800, 800 },
          { 1200, 700, .reason = SHORTAGE_FALLING, .release = 50 } },
        /* Two looks close to each other tell no rate, and do not hide one. */
        { { 0, 1200 },
          { 100, 900 },
          { 200, 900 },
          { 500, 860, .reason = SHORTAGE_FALLING, .release = 320 } },
        /* What pins take is no fall, nor what they give a rise. */
        { { 0, 1500, .locked = 1000 },
          { 400, 900, .locked = 1600 },
          { 800, 990, .locked = 1300, .reason = SHORTAGE_FALLING, .release = 35 },
          { 1200, 1000, .locked = 1000, .reason = SHORTAGE_FALLING, .release = 225 } },
        /* Counters and clocks that go back. */
        { { 2000, 800, 0, 5000 }, { 1000, 700, 0, 0 }, { 3000, 700, 0, 0 } },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        ShortageState s = { 0 };
        for (size_t k = 0; k < LOOKS_MAX && cases[i][k].available > 0; k++) {
            ShortageDecision d = look(&s, &cases[i][k]);
            if (d.reason != cases[i][k].reason || d.release / MIB != cases[i][k].release)
                fail_msg("case %zu, look %zu: %s, %ju MiB", i, k,
                         shortage_reason_to_string(d.reason), (uintmax_t)(d.release / MIB));
        }
    }
}

static ShortageDecision at(ShortageState *state, unsigned seconds, unsigned available)
{
    return look(state, &(Look){ .at_ms = seconds * 1000, .available = available });
}

static void when_pins_come_back(void **state)
{
    ShortageState s = { 0 };

    assert_int_equal(at(&s, 10, 100).reason, SHORTAGE_LOW);
    assert_true(s.is_short);
    /* Neither little nor enough: it stays as it is, for as long as it takes. */
    ShortageDecision d = at(&s, 500, 1249);
    assert_int_equal(d.reason, SHORTAGE_NONE);
    assert_int_equal(d.again_usec, 0);
    assert_true(s.is_short);
    /* Enough, but not for long enough. */
    d = at(&s, 600, 1250);
    assert_int_equal(d.again_usec, USEC_PER_SEC + 630 * USEC_PER_SEC);
    assert_true(s.is_short);
    at(&s, 629, 3000);
    assert_true(s.is_short);
    at(&s, 630, 1249);
    d = at(&s, 631, 3000);
    assert_int_equal(d.again_usec, USEC_PER_SEC + 661 * USEC_PER_SEC);
    at(&s, 660, 3000);
    assert_true(s.is_short);
    at(&s, 661, 3000);
    assert_false(s.is_short);
    assert_int_equal(at(&s, 662, 3000).again_usec, 0);
}

/* Free swap is not where pins go. */
static void not_into_swap(void **state)
{
    ShortageState s = { 0 };

    at(&s, 0, 100);
    for (unsigned i = 1; i < 100; i++)
        look(&s, &(Look){ .at_ms = i * 1000, .available = 900, .swap_free = 5000 });
    assert_true(s.is_short);
}

/* A shortage soon after pins came back: they wait longer, and then as long as at first. */
static void the_hold_off_grows(void **state)
{
    ShortageState s = { 0 };
    unsigned now = 10, waited[10];

    for (size_t i = 0; i < ELEMENTS(waited); i++) {
        at(&s, now, 100);
        assert_true(s.is_short);
        unsigned began = ++now;
        while (at(&s, now, 2000), s.is_short)
            now++;
        waited[i] = now - began;
        now += 60;
    }
    const unsigned expected[] = { 30, 60, 120, 240, 480, 960, 1800, 1800, 1800, 1800 };
    assert_memory_equal(waited, expected, sizeof expected);

    at(&s, now += 4 * 1800, 100);
    assert_int_equal(s.hold_usec, SHORTAGE_HOLD_FIRST_USEC);
}

static void who_goes_and_who_returns(void **state)
{
    ShortageHolding h[] = {
        { .rank = SHORTAGE_CRITICAL, .locked = 900 },
        { .rank = SHORTAGE_NORMAL, .locked = 100 },
        { .rank = SHORTAGE_BACKGROUND, .locked = 10 },
        { .rank = SHORTAGE_BACKGROUND, .locked = 20 },
        { .rank = SHORTAGE_BACKGROUND, .locked = 999, .keep = true },
        { .rank = SHORTAGE_NORMAL, .locked = 300 },
    };
    const size_t n = ELEMENTS(h), order[] = { 3, 2, 5, 1, 0 };

    for (size_t i = 0; i < ELEMENTS(order); i++) {
        assert_int_equal(shortage_next_to_return(h, i == 0 ? n : 0), i == 0 ? n : 0);
        assert_int_equal(shortage_next_to_go(h, n), order[i]);
        h[order[i]].locked = 0;
    }
    assert_int_equal(shortage_next_to_go(h, n), n);
    assert_int_equal(shortage_next_to_go(h, 0), 0);

    const size_t back[] = { 0, 5, 1, 3, 2 };
    for (size_t i = 0; i < ELEMENTS(order); i++)
        h[order[i]].withheld = true;
    h[5].locked = 7;
    h[3].locked = 7; /* a part of it stayed */
    for (size_t i = 0; i < ELEMENTS(back); i++) {
        assert_int_equal(shortage_next_to_return(h, n), back[i]);
        h[back[i]].withheld = false;
    }
    assert_int_equal(shortage_next_to_return(h, n), n);
}

static void reasons_have_words(void **state)
{
    for (ShortageReason reason = SHORTAGE_NONE; reason <= SHORTAGE_STALLED; reason++)
        assert_non_null(shortage_reason_to_string(reason));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lines),           cmocka_unit_test(when_it_is_short),
        cmocka_unit_test(when_pins_come_back), cmocka_unit_test(not_into_swap),
        cmocka_unit_test(the_hold_off_grows),  cmocka_unit_test(who_goes_and_who_returns),
        cmocka_unit_test(reasons_have_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
