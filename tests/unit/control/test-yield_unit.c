/* SPDX-License-Identifier: MIT */
/* One unit that yields. */
#include "control/yield.h"

#include "control/floor.h"
#include "control/limit.h"
#include "unit/control/yielding.h"
#include "util/cleanup.h"

/* One look at a unit alone: milliseconds since AT0, MiB, milliseconds of "full" stall in all. */
typedef struct Look {
    uint64_t at_ms;
    bool distress;
    uint64_t current;
    uint64_t anon;
    uint64_t full_ms;
    bool no_psi;
    double want; /* MiB; NONE */
    LimitReason reason;
} Look;

#define NONE -1.0

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
            .inactive_file = (look->current - look->anon) * MIB,
            .high = LIMIT_NONE,
            .memory_psi = { .valid = !look->no_psi, .full_usec = look->full_ms * USEC_PER_MSEC },
        };
        const LimitContext context = { .distress = look->distress };
        LimitDecision d = limit_decide(&state, config, &context, &sample);
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

static void calm_means_no_limit(void **state)
{
    LOOKS(&yields_to_512, { 0, .current = 1024, .want = NONE, .reason = CALM },
          { 1000, .current = 4096, .want = NONE, .reason = CALM });
}

static void distress_freezes_and_then_takes_an_eighth_a_second(void **state)
{
    LOOKS(&yields_to_512, { 0, .distress = true, .current = 1024, .want = 1024, .reason = FREEZE },
          { 500, .distress = true, .current = 1024, .want = 1024, .reason = HOLD },
          { 1000, .distress = true, .current = 1024, .want = 896, .reason = DISTRESS },
          { 1999, .distress = true, .current = 900, .want = 896, .reason = HOLD },
          { 2000, .distress = true, .current = 896, .want = 784, .reason = DISTRESS },
          /* One step, however late the look. */
          { 9000, .distress = true, .current = 784, .want = 686, .reason = DISTRESS },
          { 9900, .distress = true, .current = 784, .want = 686, .reason = HOLD });
}

static void small_steps_do_not_show(void **state)
{
    LOOKS(&yields_all, { 0, .distress = true, .current = 60, .want = 60, .reason = FREEZE },
          { 1000, .distress = true, .current = 60, .want = 44, .reason = DISTRESS },
          { 2000, .distress = true, .current = 44, .want = 28, .reason = DISTRESS },
          { 3000, .distress = true, .current = 28, .want = 16, .reason = AT_MIN },
          { 4000, .distress = true, .current = 16, .want = 16, .reason = AT_MIN });
}

static void never_below_the_floor(void **state)
{
    LOOKS(&yields_to_512, { 0, .distress = true, .current = 600, .want = 600, .reason = FREEZE },
          { 1000, .distress = true, .current = 600, .want = 525, .reason = DISTRESS },
          { 2000, .distress = true, .current = 525, .want = 512, .reason = AT_MIN },
          /* Anonymous memory that grows lifts the limit at once; that it wavers is no step. */
          { 2100, .distress = true, .current = 525, .anon = 510, .want = 526, .reason = AT_MIN },
          { 3100, .distress = true, .current = 525, .anon = 500, .want = 526, .reason = AT_MIN },
          { 4100, .current = 525, .anon = 600, .want = 616, .reason = HOLD });
    /* Nothing to gain from a unit that has no more. */
    LOOKS(&yields_to_512, { 0, .distress = true, .current = 512, .want = NONE, .reason = AT_MIN },
          { 1000, .distress = true, .current = 900, .anon = 884, .want = NONE, .reason = AT_MIN },
          { 2000, .distress = true, .current = 513, .want = 513, .reason = FREEZE },
          { 3000, .distress = true, .current = 513, .want = 512, .reason = AT_MIN });
}

static void calm_gives_back_a_quarter_every_two_seconds(void **state)
{
    LOOKS(&yields_all, { 0, .distress = true, .current = 1024, .want = 1024, .reason = FREEZE },
          { 1000, .distress = true, .current = 1024, .want = 896, .reason = DISTRESS },
          { 2000, .distress = true, .current = 500, .want = 784, .reason = DISTRESS },
          { 3000, .current = 500, .want = 784, .reason = HOLD },
          { 4999, .current = 500, .want = 784, .reason = HOLD },
          { 5000, .current = 500, .want = 980, .reason = RETURN },
          { 6999, .current = 500, .want = 980, .reason = HOLD },
          /* 1,225 MiB is what it had and more. */
          { 7000, .current = 500, .want = NONE, .reason = CALM },
          { 7001, .current = 2000, .want = NONE, .reason = CALM });
}

