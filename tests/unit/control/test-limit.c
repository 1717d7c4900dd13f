/* SPDX-License-Identifier: MIT */
#include "control/limit.h"

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

#define OFF      LIMIT_REASON_OFF
#define FIXED    LIMIT_REASON_FIXED
#define FLOOR    LIMIT_REASON_FLOOR
#define CALM     LIMIT_REASON_CALM
#define DISTRESS LIMIT_REASON_DISTRESS
#define HOLD     LIMIT_REASON_HOLD
#define AT_MIN   LIMIT_REASON_AT_MIN
#define RETURN   LIMIT_REASON_RETURN
#define STALL    LIMIT_REASON_STALL

static const LimitConfig off = { .mode = LIMIT_OFF };
static const LimitConfig fixed_256 = { .mode = LIMIT_FIXED, .value = 256 * MIB, .min = GIB };
static const LimitConfig yields = { .mode = LIMIT_YIELD };
static const LimitConfig yields_to_512 = { .mode = LIMIT_YIELD, .min = 512 * MIB };

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
    LOOKS(&yields_to_512, { 0, .distress = true, .current = 585, .want = 512, .reason = AT_MIN },
          { 1000, .distress = true, .current = 512, .anon = 500, .want = 516, .reason = AT_MIN },
          { 1100, .distress = true, .current = 512, .anon = 499, .want = 516, .reason = HOLD },
          { 1200, .distress = true, .current = 512, .anon = 501, .want = 517, .reason = HOLD },
          { 2000, .distress = true, .current = 512, .anon = 486, .want = 517, .reason = AT_MIN },
          { 3000, .distress = true, .current = 512, .anon = 501, .want = 517, .reason = AT_MIN });
    LOOKS(&yields,
          { 0, .distress = true, .current = 110, .anon = 90, .want = 106, .reason = AT_MIN },
          { 1000, .distress = true, .current = 106, .anon = 75, .want = 106, .reason = AT_MIN },
          { 2000, .distress = true, .current = 106, .anon = 74, .want = 90, .reason = AT_MIN });
}

static void calm_means_no_limit(void **state)
{
    LOOKS(&yields_to_512, { 0, .current = 1024, .want = NONE, .reason = CALM },
          { 1000, .current = 4096, .want = NONE, .reason = CALM });
}

static void distress_takes_an_eighth_a_second(void **state)
{
    LOOKS(&yields_to_512, { 0, .distress = true, .current = 1024, .want = 896, .reason = DISTRESS },
          { 500, .distress = true, .current = 900, .want = 896, .reason = HOLD },
          { 999, .distress = true, .current = 900, .want = 896, .reason = HOLD },
          { 1000, .distress = true, .current = 896, .want = 784, .reason = DISTRESS },
          /* One step, however late the look. */
          { 9000, .distress = true, .current = 784, .want = 686, .reason = DISTRESS },
          { 9900, .distress = true, .current = 784, .want = 686, .reason = HOLD });
}

static void small_steps_do_not_show(void **state)
{
    LOOKS(&yields, { 0, .distress = true, .current = 100, .want = 84, .reason = DISTRESS },
          { 1000, .distress = true, .current = 84, .want = 68, .reason = DISTRESS },
          { 2000, .distress = true, .current = 68, .want = 52, .reason = DISTRESS },
          { 3000, .distress = true, .current = 52, .want = 36, .reason = DISTRESS },
          { 4000, .distress = true, .current = 36, .want = 20, .reason = DISTRESS },
          { 5000, .distress = true, .current = 20, .want = 16, .reason = AT_MIN },
          { 6000, .distress = true, .current = 16, .want = 16, .reason = AT_MIN });
}

static void never_below_the_minimum(void **state)
{
    LOOKS(&yields_to_512, { 0, .distress = true, .current = 600, .want = 525, .reason = DISTRESS },
          { 1000, .distress = true, .current = 525, .want = 512, .reason = AT_MIN },
          { 2000, .distress = true, .current = 512, .want = 512, .reason = AT_MIN });
}

