/* SPDX-License-Identifier: MIT */
#include "control/limit.h"

#include <string.h>

#include "control/floor.h"
#include "unit/test.h"
#include "util/cleanup.h"

#define AT0 (1000 * USEC_PER_SEC)

/* One look at a unit: milliseconds since AT0, MiB, milliseconds of "full" stall in all. */
typedef struct Look {
    uint64_t at_ms;
    bool distress;
    uint64_t current;
    uint64_t anon;
    uint64_t high; /* 0: none */
    uint64_t full_ms;
    bool no_psi;
    double want; /* MiB; NONE */
    LimitReason reason;
} Look;

#define NONE -1.0

static LimitDecision decide(LimitState *state, const LimitConfig *config, const Sample *sample,
                            bool distress)
{
    const LimitContext context = { .distress = distress };

    return limit_decide(state, config, &context, sample);
}

static void run_looks(const char *file, int line, const LimitConfig *config, const Look *looks,
                      size_t n)
{
    LimitState state = { 0 };

    for (size_t i = 0; i < n; i++) {
        const Look *look = &looks[i];
        Sample sample = {
            .at_usec = AT0 + look->at_ms * USEC_PER_MSEC,
            .current = look->current * MIB,
            .anon = look->anon * MIB,
            .high = look->high > 0 ? look->high * MIB : LIMIT_NONE,
            .memory_psi = { .valid = !look->no_psi, .full_usec = look->full_ms * USEC_PER_MSEC },
        };
        LimitDecision d = decide(&state, config, &sample, look->distress);
        uint64_t want = look->want < 0 ? LIMIT_NONE : (uint64_t)(look->want * (double)MIB);
        if (d.want != want || d.reason != look->reason)
            fail_msg("%s:%d: look %zu: %.2f MiB (%s), not %.2f (%s)", file, line, i,
                     (double)d.want / (double)MIB, limit_reason_to_string(d.reason),
                     (double)want / (double)MIB, limit_reason_to_string(look->reason));
    }
}

#define LOOKS(config, ...)                                               \
    do {                                                                 \
        const Look looks_[] = { __VA_ARGS__ };                           \
        run_looks(__FILE__, __LINE__, config, looks_, ELEMENTS(looks_)); \
    } while (0)

#define OFF   LIMIT_REASON_OFF
#define FIXED LIMIT_REASON_FIXED
#define FLOOR LIMIT_REASON_FLOOR
#define STALL LIMIT_REASON_STALL

static const LimitConfig off = { .mode = LIMIT_OFF };
static const LimitConfig fixed_256 = { .mode = LIMIT_FIXED, .value = 256 * MIB, .min = GIB };
static const LimitConfig yields = { .mode = LIMIT_YIELD };

static void off_leaves_it_alone(void **state)
{
    LOOKS(&off, { 0, .current = 1024, .want = NONE, .reason = OFF },
          { 1000, .distress = true, .current = 1024, .full_ms = 900, .want = NONE, .reason = OFF });
}

static void fixed_is_what_the_policy_says(void **state)
{
    LOOKS(&fixed_256, { 0, .current = 1024, .want = 256, .reason = FIXED },
          { 1000, .distress = true, .current = 10, .want = 256, .reason = FIXED },
          { 2000, .current = 300, .anon = 240, .want = 256, .reason = FIXED },
          { 3000, .current = 300, .anon = 241, .want = 257, .reason = FLOOR },
          { 4000, .current = 300, .anon = 400, .want = 416, .reason = FLOOR });
}

static void a_wavering_floor_is_not_followed_by_the_page(void **state)
{
    /* Up at once; down when it is worth a step, or no longer needed. */
    LOOKS(&fixed_256, { 0, .anon = 284, .want = 300, .reason = FLOOR },
          { 1000, .anon = 283, .want = 300, .reason = FLOOR },
          { 2000, .anon = 285, .want = 301, .reason = FLOOR },
          { 3000, .anon = 270, .want = 301, .reason = FLOOR },
          { 4000, .anon = 269, .want = 285, .reason = FLOOR },
          { 5000, .anon = 254, .want = 285, .reason = FLOOR },
          { 6000, .anon = 253, .want = 269, .reason = FLOOR },
          { 7000, .anon = 238, .want = 269, .reason = FLOOR },
          { 8000, .anon = 237, .want = 256, .reason = FIXED },
          { 9000, .anon = 240, .want = 256, .reason = FIXED });
}

