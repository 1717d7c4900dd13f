/* SPDX-License-Identifier: MIT */
#include "sim/yield_world.h"

#include <math.h>

#include "control/distress.h"
#include "control/floor.h"
#include "unit/test.h"

static void begin_critical(Unit *unit, double reads_a_second, double resident)
{
    unit_init(unit, 4 * MB);
    unit->anon = unit->anon_want = 120 * MB;
    unit->anon_rate = 200 * MB;
    pages_set(&unit->pages[0], SHOP_FILE, reads_a_second * 4096 / SHOP_FILE, resident, AGES / 2);
}

void yield_world_init(YieldWorld *w, double reads_a_second)
{
    *w = (YieldWorld){
        .host = { .size = 1024 * MB, .units = w->units, .n_units = 1 + BACKGROUND },
        .n_shops = 1,
        .config = { .mode = LIMIT_YIELD, .min = 64 * MIB },
    };
    begin_critical(&w->units[0], reads_a_second, SHOP_FILE);
    for (size_t i = 0; i < BACKGROUND; i++) {
        unit_init(&w->units[1 + i], 4 * MB);
        w->competes[i] = true;
        w->want[i] = LIMIT_NONE;
    }
}

void yield_world_add(YieldWorld *w)
{
    unit_init(&w->units[OTHER], 4 * MB);
    w->host.n_units = OTHER + 1;
    w->n_shops = 2;
}

void yield_world_split(YieldWorld *w, double first, double second)
{
    w->host.n_units = 2;
    w->host.size = first;
    w->slice = (Host){ .size = second, .units = w->units + 2, .n_units = 2 };
    w->in_slice = true;
}

void yield_world_pause(YieldWorld *w, bool pause)
{
    for (size_t i = 0; w->paused && !pause && i < BACKGROUND; i++)
        limit_forget(&w->states[i]);
    w->paused = pause;
    w->next = w->host.now; /* and there is a look at once */
}

void yield_world_restart(YieldWorld *w, size_t i, bool is_unit)
{
    Unit *unit = &w->units[1 + i];
    double high = unit->high, min = unit->min, anon_rate = unit->anon_rate;

    unit_init(unit, 4 * MB);
    unit->min = min;
    unit->anon_rate = anon_rate;
    if (is_unit) {
        unit->high = high;
        return;
    }
    limit_forget(&w->states[i]);
    w->want[i] = LIMIT_NONE;
}

/* Whoever reads the file next brings it into memory. */
void yield_world_restart_critical(YieldWorld *w, double reads_a_second)
{
    begin_critical(&w->units[0], reads_a_second, 0);
    w->shops[0].distress = (DistressState){ 0 };
    w->shops[0].stolen = 0;
}

double yield_world_kept(const YieldWorld *w)
{
    return pages_resident(&w->units[0].pages[0]) / MB;
}

