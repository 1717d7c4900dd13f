/* SPDX-License-Identifier: MIT */
/* Hosts with two slices that have limits of their own, and services beside them: in each place a
 * critical service and background units, with streams, bursts and hot files of any size, so that
 * memory is short in one slice, in both, on the host, or nowhere. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "control/floor.h"
#include "control/limit.h"
#include "sim/plant.h"
#include "sim/yield_world.h"
#include "unit/test.h"
#include "util/cleanup.h"

/* Instrumented, a step costs ten times as much. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PLANTS 40U
#else
#define PLANTS 150U
#endif

#define BUSY_SECONDS 200
/* Without harm, until all is given back: the longest patience, and the steps after it. */
#define CALM_SECONDS 900
#define HARM_SECONDS 10000

/* The first two places are slices, the third is the host outside of them; in each of them the first
 * unit is critical. */
#define PLACES   3
#define IN_PLACE (1 + BACKGROUND)
#define UNITS    (PLACES * IN_PLACE)
#define SLICES   (PLACES - 1)

static const char *const paths[SLICES] = { "/a", "/b" };

typedef struct Nested {
    Unit units[UNITS];
    Host host;
    double limits[SLICES];
    Shop shops[PLACES];
    LimitConfig config;
    YieldLaw law;
    LimitState states[UNITS];
    uint64_t want[UNITS];
    LimitReason reasons[UNITS];
    Dice dice;
    bool lawless;
    double next, taken, harmed;
    uint64_t free;
    unsigned squeezed[PLACES]; /* looks with a step for want of its memory, the host's the last */
} Nested;

static bool is_critical(size_t unit)
{
    return unit % IN_PLACE == 0;
}

static size_t place_of(size_t unit)
{
    return unit / IN_PLACE;
}

static double use_of(const Unit *units, size_t n)
{
    double use = 0;

    for (size_t i = 0; i < n; i++)
        use += unit_use(&units[i]);
    return use;
}

/* There is room for what all of them use at once; a slice may be as good as without a limit, and
 * the host large enough for everything. */
static void nested_init(Nested *w, unsigned seed)
{
    *w = (Nested){
        .host = { .size = INFINITY, .units = w->units, .n_units = UNITS },
        .config = { .mode = LIMIT_YIELD, .min = 16 * MIB },
        .dice = dice_new(seed),
    };
    Dice *dice = &w->dice;
    for (size_t i = 0; i < UNITS; i++) {
        Unit *unit = &w->units[i];
        unit_init(unit, 4 * MB);
        unit->anon = unit->anon_want = dice_between(dice, 5 * MB, 40 * MB);
        unit->anon_rate = dice_spread(dice, 10 * MB, 400 * MB);
        w->want[i] = LIMIT_NONE;
        double file = dice_spread(dice, 20 * MB, 150 * MB);
        if (is_critical(i))
            pages_set(&unit->pages[0], file, dice_spread(dice, 20, 4000) * 4096 / file, file,
                      AGES / 2);
    }
    w->host.size = dice_spread(dice, 1300 * MB, 6000 * MB);
    for (size_t i = 0; i < SLICES; i++)
        w->limits[i] = dice_spread(dice, 450 * MB, 2000 * MB);
}

/* As the daemon asks: the slice, if it is at its limit, or else the host. */
static uint64_t domain_of(const Nested *w, size_t place)
{
    YieldAncestor chain[2] = { { "/service", 0, LIMIT_NONE } };

    if (place < SLICES)
        chain[1] = (YieldAncestor){ paths[place],
                                    (uint64_t)use_of(&w->units[place * IN_PLACE], IN_PLACE),
                                    (uint64_t)w->limits[place] };
    const char *path = yield_domain(chain, place < SLICES ? 2 : 1);
    return strcmp(path, "/") == 0 ? YIELD_HOST : YIELD_HOST << (place + 1);
}

static YieldService serve(Nested *w, size_t place, const Sample *sample)
{
    const DistressConfig config = DISTRESS_CONFIG_DEFAULT;
    Shop *shop = &w->shops[place];
    YieldService service = shop_service(shop, distress_update(&shop->distress, &config, sample),
                                        sample);

    if (service.distress != DISTRESS_NONE || service.lost > 0 || shop->served.due > 0)
        service.domain = domain_of(w, place);
    return service;
}