static void a_fixed_limit_is_let_go_when_the_unit_stalls(void **state)
{
    LOOKS(&fixed_256, { 0, .current = 200, .high = 256, .want = 256, .reason = FIXED },
          { 1000, .current = 256, .high = 256, .full_ms = 500, .want = 256, .reason = FIXED },
          { 2000, .current = 256, .high = 256, .full_ms = 1001, .want = NONE, .reason = STALL },
          { 3000, .current = 300, .full_ms = 2001, .want = NONE, .reason = STALL },
          { 31999, .current = 300, .full_ms = 2001, .want = NONE, .reason = STALL },
          { 32000, .current = 300, .full_ms = 2001, .want = 256, .reason = FIXED });
    /* Without a limit in force it stalls for its own reasons. */
    LOOKS(&fixed_256, { 0, .current = 200, .want = 256, .reason = FIXED },
          { 1000, .current = 200, .full_ms = 900, .want = 256, .reason = FIXED });
}

/* What was before stalls it no less: that is no limit of ours, and to let go would tighten. */
static void a_fixed_limit_above_what_was_before(void **state)
{
    LimitState s = { 0 };
    const LimitContext context = { .before = 200 * MIB };
    Sample sample = { .at_usec = AT0, .current = 200 * MIB, .memory_psi.valid = true };

    for (unsigned i = 0; i < 20; i++) {
        sample.high = (i < 5 ? 200 : 256) * MIB;
        assert_int_equal(limit_decide(&s, &fixed_256, &context, &sample).want, 256 * MIB);
        sample.at_usec += USEC_PER_SEC;
        sample.memory_psi.full_usec += 900 * USEC_PER_MSEC;
    }
}

/* One of ours that is lower, and not there yet, is not felt. */
static void a_fixed_limit_that_is_not_in_force(void **state)
{
    LimitState s = { 0 };
    const LimitContext context = { .before = 400 * MIB };
    Sample sample = {
        .at_usec = AT0, .current = 400 * MIB, .high = 400 * MIB, .memory_psi.valid = true
    };

    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(limit_decide(&s, &fixed_256, &context, &sample).want, 256 * MIB);
        sample.at_usec += USEC_PER_SEC;
        sample.memory_psi.full_usec += 900 * USEC_PER_MSEC;
    }
    sample.high = 300 * MIB;
    assert_true(limit_decide(&s, &fixed_256, &context, &sample).want == LIMIT_NONE);
}

static void a_hold_grows(void **state)
{
    LimitState s = { 0 };
    Sample sample = {
        .at_usec = AT0, .current = 256 * MIB, .high = 256 * MIB, .memory_psi.valid = true
    };
    uint64_t held[7] = { 0 };

    /* It stalls whenever it is limited. */
    for (size_t i = 0; i < ELEMENTS(held);) {
        sample.at_usec += USEC_PER_SEC;
        LimitDecision d = decide(&s, &fixed_256, &sample, false);
        if (d.want == LIMIT_NONE) {
            held[i] += 1;
            sample.high = LIMIT_NONE;
        } else {
            i += sample.high == LIMIT_NONE;
            sample.high = d.want;
            sample.memory_psi.full_usec += 900 * USEC_PER_MSEC;
        }
    }
    assert_in_range(held[0], 29, 31);
    assert_in_range(held[1], 59, 61);
    assert_in_range(held[2], 119, 121);
    assert_in_range(held[5], 599, 601);
    assert_in_range(held[6], 599, 601);
}

static void another_policy_begins_anew(void **state)
{
    static const LimitMode between[] = { LIMIT_OFF, LIMIT_FIXED };

    for (size_t i = 0; i < ELEMENTS(between); i++) {
        LimitState s = { 0 };
        Sample sample = { .at_usec = AT0, .current = GIB, .memory_psi.valid = true };
        LimitConfig other = { .mode = between[i], .value = 2 * GIB };

        assert_int_equal(decide(&s, &yields, &sample, true).want, GIB);
        sample.at_usec += USEC_PER_MSEC;
        assert_int_equal(decide(&s, &other, &sample, true).reason,
                         between[i] == LIMIT_OFF ? LIMIT_REASON_OFF : LIMIT_REASON_FIXED);
        sample.at_usec += USEC_PER_MSEC;
        LimitDecision d = decide(&s, &yields, &sample, false);
        assert_int_equal(d.reason, LIMIT_REASON_CALM);
        assert_true(d.want == LIMIT_NONE);
        assert_int_equal(decide(&s, &yields, &sample, true).want, GIB);
    }
}

