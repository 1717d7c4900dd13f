/* SPDX-License-Identifier: MIT */
/* `yield` in a closed loop: a critical service that reads single pages of a file, and background
 * units beside it that stream, on a host of 1 GiB. */
#include <math.h>
#include <stdio.h>

#include "control/distress.h"
#include "control/floor.h"
#include "control/yield.h"
#include "sim/plant.h"
#include "unit/test.h"
#include "util/cleanup.h"

#define MB    1048576.0
#define UNITS 2 /* in the background */

typedef struct Loop {
    Unit units[1 + UNITS]; /* the first is critical */
    Host host;
    DistressState distress;
    LimitConfig config;
    YieldLaw law;
    YieldState states[UNITS];
    bool competes[UNITS], stopped;
    uint64_t want[UNITS];
    double next;
    double taken; /* by the host's reclaim and all others', pages, at the last look */
    uint64_t stolen;
    LimitReason reasons[UNITS];
    unsigned episodes, no_help;
} Loop;

static void loop_init(Loop *l, double reads_a_second)
{
    *l = (Loop){
        .host = { .size = 1024 * MB, .units = l->units, .n_units = 1 + UNITS },
        .config = { .mode = LIMIT_YIELD, .min = 64 * MIB },
    };
    unit_init(&l->units[0], 4 * MB);
    l->units[0].anon = l->units[0].anon_want = 120 * MB;
    pages_set(&l->units[0].pages[0], 256 * MB, reads_a_second / (256 * 256), 256 * MB, AGES / 2);
    for (size_t i = 0; i < UNITS; i++) {
        unit_init(&l->units[1 + i], 4 * MB);
        l->competes[i] = true;
        l->want[i] = LIMIT_NONE;
    }
}

static double kept(const Loop *l)
{
    return pages_resident(&l->units[0].pages[0]) / MB;
}

static double host_use(const Loop *l)
{
    double use = 0;

    for (size_t i = 0; i <= UNITS; i++)
        use += unit_use(&l->units[i]);
    return use;
}

static void apply(Loop *l, size_t i, const LimitDecision *d)
{
    Unit *unit = &l->units[1 + i];
    double high = d->want == LIMIT_NONE ? INFINITY : (double)d->want;

    if (d->reclaim > 0)
        (void)unit_reclaim(unit, (double)d->reclaim);
    if (d->want != l->want[i])
        unit_set_high(unit, isinf(high) ? high : fmax(high, unit_use(unit)));
    l->want[i] = d->want;
    l->reasons[i] = d->reason;
}

/* As the daemon does it: looks, and what is decided is done. */
static void look(Loop *l)
{
    const DistressConfig config = DISTRESS_CONFIG_DEFAULT;
    Sample critical = unit_sample(&l->units[0], l->host.now), samples[UNITS];
    YieldUnit units[UNITS];
    DistressReason before = l->distress.reason;
    DistressReason reason = l->stopped ? DISTRESS_NONE
                                       : distress_update(&l->distress, &config, &critical);
    YieldNeed need = {
        .at_usec = critical.at_usec,
        .running = !l->stopped,
        .distress = reason,
        .lost = distress_stolen(&l->distress) - l->stolen,
        .measured = true,
        .damage = yield_damage(&critical),
    };

    l->stolen = distress_stolen(&l->distress);
    l->episodes += before == DISTRESS_NONE && reason != DISTRESS_NONE;
    for (size_t i = 0; i < UNITS; i++) {
        samples[i] = unit_sample(&l->units[1 + i], l->host.now);
        units[i] = (YieldUnit){
            .config = &l->config,
            .sample = &samples[i],
            .competes = l->competes[i],
            .state = &l->states[i],
        };
    }
    yield_decide(&l->law, &need, units, UNITS);
    for (size_t i = 0; i < UNITS; i++) {
        const LimitDecision *d = &units[i].decision;
        assert_true(d->want >= limit_floor(&samples[i], l->config.min));
        assert_true(l->competes[i] || (d->want == LIMIT_NONE && d->reclaim == 0));
        l->no_help += d->reason == LIMIT_REASON_NO_HELP;
        apply(l, i, d);
    }
}