static void never_below_what_cannot_be_reclaimed(void **state)
{
    LOOKS(
        &yields_to_512,
        { 0, .distress = true, .current = 1024, .anon = 900, .want = 916, .reason = AT_MIN },
        /* Anonymous memory that grows lifts the limit at once, whatever the step. */
        { 100, .distress = true, .current = 1024, .anon = 950, .want = 966, .reason = HOLD },
        { 200, .current = 1024, .anon = 980, .want = 996, .reason = HOLD },
        /* That it shrinks between two steps is no step. */
        { 300, .distress = true, .current = 1024, .anon = 100, .want = 996, .reason = HOLD },
        { 1000, .distress = true, .current = 996, .anon = 100, .want = 871.5, .reason = DISTRESS });
}

static void nothing_to_gain_at_the_floor(void **state)
{
    LOOKS(&yields_to_512, { 0, .distress = true, .current = 512, .want = NONE, .reason = AT_MIN },
          { 1000, .distress = true, .current = 100, .want = NONE, .reason = AT_MIN },
          { 2000, .distress = true, .current = 900, .anon = 884, .want = NONE, .reason = AT_MIN },
          { 3000, .distress = true, .current = 513, .want = 512, .reason = AT_MIN });
}

static void calm_gives_back_a_quarter_every_two_seconds(void **state)
{
    LOOKS(&yields, { 0, .distress = true, .current = 1024, .want = 896, .reason = DISTRESS },
          { 1000, .distress = true, .current = 896, .want = 784, .reason = DISTRESS },
          { 2000, .distress = true, .current = 784, .want = 686, .reason = DISTRESS },
          { 2500, .current = 686, .want = 686, .reason = HOLD },
          { 3000, .current = 686, .want = 857.5, .reason = RETURN },
          { 4999, .current = 857, .want = 857.5, .reason = HOLD },
          /* 1,071 MiB is what it had and more. */
          { 5000, .current = 857, .want = NONE, .reason = CALM },
          { 5001, .current = 2000, .want = NONE, .reason = CALM });
}

static void distress_that_comes_back_squeezes_again(void **state)
{
    /* While it is given back: from where it is. */
    LOOKS(&yields, { 0, .distress = true, .current = 1600, .want = 1400, .reason = DISTRESS },
          { 1000, .distress = true, .current = 1400, .want = 1225, .reason = DISTRESS },
          { 2000, .distress = true, .current = 1225, .want = 1071.875, .reason = DISTRESS },
          { 3000, .current = 1071, .want = 1339.84375, .reason = RETURN },
          { 4000, .distress = true, .current = 1300, .want = 1339.84375, .reason = HOLD },
          { 5000, .distress = true, .current = 1300, .want = 1172.36328125, .reason = DISTRESS });
    /* After it was given back: at once, from what it has, and for no other reason. */
    LOOKS(&yields, { 0, .distress = true, .current = 1024, .want = 896, .reason = DISTRESS },
          { 1000, .current = 896, .want = NONE, .reason = CALM },
          { 1001, .distress = true, .current = 800, .want = 700, .reason = DISTRESS });
}

static void a_stalled_unit_is_let_go(void **state)
{
    LOOKS(
        &yields, { 0, .distress = true, .current = 1024, .want = 896, .reason = DISTRESS },
        { 1000, .distress = true, .current = 896, .full_ms = 500, .want = 784, .reason = DISTRESS },
        { 2000, .distress = true, .current = 784, .full_ms = 1001, .want = NONE, .reason = STALL },
        { 3000, .distress = true, .current = 900, .full_ms = 1001, .want = NONE, .reason = STALL },
        { 3500, .current = 900, .full_ms = 1001, .want = NONE, .reason = CALM },
        { 31999, .distress = true, .current = 900, .full_ms = 1001, .want = NONE, .reason = STALL },
        { 32000, .distress = true, .current = 1024, .full_ms = 1001, .want = 896,
          .reason = DISTRESS });
    /* While it waits for the next step, and while it is given back. */
    LOOKS(&yields, { 0, .distress = true, .current = 1024, .want = 896, .reason = DISTRESS },
          { 600, .distress = true, .current = 896, .full_ms = 301, .want = NONE, .reason = STALL });
    LOOKS(
        &yields, { 0, .distress = true, .current = 1024, .want = 896, .reason = DISTRESS },
        { 900, .current = 896, .full_ms = 451, .want = NONE, .reason = STALL },
        { 1900, .current = 896, .full_ms = 451, .want = NONE, .reason = CALM },
        { 2900, .distress = true, .current = 896, .full_ms = 451, .want = NONE, .reason = STALL });
}