static void another_value_is_taken_at_once(void **state)
{
    LimitState s = { 0 };
    Sample sample = { .at_usec = AT0, .anon = 284 * MIB, .memory_psi.valid = true };
    LimitConfig larger = { .mode = LIMIT_FIXED, .value = 310 * MIB };

    assert_int_equal(decide(&s, &fixed_256, &sample, false).want, 300 * MIB);
    sample.anon = 274 * MIB;
    assert_int_equal(decide(&s, &fixed_256, &sample, false).want, 300 * MIB);
    LimitDecision d = decide(&s, &larger, &sample, false);
    assert_int_equal(d.want, 310 * MIB);
    assert_int_equal(d.reason, LIMIT_REASON_FIXED);
    /* And nothing is remembered across a policy that sets none. */
    assert_int_equal(decide(&s, &fixed_256, &sample, false).want, 290 * MIB);
    sample.anon = 270 * MIB;
    assert_true(decide(&s, &off, &sample, false).want == LIMIT_NONE);
    assert_int_equal(decide(&s, &fixed_256, &sample, false).want, 286 * MIB);
}

static void reasons_have_names(void **state)
{
    for (LimitReason reason = LIMIT_REASON_OFF; reason <= LIMIT_REASON_SWAP; reason++) {
        assert_non_null(limit_reason_to_string(reason));
        for (LimitReason other = LIMIT_REASON_OFF; other < reason; other++)
            assert_string_not_equal(limit_reason_to_string(reason), limit_reason_to_string(other));
    }
}

static const Sample at_its_limit = {
    .at_usec = AT0,
    .current = 100 * MIB,
    .high = 100 * MIB,
    .memory_psi.valid = true,
};

/* A trigger tells, and nothing is reclaimed: it hangs. Where pages are, it waits for those. */
static void one_that_hangs_is_let_go_at_once(void **state)
{
    static const LimitConfig config = { .mode = LIMIT_FIXED, .value = 100 * MIB };

    for (unsigned pages = 0; pages < 2; pages++) {
        LimitState limit = { 0 };
        LimitContext context = { 0 };
        Sample sample = at_its_limit;
        (void)limit_decide(&limit, &config, &context, &sample);
        sample.at_usec += 120 * USEC_PER_MSEC;
        sample.memory_psi.full_usec += 120 * USEC_PER_MSEC;
        sample.pgsteal += pages;
        LimitDecision d = limit_decide(&limit, &config, &context, &sample);
        assert_int_equal(d.reason, LIMIT_REASON_FIXED);
        context.pressed = true;
        d = limit_decide(&limit, &config, &context, &sample);
        assert_int_equal(d.reason, pages > 0 ? LIMIT_REASON_FIXED : LIMIT_REASON_STALL);
    }
}

/* A stream waits for the reclaim of its own pages; where these are needed, it is a stall. */
static void one_that_streams_does_not_stall(void **state)
{
    static const LimitConfig config = { .mode = LIMIT_FIXED, .value = 100 * MIB };
    static const LimitContext context = { 0 };

    for (unsigned needed = 0; needed < 1000; needed += 500) {
        LimitState limit = { 0 };
        Sample sample = at_its_limit;
        (void)limit_decide(&limit, &config, &context, &sample);
        sample.at_usec += USEC_PER_SEC;
        sample.memory_psi.full_usec += USEC_PER_SEC;
        sample.pgsteal += 1000;
        sample.activate_file += needed;
        LimitDecision d = limit_decide(&limit, &config, &context, &sample);
        assert_int_equal(d.reason, needed > 0 ? LIMIT_REASON_STALL : LIMIT_REASON_FIXED);
    }
}

