/* SPDX-License-Identifier: MIT */
/* What the floor of `track` is made of: the policy's min, memory.min, and room for a burst like the
 * last one, also where nothing of it is left and all else would go. */
#include <inttypes.h>

#include "sim/track_run.h"
#include "unit/test.h"
#include "util/cleanup.h"

#define PLANTS (TRACK_PLANTS / 25)
/* A burst lasts for five seconds, and fades over two minutes: what is left of it after half a
 * minute, less what the level has followed. */
#define EVERY_SECONDS 60.0
#define BURST_SECONDS 5
#define SOON_SECONDS  30
#define SOON_SHARE    0.7

typedef struct Seen {
    unsigned limited, at_min, after_burst;
} Seen;

static void run_one(uint64_t number, Seen *seen)
{
    LimitConfig config = track_config;
    TrackRun run;
    Dice dice = dice_new(number);

    if (dice_chance(&dice, 0.5))
        config.min = (uint64_t)dice_between(&dice, 0, 600 * MB);
    track_run_init(&run, &law_ours, &config, number, PHASED);
    Unit *unit = &run.units[0];
    if (dice_chance(&dice, 0.5))
        unit->min = dice_between(&dice, 0, 600 * MB);
    unit->anon_rate = fmax(unit->anon_rate, 400 * MB);
    double burst = dice_spread(&dice, 20, 400) * MB, usual = unit->anon_want;

    while (run.host.now < 180) {
        double since = fmod(run.host.now, EVERY_SECONDS) - EVERY_SECONDS / 2;
        unit->anon_want = usual + (since >= 0 && since < BURST_SECONDS ? burst : 0);
        track_run_until(&run, run.host.now + STEP / 2);
        double limit = unit->high;
        if (isinf(limit))
            continue;
        seen->limited++;
        seen->at_min += limit < 1.1 * fmax(unit->min, (double)config.min);
        if (limit < fmax(unit->min, (double)config.min))
            fail_msg("plant %" PRIu64 ", %.2f s: %.1f MB are below what is asked for", number,
                     run.host.now, limit / MB);
        if (since < BURST_SECONDS + 2 || since > SOON_SECONDS)
            continue;
        seen->after_burst++;
        if (limit < unit_fixed(unit) + SOON_SHARE * burst)
            fail_msg("plant %" PRIu64 ", %.2f s: %.1f MB are no room for %.1f and another burst of "
                     "%.1f",
                     number, run.host.now, limit / MB, unit_fixed(unit) / MB, burst / MB);
    }
}

static void nothing_goes_below_it(void **state)
{
    Seen seen = { 0 };

    for (uint64_t number = 1; number <= PLANTS; number++)
        run_one(number, &seen);
    printf("%d plants, %u steps under a limit, %u near the least, %u soon after a burst\n", PLANTS,
           seen.limited, seen.at_min, seen.after_burst);
    /* They went where they were meant to go. */
    assert_true(seen.at_min > 100 * PLANTS && seen.after_burst > 100 * PLANTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_goes_below_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
