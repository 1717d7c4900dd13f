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
               yield_world_kept(&w), w.shops[0].episodes, w.units[0].refaults);
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
    printf("an hour: %u episodes, never less than %.0f of 256 MB, %.0f refaults\n",
           w.shops[0].episodes, least, w.units[0].refaults);
    assert_true(w.shops[0].episodes <= 20);
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
    assert_true(w.shops[0].distress.reason != DISTRESS_NONE);
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

/* Two critical services */

/* Reads its file fast enough to have it back within seconds, if there is room. */
static void begin_helpable(Unit *unit)
{
    unit->read_latency = 20e-6;
    pages_set(&unit->pages[0], SHOP_FILE, 0.5, SHOP_FILE, AGES / 2);
}

/* What it reads does not fit below its own limit, whatever others give up. */
static void begin_hopeless(Unit *unit)
{
    unit->read_latency = 20e-6;
    unit->tasks = 4;
    unit_set_high(unit, 60 * MB);
    pages_set(&unit->pages[0], 2000 * MB, 0.1, 56 * MB, 0);
    unit->pages[0].shadow = 1944 * MB;
}

/* Reads all of its cache again and again, so that it stays, and others' does not. */
static void begin_competitor(Unit *unit, double size)
{
    unit->tasks = 8;
    pages_set(&unit->pages[0], size, 1, size, 0);
}

/* The share of the time for which the helpable one stalls beside the other: of the first minute,
 * and of the five before the tenth. */
typedef struct Shares {
    double soon, late;
} Shares;

static Shares contest(bool hopeless, bool slices)
{
    YieldWorld w;

    yield_world_init(&w, 1);
    yield_world_add(&w);
    if (hopeless)
        begin_hopeless(&w.units[0]);
    begin_helpable(&w.units[OTHER]);
    begin_competitor(&w.units[2], 800 * MB);
    if (slices) {
        begin_competitor(&w.units[1], 900 * MB);
        yield_world_split(&w, 1024 * MB, 1024 * MB);
    }
    yield_world_run(&w, 60);
    double soon = w.units[OTHER].memory_some, begin = w.units[0].memory_some;
    yield_world_run(&w, 300);
    double before = w.units[OTHER].memory_some;
    yield_world_run(&w, 600);
    Shares shares = { soon / 60, (w.units[OTHER].memory_some - before) / 300 };
    printf("%s%s: stalled for %.2f %%, later %.2f %%\n", slices ? "two slices" : "one host",
           hopeless ? ", beside one that nothing helps" : "", 100 * shares.soon, 100 * shares.late);
    assert_int_equal(w.shops[0].hopeless, hopeless);
    assert_true(!hopeless || begin > 20);
    assert_false(w.shops[1].hopeless);
    return shares;
}

static void one_whom_nothing_helps_takes_nothing_from_another(void **state)
{
    for (unsigned slices = 0; slices < 2; slices++) {
        Shares bare = contest(false, slices), beside = contest(true, slices);

        assert_true(beside.soon < bare.soon + 0.02);
        assert_true(beside.late < bare.late + 0.02);
    }
}

/* Each of two slices has a service that suffers, and a competitor, one larger than the other. */
static void in_two_slices_neither_waits_for_the_other(void **state)
{
    YieldWorld w;

    yield_world_init(&w, 1);
    yield_world_add(&w);
    begin_helpable(&w.units[0]);
    begin_helpable(&w.units[OTHER]);
    begin_competitor(&w.units[1], 4000 * MB);
    begin_competitor(&w.units[2], 500 * MB);
    yield_world_split(&w, 4100 * MB, 500 * MB);
    while (w.reasons[1] != LIMIT_REASON_DISTRESS && w.host.now < 5)
        yield_world_run(&w, w.host.now + STEP);
    printf("the smaller one is squeezed after %.1f s, with %.0f MB of the larger left\n",
           w.host.now, unit_use(&w.units[1]) / MB);
    assert_true(w.host.now < 2);
}

/* A slow reader beside a stream, in a slice of its own: what it loses within five minutes, pages.
 */
static double lost_beside(bool hopeless)
{
    YieldWorld w;

    yield_world_init(&w, 1);
    yield_world_add(&w);
    if (hopeless) {
        begin_hopeless(&w.units[0]);
        begin_competitor(&w.units[1], 900 * MB);
    }
    pages_set(&w.units[OTHER].pages[0], SHOP_FILE, 50 * 4096 / SHOP_FILE, SHOP_FILE, AGES / 2);
    w.units[2].stream_rate = 140 * MB;
    yield_world_split(&w, 1024 * MB, 1024 * MB);
    yield_world_run(&w, 300);
    assert_int_equal(w.shops[0].hopeless, hopeless);
    printf("beside a stream%s: %.0f pages lost\n",
           hopeless ? ", and one in another slice that nothing helps" : "", w.units[OTHER].taken);
    return w.units[OTHER].taken;
}

/* Else what the stream may have would be given back as what is in vain. */
static void one_whom_nothing_helps_is_no_reason_elsewhere(void **state)
{
    assert_true(lost_beside(true) <= 1.1 * lost_beside(false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cache_is_kept_before_it_is_gone),
        cmocka_unit_test(beside_a_steady_stream_there_are_few_episodes),
        cmocka_unit_test(who_does_not_compete_is_left_alone),
        cmocka_unit_test(what_does_not_help_ends),
        cmocka_unit_test(the_largest_cold_cache_comes_first),
        cmocka_unit_test(one_whom_nothing_helps_takes_nothing_from_another),
        cmocka_unit_test(in_two_slices_neither_waits_for_the_other),
        cmocka_unit_test(one_whom_nothing_helps_is_no_reason_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