static double host_use(const YieldWorld *w)
{
    double use = 0;

    for (size_t i = 0; i < w->host.n_units; i++)
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

/* Each slice is a domain of its own. */
static uint64_t domain_of(const YieldWorld *w, bool second)
{
    if (!w->in_slice)
        return YIELD_HOST;
    return YIELD_HOST << (w->slice.size > 0 && second ? 2 : 1);
}

YieldService shop_service(Shop *shop, DistressReason distress, const Sample *sample)
{
    YieldService service = {
        .distress = distress,
        .lost = distress_stolen(&shop->distress) - shop->stolen,
        .lacks = distress_lacks(&shop->distress),
        .recovers = distress_recovers(&shop->distress),
        .measured = true,
        .damage = yield_damage(sample),
        .state = &shop->served,
    };

    shop->stolen = distress_stolen(&shop->distress);
    return service;
}

static YieldService serve(YieldWorld *w, size_t i, const Sample *sample)
{
    const DistressConfig config = DISTRESS_CONFIG_DEFAULT;
    Shop *shop = &w->shops[i];
    DistressReason before = shop->distress.reason;
    YieldService service = shop_service(
        shop, w->stopped ? DISTRESS_NONE : distress_update(&shop->distress, &config, sample),
        sample);

    service.domain = domain_of(w, i > 0);
    shop->episodes += before == DISTRESS_NONE && service.distress != DISTRESS_NONE;
    shop->hopeless |= hold_is_on(&shop->served.no_help, sample->at_usec);
    return service;
}

static void judge(YieldWorld *w, size_t i, const YieldUnit *unit)
{
    const LimitDecision *d = &unit->decision;

    assert_true(d->want >= limit_floor(unit->sample, w->config.min));
    assert_true(d->want >= (uint64_t)w->units[1 + i].min);
    assert_true(w->competes[i] || d->reclaim == 0);
    assert_true(d->want == LIMIT_NONE || w->host.now >= w->held_until[i]);
    w->no_help += d->reason == LIMIT_REASON_NO_HELP;
    if (d->reason != LIMIT_REASON_STALL || w->want[i] == LIMIT_NONE)
        return;
    w->held_until[i] = w->host.now + (double)LIMIT_HOLD_USEC / 1e6 - STEP;
    w->stalls++;
}

/* A law is asked, as one that nobody follows. */
static void observe(YieldWorld *w, size_t i, const Sample *sample)
{
    const LimitContext context = { .observe = true };

    (void)limit_decide(&w->states[i], &w->config, &context, sample);
    apply(w, i, &(LimitDecision){ .want = LIMIT_NONE });
}

/* As the daemon does it: looks, and what is decided is done. */
static void look(YieldWorld *w, const YieldWatch *watch)
{
    Sample samples[BACKGROUND];
    YieldUnit units[BACKGROUND];
    YieldService services[CRITICAL];
    size_t owners[BACKGROUND], n = 0;
    YieldNeed need = {
        .running = !w->stopped,
        .host = yield_room(watch),
        .services = services,
    };

    for (size_t i = 0; i < w->n_shops; i++) {
        Sample sample = unit_sample(&w->units[i == 0 ? 0 : OTHER], w->host.now);
        need.at_usec = sample.at_usec;
        if (i > 0 || !w->restarting)
            services[need.n_services++] = serve(w, i, &sample);
    }
    for (size_t i = 0; i < BACKGROUND; i++) {
        if (w->gone[i])
            continue;
        samples[i] = unit_sample(&w->units[1 + i], w->host.now);
        if (w->paused) {
            observe(w, i, &samples[i]);
            continue;
        }
        units[n] = limit_begin_yield(&w->states[i], &w->config, &(LimitContext){ 0 }, &samples[i]);
        units[n].domains = w->competes[i] ? domain_of(w, i > 0) : 0;
        owners[n++] = i;
    }
    yield_decide(&w->law, &need, units, n);
    if (w->law.domains != 0 || w->law.trial)
        w->harmed = w->host.now;
    for (size_t k = 0; k < n; k++) {
        judge(w, owners[k], &units[k]);
        apply(w, owners[k], &units[k].decision);
    }
}

static double lateness(YieldWorld *w)
{
    return w->late > 0 && dice_chance(&w->dice, 0.3) ? dice_between(&w->dice, 0, w->late) : 0;
}

static void look_around(YieldWorld *w)
{
    double taken = 0, size = w->slice.size > 0 ? 64 * 1024 * MB : w->host.size;

    for (size_t i = 0; i < BACKGROUND + w->n_shops; i++)
        taken += w->units[i].taken;
    YieldWatch watch = {
        .critical = !w->stopped,
        .background = true,
        .free = (uint64_t)fmax(size - host_use(w), 0),
        .total = (uint64_t)size,
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
        if (w->slice.size > 0)
            host_step(&w->slice);
        if (w->wavers > 0 && dice_chance(&w->dice, STEP))
            w->units[0].anon_want = 120 * MB + dice_between(&w->dice, 0, w->wavers);
        if (w->host.now >= w->next)
            look_around(w);
    }
}
