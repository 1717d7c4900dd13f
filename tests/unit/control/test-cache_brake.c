/* SPDX-License-Identifier: MIT */
#include "control/cache_brake.h"

#include "control/limit.h"
#include "unit/test.h"
#include "util/cleanup.h"

#define AT0 (1000 * USEC_PER_SEC)
#define CAP (256 * MIB) /* and so a margin of 32 MiB, in steps of 8 */

/* One look: milliseconds since AT0; MiB; how often it has met the brake since AT0. */
typedef struct Look {
    uint64_t at_ms;
    uint64_t other, cache;
    uint64_t met;
    uint64_t want; /* MiB; 0: none */
    LimitReason reason;
    bool rests, no_psi; /* the cap; the kernel */
    uint64_t swap_free, swap_max, swap_current;
    uint64_t min;
} Look;

static void run_looks(const char *file, int line, LimitState *state, const Look *looks, size_t n)
{
    const LimitConfig config = { .mode = LIMIT_BRAKE, .value = CAP };

    for (size_t i = 0; i < n; i++) {
        const Look *look = &looks[i];
        uint64_t limit = state->brake.limit, want = look->want == 0 ? LIMIT_NONE : look->want * MIB;
        const LimitContext context = {
            .capped = !look->rests,
            .swap_free = look->swap_free * MIB,
        };
        const Sample sample = {
            .at_usec = AT0 + look->at_ms * USEC_PER_MSEC,
            .current = (look->other + look->cache) * MIB,
            .high = limit > 0 ? limit : LIMIT_NONE,
            .min = look->min * MIB,
            .swap_max = look->swap_max * MIB,
            .swap_current = look->swap_current * MIB,
            .anon = look->other * MIB,
            .active_file = look->cache / 2 * MIB,
            .inactive_file = (look->cache - look->cache / 2) * MIB,
            .events_high = look->met,
            .memory_psi.valid = !look->no_psi,
        };
        LimitDecision d = limit_decide(state, &config, &context, &sample);
        assert_int_equal(d.reclaim, 0);
        if (d.want != want || d.reason != look->reason)
            fail_msg("%s:%d: look %zu: %.2f MiB (%s), not %.2f (%s)", file, line, i,
                     (double)d.want / (double)MIB, limit_reason_to_string(d.reason),
                     (double)want / (double)MIB, limit_reason_to_string(look->reason));
    }
}

#define LOOKS(state, ...)                                               \
    do {                                                                \
        const Look looks_[] = { __VA_ARGS__ };                          \
        run_looks(__FILE__, __LINE__, state, looks_, ELEMENTS(looks_)); \
    } while (0)

#define BRAKE  LIMIT_REASON_BRAKE
#define GROWTH LIMIT_REASON_GROWTH
#define HOLD   LIMIT_REASON_HOLD
#define NO_CAP LIMIT_REASON_NO_CAP
#define STALL  LIMIT_REASON_STALL
#define SWAP   LIMIT_REASON_SWAP

static void it_leaves_a_margin(void **state)
{
    assert_int_equal(brake_margin(0), 16 * MIB);
    assert_int_equal(brake_margin(128 * MIB), 16 * MIB);
    assert_int_equal(brake_margin(256 * MIB), 32 * MIB);
    assert_int_equal(brake_margin(2 * GIB), 256 * MIB);
}

static void it_stands_above_the_rest(void **state)
{
    LimitState s = { 0 };

    /* Not below what is in use: the cap takes that first. */
    LOOKS(&s, { 0, 100, 289, .reason = HOLD }, { 100, 100, 288, 0, 396, BRAKE },
          { 200, 100, 10, 0, 396, BRAKE },
          /* what it grows by has room, and then some, */
          { 1200, 108, 250, 0, 396, BRAKE }, { 2200, 109, 250, 0, 406, GROWTH },
          /* by as much as it grows in a second, and no more than the cap */
          { 2300, 117, 250, 0, 406, BRAKE }, { 2400, 125, 250, 0, 501, GROWTH },
          { 2500, 225, 250, 0, 777, GROWTH });
}

static void it_comes_down_late(void **state)
{
    LimitState s = { 0 };

    LOOKS(&s, { 0, 100, 200, 0, 396, BRAKE }, { 1000, 110, 200, 0, 416, GROWTH },
          { 20999, 100, 200, 0, 416, BRAKE }, { 21000, 100, 200, 0, 396, BRAKE },
          /* for no less than a step, */
          { 61000, 92, 200, 0, 396, BRAKE }, { 61001, 91, 200, 0, 387, BRAKE },
          /* and not below what is in use */
          { 99000, 50, 297, 0, 387, BRAKE }, { 99100, 50, 296, 0, 346, BRAKE });
}