static void one_that_pushes_is_kept_from_where_distress_came_back(void **state)
{
    LOOKS(&yields_all, { 0, .distress = true, .current = 1024, .want = 1024, .reason = FREEZE },
          { 500, .current = 1024, .want = 1024, .reason = HOLD },
          { 9999, .current = 1024, .want = 1024, .reason = HOLD },
          /* A little, which shows in five seconds. */
          { 10000, .current = 1024, .want = 1056, .reason = RETURN },
          { 14999, .current = 1056, .want = 1056, .reason = HOLD },
          { 15000, .current = 1056, .want = 1089, .reason = RETURN },
          /* What did no harm stays; and not more than that for twice as long. */
          { 15500, .distress = true, .current = 1089, .want = 1056, .reason = HOLD },
          { 16000, .current = 1056, .want = 1056, .reason = HOLD },
          { 35499, .current = 1056, .want = 1056, .reason = HOLD },
          { 35500, .current = 1056, .want = 1089, .reason = RETURN },
          { 36000, .distress = true, .current = 1089, .want = 1056, .reason = HOLD },
          { 37000, .current = 1056, .want = 1056, .reason = HOLD },
          { 75999, .current = 1056, .want = 1056, .reason = HOLD },
          { 76000, .current = 1056, .want = 1089, .reason = RETURN });
}

static void a_stalled_unit_is_let_go(void **state)
{
    LOOKS(
        &yields_all, { 0, .distress = true, .current = 1024, .want = 1024, .reason = FREEZE },
        { 1000, .distress = true, .current = 1024, .full_ms = 500, .want = 896,
          .reason = DISTRESS },
        { 2000, .distress = true, .current = 896, .full_ms = 1001, .want = NONE, .reason = STALL },
        { 3000, .distress = true, .current = 900, .full_ms = 1001, .want = NONE, .reason = STALL },
        { 3500, .current = 900, .full_ms = 1001, .want = NONE, .reason = CALM },
        { 31999, .distress = true, .current = 900, .full_ms = 1001, .want = NONE, .reason = STALL },
        { 32000, .distress = true, .current = 1024, .full_ms = 1001, .want = 1024,
          .reason = FREEZE },
        /* The next time, for longer. */
        { 33000, .distress = true, .current = 1024, .full_ms = 1801, .want = NONE,
          .reason = STALL },
        { 92999, .distress = true, .current = 900, .full_ms = 1801, .want = NONE, .reason = STALL },
        { 93000, .distress = true, .current = 900, .full_ms = 1801, .want = 900,
          .reason = FREEZE });
    /* Half of the time; too short a look; no limit of ours. */
    LOOKS(&yields_all, { 0, .distress = true, .current = 1024, .want = 1024, .reason = FREEZE },
          { 499, .distress = true, .current = 1024, .full_ms = 499, .want = 1024, .reason = HOLD },
          { 998, .distress = true, .current = 1024, .full_ms = 499, .want = 1024, .reason = HOLD });
    LOOKS(&yields_all, { 0, .current = 1024, .want = NONE, .reason = CALM },
          { 1000, .current = 1024, .full_ms = 1000, .want = NONE, .reason = CALM },
          { 2000, .distress = true, .current = 1024, .full_ms = 2000, .want = 1024,
            .reason = FREEZE });
}

static void without_pressure_figures_nobody_is_squeezed(void **state)
{
    LOOKS(&yields_all,
          { 0, .no_psi = true, .distress = true, .current = 1024, .want = NONE, .reason = NO_PSI },
          { 1000, .distress = true, .current = 1024, .want = 1024, .reason = FREEZE },
          { 2000, .no_psi = true, .distress = true, .current = 1024, .want = NONE,
            .reason = NO_PSI });
}

static void absurd_samples_do_not_wrap(void **state)
{
    LimitState s = { 0 };
    Sample sample = { .at_usec = AT0, .current = UINT64_MAX, .memory_psi.valid = true };

    for (unsigned i = 0; i < 200; i++) {
        const LimitContext context = { .distress = i < 50 };
        sample.at_usec += 2 * USEC_PER_SEC;
        sample.anon = i % 7 == 6 ? UINT64_MAX : 0;
        LimitDecision d = limit_decide(&s, &yields_all, &context, &sample);
        assert_true(d.want >= limit_floor(&sample, 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calm_means_no_limit),
        cmocka_unit_test(distress_freezes_and_then_takes_an_eighth_a_second),
        cmocka_unit_test(small_steps_do_not_show),
        cmocka_unit_test(never_below_the_floor),
        cmocka_unit_test(calm_gives_back_a_quarter_every_two_seconds),
        cmocka_unit_test(one_that_pushes_is_kept_from_where_distress_came_back),
        cmocka_unit_test(a_stalled_unit_is_let_go),
        cmocka_unit_test(without_pressure_figures_nobody_is_squeezed),
        cmocka_unit_test(absurd_samples_do_not_wrap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
