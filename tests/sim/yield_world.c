/* SPDX-License-Identifier: MIT */
#include "sim/yield_world.h"

#include <math.h>

#include "control/distress.h"
#include "control/floor.h"
#include "unit/test.h"

void yield_world_init(YieldWorld *w, double reads_a_second)
{
    *w = (YieldWorld){
        .host = { .size = 1024 * MB, .units = w->units, .n_units = 1 + BACKGROUND },
        .config = { .mode = LIMIT_YIELD, .min = 64 * MIB },
    };
    unit_init(&w->units[0], 4 * MB);
    w->units[0].anon = w->units[0].anon_want = 120 * MB;
    w->units[0].anon_rate = 200 * MB;
    pages_set(&w->units[0].pages[0], SHOP_FILE, reads_a_second * 4096 / SHOP_FILE, SHOP_FILE,
              AGES / 2);
    for (size_t i = 0; i < BACKGROUND; i++) {
        unit_init(&w->units[1 + i], 4 * MB);
        w->competes[i] = true;
        w->want[i] = LIMIT_NONE;
    }
}

double yield_world_kept(const YieldWorld *w)
{
    return pages_resident(&w->units[0].pages[0]) / MB;
}

static double host_use(const YieldWorld *w)
{
    double use = 0;

    for (size_t i = 0; i <= BACKGROUND; i++)
        use += unit_use(&w->units[i]);
    return use;
}

static void apply(YieldWorld *w, size_t i, const LimitDecision *d)
{
    Unit *unit = &w->units[1 + i];
    double high = d->want == LIMIT_NONE ? INFINITY : (double)d->want;

    double over = d->want != w->want[i] ? fmax(unit_use(unit) - high, 0) : 0;

    if (d->reclaim > 0 || over > 0)
        (void)unit_reclaim(unit, fmax((double)d->reclaim, over));
    if (d->want != w->want[i])
        unit_set_high(unit, isinf(high) ? high : fmax(high, unit_use(unit)));
    w->want[i] = d->want;
    w->reasons[i] = d->reason;
}

static YieldNeed need_of(YieldWorld *w, const Sample *critical, const YieldWatch *watch)
{
    const DistressConfig config = DISTRESS_CONFIG_DEFAULT;
    DistressReason before = w->distress.reason;
    DistressReason reason = w->stopped ? DISTRESS_NONE
                                       : distress_update(&w->distress, &config, critical);
    YieldNeed need = {
        .at_usec = critical->at_usec,
        .running = !w->stopped,
        .distress = reason,
        .lost = distress_stolen(&w->distress) - w->stolen,
        .lacks = distress_lacks(&w->distress),
        .recovers = distress_recovers(&w->distress),
        .host = yield_room(watch),
        .measured = true,
        .damage = yield_damage(critical),
    };

    w->stolen = distress_stolen(&w->distress);
    w->episodes += before == DISTRESS_NONE && reason != DISTRESS_NONE;
    return need;
}

/* As the daemon does it: looks, and what is decided is done. */
static void look(YieldWorld *w, const YieldWatch *watch)
{
    Sample critical = unit_sample(&w->units[0], w->host.now), samples[BACKGROUND];
    YieldUnit units[BACKGROUND];
    YieldNeed need = need_of(w, &critical, watch);

    for (size_t i = 0; i < BACKGROUND; i++) {
        samples[i] = unit_sample(&w->units[1 + i], w->host.now);
        units[i] = (YieldUnit){
            .config = &w->config,
            .sample = &samples[i],
            .competes = w->competes[i] && need.distress != DISTRESS_NONE,
            .elsewhere = w->in_slice,
            .state = &w->states[i],
        };
    }
    yield_decide(&w->law, &need, units, BACKGROUND);
    for (size_t i = 0; i < BACKGROUND; i++) {
        const LimitDecision *d = &units[i].decision;
        assert_true(d->want >= limit_floor(&samples[i], w->config.min));
        assert_true(w->competes[i] || d->reclaim == 0);
        w->no_help += d->reason == LIMIT_REASON_NO_HELP;
        apply(w, i, d);
    }
}

static double lateness(YieldWorld *w)
{
    return w->late > 0 && dice_chance(&w->dice, 0.3) ? dice_between(&w->dice, 0, w->late) : 0;
}

static void look_around(YieldWorld *w)
{
    double taken = 0;

    for (size_t i = 0; i <= BACKGROUND; i++)
        taken += w->units[i].taken;
    YieldWatch watch = {
        .critical = !w->stopped,
        .background = true,
        .free = (uint64_t)fmax(w->host.size - host_use(w), 0),
        .total = (uint64_t)w->host.size,
        .reclaiming = taken - w->taken > 0.5,
        .interval_usec = USEC_PER_SEC,
    };
    watch.fall = sub_u64(w->free, watch.free);
    w->free = watch.free;
    w->taken = taken;
    if (!w->lawless)
        look(w, &watch);
    w->next = w->host.now + (double)yield_look_usec(&watch) / 1e6 + lateness(w);
}

void yield_world_run(YieldWorld *w, double until)
{
    while (w->host.now < until) {
        host_step(&w->host);
        if (w->wavers > 0 && dice_chance(&w->dice, STEP))
            w->units[0].anon_want = 120 * MB + dice_between(&w->dice, 0, w->wavers);
        if (w->host.now >= w->next)
            look_around(w);
    }
}