/* Whoever is squeezed has something to do with somebody who lost memory: below the slice that is
 * short of it, or on a host that is. */
static void judge(Nested *w, size_t unit, const YieldUnit *yields, const YieldService *services)
{
    const LimitDecision *d = &yields->decision;
    uint64_t mine = YIELD_HOST | (place_of(unit) < SLICES ? YIELD_HOST << (place_of(unit) + 1) : 0);
    uint64_t served = 0;

    assert_true(d->want >= limit_floor(yields->sample, w->config.min));
    for (size_t i = 0; i < PLACES; i++)
        served |= services[i].domain;
    if (d->reclaim == 0 && d->reason != LIMIT_REASON_DISTRESS)
        return;
    if (!(mine & served))
        fail_msg("unit %zu is squeezed (%s), and nobody competes with it", unit,
                 limit_reason_to_string(d->reason));
    w->squeezed[PLACES - 1] += (mine & served) == YIELD_HOST;
    w->squeezed[place_of(unit)] += place_of(unit) < SLICES && (mine & served & ~YIELD_HOST);
}

static void apply(Nested *w, size_t i, const LimitDecision *d)
{
    Unit *unit = &w->units[i];
    double high = d->want == LIMIT_NONE ? INFINITY : (double)d->want;
    double over = d->want != w->want[i] ? fmax(unit_use(unit) - high, 0) : 0;

    if (d->reclaim > 0 || over > 0)
        (void)unit_reclaim(unit, fmax((double)d->reclaim, over));
    if (d->want != w->want[i])
        unit_set_high(unit, isinf(high) ? high : fmax(high, unit_use(unit)));
    w->want[i] = d->want;
    w->reasons[i] = d->reason;
}

static void look(Nested *w, const YieldWatch *watch)
{
    Sample samples[UNITS];
    YieldUnit units[UNITS];
    YieldService services[PLACES];
    size_t owners[UNITS], n = 0;
    YieldNeed need = {
        .running = true,
        .host = yield_room(watch),
        .services = services,
        .n_services = PLACES,
    };

    for (size_t i = 0; i < UNITS; i++)
        samples[i] = unit_sample(&w->units[i], w->host.now);
    need.at_usec = samples[0].at_usec;
    for (size_t place = 0; place < PLACES; place++)
        services[place] = serve(w, place, &samples[place * IN_PLACE]);
    for (size_t i = 0; i < UNITS; i++) {
        if (is_critical(i))
            continue;
        units[n] = limit_begin_yield(&w->states[i], &w->config, &(LimitContext){ 0 }, &samples[i]);
        for (size_t place = 0; place < PLACES; place++)
            if (services[place].domain == YIELD_HOST || place == place_of(i))
                units[n].domains |= services[place].domain;
        owners[n++] = i;
    }
    yield_decide(&w->law, &need, units, n);
    if (w->law.domains != 0 || w->law.trial)
        w->harmed = w->host.now;
    for (size_t k = 0; k < n; k++)
        judge(w, owners[k], &units[k], services);
    for (size_t k = 0; k < n; k++)
        apply(w, owners[k], &units[k].decision);
}

static void look_around(Nested *w)
{
    double taken = 0;

    for (size_t i = 0; i < UNITS; i++)
        taken += w->units[i].taken;
    YieldWatch watch = {
        .critical = true,
        .background = true,
        .free = (uint64_t)fmax(w->host.size - use_of(w->units, UNITS), 0),
        .total = (uint64_t)w->host.size,
        .reclaiming = taken - w->taken > 0.5,
        .interval_usec = USEC_PER_SEC,
    };
    watch.fall = sub_u64(w->free, watch.free);
    w->free = watch.free;
    w->taken = taken;
    if (!w->lawless)
        look(w, &watch);
    w->next = w->host.now + (double)yield_look_usec(&watch) / 1e6;
}

