/* SPDX-License-Identifier: MIT */
/* Beside a stream whose cache is worth nothing, on slow machines and fast disks: a service that
 * reads 200 pages a second keeps its file, from the first second on, and hardly reads it again. */
#include <math.h>
#include <stdio.h>

#include "sim/yield_world.h"
#include "unit/test.h"
#include "util/cleanup.h"

#define SEEDS 200U

static YieldWorld world_of(unsigned seed)
{
    YieldWorld w;

    yield_world_init(&w, 200);
    w.dice = dice_new(seed);
    w.late = dice_spread(&w.dice, 0.01, 2);
    w.wavers = dice_spread(&w.dice, 1 * MB, 16 * MB);
    return w;
}

/* What was kept of the file, MiB, and the refaults: 45 s after the stream began, and 10 min. */
typedef struct Outcome {
    double rate, late;
    double kept_soon, refaults_soon, kept, refaults;
    unsigned episodes;
} Outcome;

static Outcome run(unsigned seed, bool lawless)
{
    YieldWorld w = world_of(seed);
    Outcome outcome;

    w.host.units = w.units;
    w.lawless = lawless;
    if (dice_chance(&w.dice, 0.5))
        yield_world_run(&w, dice_between(&w.dice, 4, 5));
    else /* units that start are looked at soon */
        w.next = dice_between(&w.dice, 0, 0.25);
    double began = w.host.now;
    w.units[1].stream_rate = dice_spread(&w.dice, 100 * MB, 2000 * MB);
    if (dice_chance(&w.dice, 0.3))
        w.units[2].stream_rate = w.units[1].stream_rate / 4;
    outcome.rate = w.units[1].stream_rate + w.units[2].stream_rate;
    outcome.late = w.late;
    yield_world_run(&w, began + 45);
    outcome.kept_soon = yield_world_kept(&w);
    outcome.refaults_soon = w.units[0].refaults;
    yield_world_run(&w, began + 600);
    outcome.kept = yield_world_kept(&w);
    outcome.refaults = w.units[0].refaults;
    outcome.episodes = w.shops[0].episodes;
    return outcome;
}

static void the_file_is_kept(void **state)
{
    unsigned bad = 0;

    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        Outcome bare = run(seed, true), o = run(seed, false);
        bool good = o.kept_soon >= 0.9 * 256 && o.kept >= 0.9 * 256 &&
                    o.refaults_soon * 20 <= bare.refaults_soon && o.refaults * 20 <= bare.refaults;

        if (!good && bad < 10)
            printf("seed %u, %.0f MB/s, looks %.2f s late: after 45 s %.0f MB kept, %.0f of %.0f "
                   "refaults; after 600 s %.0f MB kept, %.0f of %.0f; %u episodes\n",
                   seed, o.rate / MB, o.late, o.kept_soon, o.refaults_soon, bare.refaults_soon,
                   o.kept, o.refaults, bare.refaults, o.episodes);
        bad += !good;
    }
    printf("%u of %u lose more than a tenth, or have more than a 20th of the refaults\n", bad,
           SEEDS);
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
