/* SPDX-License-Identifier: MIT */
/* `yield` in a closed loop: a critical service that reads single pages of a file, and background
 * units beside it that stream, on a host of 1 GiB. */
#include <math.h>
#include <stdio.h>

#include "sim/yield_world.h"
#include "unit/test.h"
#include "util/cleanup.h"

static void the_cache_is_kept_before_it_is_gone(void **state)
{
    static const double rates[] = { 50, 1000, 4000 };

    for (size_t i = 0; i < ELEMENTS(rates); i++) {
        YieldWorld w;

        yield_world_init(&w, rates[i]);
        w.units[1].stream_rate = 140 * MB;
        yield_world_run(&w, 40);
        printf("%.0f/s: %.0f of 256 MB kept, %u episodes, %.0f refaults\n", rates[i],
               yield_world_kept(&w), w.episodes, w.units[0].refaults);
        assert_true(yield_world_kept(&w) >= 0.97 * 256);
        /* And no longer than it has to be. */
        w.stopped = true;
        double before = w.host.now;
        yield_world_run(&w, before + 30);
        assert_true(isinf(w.units[1].high));
    }
}

static void beside_a_steady_stream_there_are_few_episodes(void **state)
{
    YieldWorld w;

    yield_world_init(&w, 50);
    w.units[1].stream_rate = 140 * MB;
    double least = INFINITY;
    for (unsigned minute = 1; minute <= 60; minute++) {
        yield_world_run(&w, 60.0 * minute);
        least = fmin(least, yield_world_kept(&w));
    }
    printf("an hour: %u episodes, never less than %.0f of 256 MB, %.0f refaults\n", w.episodes,
           least, w.units[0].refaults);
    assert_true(w.episodes <= 20);
    assert_true(least > 0.95 * 256);
    /* Once it ends, all is given back but the limit that costs nothing. */
    w.units[1].stream_rate = 0;
    yield_world_run(&w, 3600 + 900);
    assert_int_equal(w.reasons[0], LIMIT_REASON_ROOM);
    assert_true(w.units[1].high > unit_use(&w.units[1]));
}

static void who_does_not_compete_is_left_alone(void **state)
{
    YieldWorld w;

    yield_world_init(&w, 4000);
    w.host.size = 64 * 1024 * MB;
    w.in_slice = true;
    unit_set_high(&w.units[0], 250 * MB);
    w.units[1].stream_rate = w.units[2].stream_rate = 70 * MB;
    w.competes[1] = false;
    yield_world_run(&w, 5);
    assert_false(isinf(w.units[1].high));
    assert_true(isinf(w.units[2].high));
}

/* The service is at a limit of its own, so that nobody else's memory helps it. */
static void what_does_not_help_ends(void **state)
{
    YieldWorld w;

    yield_world_init(&w, 4000);
    w.host.size = 64 * 1024 * MB;
    w.in_slice = true;
    unit_set_high(&w.units[0], 250 * MB);
    pages_set(&w.units[1].pages[0], 600 * MB, 0, 600 * MB, AGES);
    yield_world_run(&w, 5);
    assert_true(w.distress.reason != DISTRESS_NONE);
    yield_world_run(&w, 25);
    printf("no help: %.0f of 600 MB left, %u looks at it\n", unit_file(&w.units[1]) / MB,
           w.no_help);
    assert_true(w.no_help > 0);
    assert_true(unit_file(&w.units[1]) > 200 * MB);
    /* It is tried again, later each time: hardly ever in the end. */
    unsigned steps = 0;
    yield_world_run(&w, 1800);
    while (w.host.now < 3600) {
        yield_world_run(&w, w.host.now + 1);
        steps += w.reasons[0] == LIMIT_REASON_DISTRESS;
    }
    printf("%u looks with a further step in half an hour\n", steps);
    assert_true(steps <= 20);
    assert_true(isinf(w.units[1].high));
}

static void the_largest_cold_cache_comes_first(void **state)
{
    YieldWorld w;

    yield_world_init(&w, 2000);
    pages_set(&w.units[1].pages[0], 100 * MB, 0, 100 * MB, AGES);
    pages_set(&w.units[2].pages[0], 400 * MB, 0, 400 * MB, AGES);
    pages_set(&w.units[0].pages[1], 300 * MB, 0.2, 0, 0);
    w.units[0].pages[1].shadow = 300 * MB; /* and it has to read it again */
    while (w.reasons[1] != LIMIT_REASON_DISTRESS && w.host.now < 30) {
        yield_world_run(&w, w.host.now + STEP);
        assert_int_not_equal(w.reasons[0], LIMIT_REASON_DISTRESS);
    }
    assert_int_equal(w.reasons[1], LIMIT_REASON_DISTRESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cache_is_kept_before_it_is_gone),
        cmocka_unit_test(beside_a_steady_stream_there_are_few_episodes),
        cmocka_unit_test(who_does_not_compete_is_left_alone),
        cmocka_unit_test(what_does_not_help_ends),
        cmocka_unit_test(the_largest_cold_cache_comes_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