static void step(Nested *w)
{
    host_step(&w->host);
    for (size_t i = 0; i < SLICES; i++)
        host_limit(&w->units[i * IN_PLACE], IN_PLACE, w->limits[i]);
    if (w->host.now >= w->next)
        look_around(w);
}

static void happen(Nested *w)
{
    Dice *dice = &w->dice;
    size_t place = (size_t)dice_between(dice, 0, PLACES);
    Unit *unit = &w->units[place * IN_PLACE + 1 + (size_t)dice_between(dice, 0, BACKGROUND)];

    if (dice_chance(dice, 0.5))
        unit->stream_rate = dice_chance(dice, 0.4) ? 0 : dice_spread(dice, MB, 1000 * MB);
    else if (dice_chance(dice, 0.5))
        unit->anon_want = dice_between(dice, 0, 50 * MB);
    else
        pages_set(&unit->pages[1], dice_between(dice, 0, 40 * MB), 1, 0, 0);
}

static void be_busy(Nested *w)
{
    while (w->host.now < BUSY_SECONDS) {
        if (dice_chance(&w->dice, STEP / 4))
            happen(w);
        step(w);
    }
}

/* All streams end. What was for want of memory in a slice is given back, and so is what was for
 * want of the host's, if that has some again; on one that stays full nobody has less than it had
 * when it was stopped. */
static void calm_down(Nested *w, unsigned seed)
{
    bool full = seed % 2 == 0;

    for (size_t i = 0; i < UNITS; i++)
        w->units[i].stream_rate = 0;
    if (!full)
        w->host.size = 64 * 1024 * MB;
    while (w->host.now < fmax(BUSY_SECONDS, w->harmed) + CALM_SECONDS) {
        assert_true(w->harmed < BUSY_SECONDS + HARM_SECONDS);
        step(w);
    }
    for (size_t i = 0; i < UNITS; i++) {
        const YieldState *yield = &w->states[i].yield;
        bool has = full && (yield->ahead ||
                            (yield->domains == YIELD_HOST && yield->limit >= yield->use_before));

        if (yield->limited && !has)
            fail_msg("plant %u: unit %zu has %.0f MB, and may have no more than %.0f (%s)", seed, i,
                     unit_use(&w->units[i]) / MB, w->units[i].high / MB,
                     limit_reason_to_string(w->reasons[i]));
    }
}

/* The share of the time for which the critical services stall, and the worst background unit does.
 */
typedef struct Stalls {
    double critical, background;
} Stalls;

static Stalls stalls_of(const Nested *w)
{
    Stalls stalls = { 0 };

    for (size_t i = 0; i < UNITS; i++)
        if (is_critical(i))
            stalls.critical += w->units[i].memory_some / w->host.now / PLACES;
        else
            stalls.background = fmax(stalls.background, w->units[i].memory_full / w->host.now);
    return stalls;
}

static void nobody_pays_for_another_slice(void **state)
{
    double critical[2] = { 0 }, worst = 0;
    unsigned squeezed[PLACES] = { 0 };

    for (unsigned seed = 1; seed <= PLANTS; seed++)
        for (unsigned lawless = 0; lawless < 2; lawless++) {
            Nested w;

            nested_init(&w, seed);
            w.lawless = lawless;
            be_busy(&w);
            Stalls stalls = stalls_of(&w);
            critical[lawless] += stalls.critical / PLANTS;
            if (lawless)
                continue;
            worst = fmax(worst, stalls.background);
            calm_down(&w, seed);
            for (size_t i = 0; i < PLACES; i++)
                squeezed[i] += w.squeezed[i];
        }
    printf(
        "%u plants: critical services stall for %.2f %% of the time, without limits %.2f %%; the "
        "worst background unit for %.1f %%; %u and %u looks with a step below a slice, %u on a "
        "host\n",
        PLANTS, 100 * critical[0], 100 * critical[1], 100 * worst, squeezed[0], squeezed[1],
        squeezed[2]);
    assert_true(critical[0] < critical[1] / 2);
    /* More than half of the time is a stall, and let go. A task that streams pays for its own
     * reclaim. */
    assert_true(worst < 0.5);
    for (size_t i = 0; i < PLACES; i++)
        assert_true(squeezed[i] > PLANTS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_pays_for_another_slice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