static void what_is_no_cache_is_let_go(void **state)
{
    LimitState s = { 0 };

    LOOKS(&s, { 0, 100, 256, 0, 396, BRAKE },
          /* a reader met it, */
          { 500, 131, 265, 100, 489, GROWTH },
          /* a burst did not, and then it did */
          { 600, 163, 265, 100, 489, BRAKE }, { 700, 195, 500, 101, .reason = STALL },
          { 30699, 195, 200, 101, .reason = STALL },
          /* and after the hold it is seen for a while that nothing is against it */
          { 30700, 195, 200, 101, .reason = HOLD }, { 40698, 195, 200, 101, .reason = HOLD },
          { 40699, 195, 200, 101, 491, BRAKE },
          /* longer each time */
          { 40800, 295, 200, 102, .reason = STALL }, { 100799, 295, 200, 102, .reason = STALL },
          { 100800, 295, 200, 102, .reason = HOLD });
}

static void another_cgroup_has_not_grown(void **state)
{
    LimitState s = { 0 };

    LOOKS(&s, { 0, 100, 200, 10, 396, BRAKE }, { 100, 140, 200, 5, 436, GROWTH });
}

static void where_there_is_none(void **state)
{
    LimitState s = { 0 };

    LOOKS(&s, { 0, 100, 200, .reason = NO_CAP, .rests = true }, { 9999, 100, 200, .reason = HOLD },
          { 10000, 100, 200, 0, 396, BRAKE },
          { 10100, 100, 200, .reason = LIMIT_REASON_NO_PSI, .no_psi = true },
          { 20099, 100, 200, .reason = HOLD }, { 20100, 100, 200, 0, 396, BRAKE });

    /* What could be swapped out; not where the swap is full, or the unit may have none or no more.
     */
    s = (LimitState){ 0 };
    LOOKS(&s, { 0, 100, 200, .reason = SWAP, .swap_free = 1, .swap_max = 50, .swap_current = 49 },
          { 10000, 100, 200, 0, 396, BRAKE, .swap_free = 1, .swap_max = 50, .swap_current = 50 },
          { 10100, 100, 200, 0, 396, BRAKE, .swap_free = 1 },
          { 10200, 100, 200, 0, 396, BRAKE, .swap_max = 50 });
}

static void free_swap_that_is_not_known(void **state)
{
    const LimitConfig config = { .mode = LIMIT_BRAKE, .value = CAP };
    const LimitContext context = { .capped = true, .swap_free = LIMIT_SWAP_UNKNOWN };
    const Sample sample = {
        .at_usec = AT0,
        .current = 300 * MIB,
        .high = LIMIT_NONE,
        .anon = 100 * MIB,
        .inactive_file = 200 * MIB,
        .swap_max = LIMIT_NONE,
        .memory_psi.valid = true,
    };
    LimitState s = { 0 };

    assert_int_equal(limit_decide(&s, &config, &context, &sample).reason, SWAP);
}

static void never_below_the_floor(void **state)
{
    LimitState s = { 0 };

    LOOKS(&s, { 0, 100, 200, 0, 1008, BRAKE, .min = 1000 });
}

/* What grows is looked at again before the interval is over. */
static void the_next_look(void **state)
{
    static const LimitContext context = { .capped = true };
    BrakeState brake = { 0 };
    Sample sample = { .at_usec = AT0, .current = 100 * MIB };

    for (uint64_t mib = 0; mib < 20; mib++) {
        sample.at_usec += USEC_PER_SEC;
        sample.current += mib * MIB;
        LimitDecision d = brake_decide(&brake, CAP, &context, &sample, LIMIT_REASON_OFF);
        assert_int_equal(d.next_usec, mib > 8 ? sample.at_usec + BRAKE_LOOK_USEC : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_leaves_a_margin),
        cmocka_unit_test(it_stands_above_the_rest),
        cmocka_unit_test(it_comes_down_late),
        cmocka_unit_test(what_is_no_cache_is_let_go),
        cmocka_unit_test(another_cgroup_has_not_grown),
        cmocka_unit_test(where_there_is_none),
        cmocka_unit_test(free_swap_that_is_not_known),
        cmocka_unit_test(never_below_the_floor),
        cmocka_unit_test(the_next_look),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