static void run_until(Loop *l, double end)
{
    while (l->host.now < end) {
        host_step(&l->host);
        if (l->host.now < l->next)
            continue;
        double taken = 0;
        for (size_t i = 0; i <= UNITS; i++)
            taken += l->units[i].taken;
        const YieldWatch watch = {
            .critical = !l->stopped,
            .background = true,
            .free = (uint64_t)fmax(l->host.size - host_use(l), 0),
            .total = (uint64_t)l->host.size,
            .reclaiming = taken - l->taken > 0.5,
            .interval_usec = USEC_PER_SEC,
        };
        l->taken = taken;
        look(l);
        l->next = l->host.now + (double)yield_look_usec(&watch) / 1e6;
    }
}

static void the_cache_is_kept_before_it_is_gone(void **state)
{
    static const double rates[] = { 50, 1000, 4000 };

    for (size_t i = 0; i < ELEMENTS(rates); i++) {
        Loop l;

        loop_init(&l, rates[i]);
        l.units[1].stream_rate = 140 * MB;
        run_until(&l, 40);
        printf("%.0f/s: %.0f of 256 MB kept, %u episodes, %.0f refaults\n", rates[i], kept(&l),
               l.episodes, l.units[0].refaults);
        assert_true(kept(&l) >= 0.97 * 256);
        /* And no longer than it has to be. */
        l.stopped = true;
        double before = l.host.now;
        run_until(&l, before + 30);
        assert_true(isinf(l.units[1].high));
    }
}

static void beside_a_steady_stream_there_are_few_episodes(void **state)
{
    Loop l;

    loop_init(&l, 50);
    l.units[1].stream_rate = 140 * MB;
    double least = INFINITY;
    for (unsigned minute = 1; minute <= 60; minute++) {
        run_until(&l, 60.0 * minute);
        least = fmin(least, kept(&l));
    }
    printf("an hour: %u episodes, never less than %.0f of 256 MB, %.0f refaults\n", l.episodes,
           least, l.units[0].refaults);
    assert_true(l.episodes > 1 && l.episodes <= 20);
    assert_true(least > 0.8 * 256);
    /* Once it ends, all is given back. */
    l.units[1].stream_rate = 0;
    run_until(&l, 3600 + 900);
    assert_true(isinf(l.units[1].high));
}

static void who_does_not_compete_is_left_alone(void **state)
{
    Loop l;

    loop_init(&l, 50);
    l.units[1].stream_rate = l.units[2].stream_rate = 70 * MB;
    l.competes[1] = false;
    run_until(&l, 60);
    assert_false(isinf(l.units[1].high));
    assert_true(isinf(l.units[2].high));
}

/* The service is at a limit of its own, so that nobody else's memory helps it. */
static void what_does_not_help_ends(void **state)
{
    Loop l;

    loop_init(&l, 4000);
    l.host.size = INFINITY;
    unit_set_high(&l.units[0], 250 * MB);
    pages_set(&l.units[1].pages[0], 600 * MB, 0, 600 * MB, AGES);
    run_until(&l, 5);
    assert_true(l.distress.reason != DISTRESS_NONE);
    run_until(&l, 25);
    printf("no help: %.0f of 600 MB left, %u looks at it\n", unit_file(&l.units[1]) / MB,
           l.no_help);
    assert_true(l.no_help > 0);
    assert_true(unit_file(&l.units[1]) > 200 * MB);
    /* It is tried again, later each time: hardly ever in the end. */
    unsigned steps = 0;
    run_until(&l, 1800);
    while (l.host.now < 3600) {
        run_until(&l, l.host.now + 1);
        steps += l.reasons[0] == LIMIT_REASON_DISTRESS;
    }
    printf("%u looks with a further step in half an hour\n", steps);
    assert_true(steps <= 20);
    assert_true(isinf(l.units[1].high));
}

static void the_largest_cold_cache_comes_first(void **state)
{
    Loop l;

    loop_init(&l, 2000);
    pages_set(&l.units[1].pages[0], 100 * MB, 0, 100 * MB, AGES);
    pages_set(&l.units[2].pages[0], 400 * MB, 0, 400 * MB, AGES);
    pages_set(&l.units[0].pages[1], 300 * MB, 0.2, 0, 0);
    l.units[0].pages[1].shadow = 300 * MB; /* and it has to read it again */
    while (l.reasons[1] != LIMIT_REASON_DISTRESS && l.host.now < 30) {
        run_until(&l, l.host.now + STEP);
        assert_int_not_equal(l.reasons[0], LIMIT_REASON_DISTRESS);
    }
    assert_int_equal(l.reasons[1], LIMIT_REASON_DISTRESS);
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