static void what_is_no_stall(void **state)
{
    /* Half of the time; too short a look, until it is long enough. */
    LOOKS(&yields, { 0, .distress = true, .current = 1024, .want = 896, .reason = DISTRESS },
          { 499, .distress = true, .current = 896, .full_ms = 499, .want = 896, .reason = HOLD },
          { 998, .distress = true, .current = 896, .full_ms = 499, .want = 896, .reason = HOLD });
    /* What it stalled before the first look, or under another cgroup. */
    LOOKS(
        &yields,
        { 0, .distress = true, .current = 1024, .full_ms = 90000, .want = 896, .reason = DISTRESS },
        { 1000, .distress = true, .current = 896, .full_ms = 90000, .want = 784,
          .reason = DISTRESS },
        { 2000, .distress = true, .current = 784, .full_ms = 10, .want = 686, .reason = DISTRESS });
    /* PSI that is off; back again, the whole gap is what it is compared with. */
    LOOKS(&yields,
          { 0, .no_psi = true, .distress = true, .current = 1024, .want = 896, .reason = DISTRESS },
          { 1000, .no_psi = true, .distress = true, .current = 896, .full_ms = 900000, .want = 784,
            .reason = DISTRESS },
          { 2000, .distress = true, .current = 784, .full_ms = 900000, .want = 686,
            .reason = DISTRESS },
          { 3000, .no_psi = true, .distress = true, .current = 600, .want = 600.25,
            .reason = DISTRESS },
          { 4000, .distress = true, .current = 600, .full_ms = 901000, .want = 525.21875,
            .reason = DISTRESS });
    /* A unit without a limit of ours stalls for its own reasons. */
    LOOKS(&yields, { 0, .current = 1024, .want = NONE, .reason = CALM },
          { 1000, .current = 1024, .full_ms = 1000, .want = NONE, .reason = CALM },
          { 2000, .distress = true, .current = 1024, .full_ms = 2000, .want = 896,
            .reason = DISTRESS });
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

static void a_cap_on_the_page_cache(void **state)
{
    LimitState s = { 0 };
    LimitConfig config = { .mode = LIMIT_OFF, .cache_max = 100 * MIB };
    Sample sample = { .at_usec = AT0,
                      .current = 400 * MIB,
                      .file = 300 * MIB,
                      .anon = 100 * MIB,
                      .high = LIMIT_NONE,
                      .memory_psi.valid = true };

    LimitDecision d = decide(&s, &config, &sample, false);
    assert_int_equal(d.reason, LIMIT_REASON_CACHE);
    assert_int_equal(d.want, 216 * MIB);
    assert_int_equal(d.reclaim, 200 * MIB);
    /* It moves with the rest: up at once, down by no less than a step. */
    sample.at_usec += USEC_PER_SEC;
    sample.anon = 110 * MIB;
    sample.file = 100 * MIB;
    sample.current = 210 * MIB;
    d = decide(&s, &config, &sample, false);
    assert_int_equal(d.want, 226 * MIB);
    assert_int_equal(d.reclaim, 0);
    sample.at_usec += USEC_PER_SEC;
    sample.anon = 100 * MIB;
    sample.current = 200 * MIB;
    assert_int_equal(decide(&s, &config, &sample, false).want, 226 * MIB);
    /* Beside another mode the lower one holds. */
    config.mode = LIMIT_FIXED;
    config.value = 200 * MIB;
    d = decide(&s, &config, &sample, false);
    assert_int_equal(d.reason, LIMIT_REASON_FIXED);
    assert_int_equal(d.want, 200 * MIB);
    config.value = 300 * MIB;
    assert_int_equal(decide(&s, &config, &sample, false).reason, LIMIT_REASON_CACHE);
    /* What cannot be reclaimed is below no cap, and without pressure figures there is none. */
    sample.unevictable = 90 * MIB;
    sample.file = 290 * MIB;
    sample.current = 390 * MIB;
    assert_true(decide(&s, &config, &sample, false).want >= limit_floor(&sample, 0));
    config.mode = LIMIT_OFF;
    sample.memory_psi.valid = false;
    d = decide(&s, &config, &sample, false);
    assert_int_equal(d.reason, LIMIT_REASON_NO_PSI);
    assert_true(d.want == LIMIT_NONE && d.reclaim == 0);
}

static void another_policy_begins_anew(void **state)
{
    static const LimitMode between[] = { LIMIT_OFF, LIMIT_FIXED };

    for (size_t i = 0; i < ELEMENTS(between); i++) {
        LimitState s = { 0 };
        Sample sample = { .at_usec = AT0, .current = GIB };
        LimitConfig other = { .mode = between[i], .value = 2 * GIB };

        assert_int_equal(decide(&s, &yields, &sample, true).want, 896 * MIB);
        sample.at_usec += USEC_PER_MSEC;
        assert_int_equal(decide(&s, &other, &sample, true).reason,
                         between[i] == LIMIT_OFF ? LIMIT_REASON_OFF : LIMIT_REASON_FIXED);
        sample.at_usec += USEC_PER_MSEC;
        LimitDecision d = decide(&s, &yields, &sample, false);
        assert_int_equal(d.reason, LIMIT_REASON_CALM);
        assert_true(d.want == LIMIT_NONE);
        assert_int_equal(decide(&s, &yields, &sample, true).want, 896 * MIB);
    }
}

static void another_value_is_taken_at_once(void **state)
{
    LimitState s = { 0 };
    Sample sample = { .at_usec = AT0, .anon = 284 * MIB };
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

static void absurd_samples_do_not_wrap(void **state)
{
    LimitState s = { 0 };
    Sample sample = { .at_usec = AT0, .current = UINT64_MAX };

    for (unsigned i = 0; i < 100; i++) {
        sample.at_usec += 2 * USEC_PER_SEC;
        sample.anon = i % 7 == 6 ? UINT64_MAX : 0;
        LimitDecision d = decide(&s, &yields, &sample, i < 50);
        assert_true(d.want >= limit_floor(&sample, 0));
    }
    assert_false(s.squeezed);
}

static void reasons_have_names(void **state)
{
    for (LimitReason reason = LIMIT_REASON_OFF; reason <= LIMIT_REASON_SLOW_DISK; reason++) {
        assert_non_null(limit_reason_to_string(reason));
        for (LimitReason other = LIMIT_REASON_OFF; other < reason; other++)
            assert_string_not_equal(limit_reason_to_string(reason), limit_reason_to_string(other));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(off_leaves_it_alone),
        cmocka_unit_test(fixed_is_what_the_policy_says),
        cmocka_unit_test(a_wavering_floor_is_not_followed_by_the_page),
        cmocka_unit_test(calm_means_no_limit),
        cmocka_unit_test(distress_takes_an_eighth_a_second),
        cmocka_unit_test(small_steps_do_not_show),
        cmocka_unit_test(never_below_the_minimum),
        cmocka_unit_test(never_below_what_cannot_be_reclaimed),
        cmocka_unit_test(nothing_to_gain_at_the_floor),
        cmocka_unit_test(calm_gives_back_a_quarter_every_two_seconds),
        cmocka_unit_test(distress_that_comes_back_squeezes_again),
        cmocka_unit_test(a_stalled_unit_is_let_go),
        cmocka_unit_test(what_is_no_stall),
        cmocka_unit_test(a_fixed_limit_is_let_go_when_the_unit_stalls),
        cmocka_unit_test(a_hold_grows),
        cmocka_unit_test(a_cap_on_the_page_cache),
        cmocka_unit_test(another_policy_begins_anew),
        cmocka_unit_test(another_value_is_taken_at_once),
        cmocka_unit_test(absurd_samples_do_not_wrap),
        cmocka_unit_test(reasons_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