/* It allocates: the limit follows the floor, and need not be given up. */
static void one_that_outgrows_its_limit_gets_a_higher_one(void **state)
{
    static const LimitConfig config = { .mode = LIMIT_FIXED, .value = 100 * MIB };
    static const LimitContext context = { .pressed = true };
    LimitState limit = { 0 };
    Sample sample = at_its_limit;

    (void)limit_decide(&limit, &config, &context, &sample);
    sample.at_usec += USEC_PER_SEC;
    sample.memory_psi.full_usec += USEC_PER_SEC;
    sample.anon = 95 * MIB;
    LimitDecision d = limit_decide(&limit, &config, &context, &sample);
    assert_int_equal(d.reason, LIMIT_REASON_FLOOR);
    assert_int_equal(d.want, 111 * MIB);
}

/* Nobody would see it stall. */
static void without_pressure_figures_nothing_is_limited(void **state)
{
    LOOKS(&fixed_256,
          { 0, .current = 1024, .no_psi = true, .want = NONE, .reason = LIMIT_REASON_NO_PSI },
          { 1000, .current = 1024, .want = 256, .reason = FIXED },
          { 2000, .current = 200, .no_psi = true, .want = NONE, .reason = LIMIT_REASON_NO_PSI });
}

/* Where memory is short because of what is locked, units are not limited to make up for it; a limit
 * that is there stays. */
static void others_do_not_pay_for_pins(void **state)
{
    LimitState limit = { 0 };
    LimitContext context = { .memory_short = true, .pins_short = true };
    const Sample sample = {
        .at_usec = AT0,
        .current = GIB,
        .high = LIMIT_NONE,
        .memory_psi.valid = true,
    };

    LimitDecision d = limit_decide(&limit, &fixed_256, &context, &sample);
    assert_true(d.want == LIMIT_NONE && d.reason == LIMIT_REASON_SHORT);
    context.pins_short = false;
    assert_int_equal(limit_decide(&limit, &fixed_256, &context, &sample).want, 256 * MIB);
    context.pins_short = true;
    assert_int_equal(limit_decide(&limit, &fixed_256, &context, &sample).want, 256 * MIB);
}

/* Of both laws that hold off by themselves. */
static void what_it_knows_is_told(void **state)
{
    LimitState limit = { 0 };

    assert_true(limit_view(&limit, AT0).hold_usec == 0 && limit_view(&limit, AT0).good == 0);
    limit.stall.until_usec = AT0 + 5;
    assert_int_equal(limit_view(&limit, AT0).hold_usec, 5);
    limit = (LimitState){ .mode = LIMIT_YIELD, .stall.until_usec = AT0 + 6 };
    memset(&limit.yield, 0xff, sizeof limit.yield); /* where another mode has what it knows */
    assert_true(limit_view(&limit, AT0).hold_usec == 6 && limit_view(&limit, AT0).good == 0);
    limit = (LimitState){ .mode = LIMIT_TRACK, .track.stall.until_usec = AT0 + 7 };
    assert_int_equal(limit_view(&limit, AT0).hold_usec, 7);
    assert_int_equal(limit_view(&limit, AT0 + 8).hold_usec, 0);
    limit.track.fixed = 3 * MIB;
    limit.track.goal = 4 * MIB;
    assert_int_equal(limit_view(&limit, AT0).good, 0);
    limit.track.has_goal = true;
    assert_int_equal(limit_view(&limit, AT0).good, 7 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(off_leaves_it_alone),
        cmocka_unit_test(fixed_is_what_the_policy_says),
        cmocka_unit_test(a_wavering_floor_is_not_followed_by_the_page),
        cmocka_unit_test(a_fixed_limit_is_let_go_when_the_unit_stalls),
        cmocka_unit_test(one_that_hangs_is_let_go_at_once),
        cmocka_unit_test(one_that_outgrows_its_limit_gets_a_higher_one),
        cmocka_unit_test(one_that_streams_does_not_stall),
        cmocka_unit_test(a_fixed_limit_above_what_was_before),
        cmocka_unit_test(a_fixed_limit_that_is_not_in_force),
        cmocka_unit_test(a_hold_grows),
        cmocka_unit_test(another_policy_begins_anew),
        cmocka_unit_test(another_value_is_taken_at_once),
        cmocka_unit_test(without_pressure_figures_nothing_is_limited),
        cmocka_unit_test(others_do_not_pay_for_pins),
        cmocka_unit_test(what_it_knows_is_told),
        cmocka_unit_test(reasons_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
