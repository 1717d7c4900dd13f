/* SPDX-License-Identifier: MIT */
#include "sim/scenario.h"

#include <math.h>

#include "control/floor.h"

#define MB 1048576.0

Scenario scenario_new(uint64_t number, ScenarioKind kind)
{
    Scenario s = { .number = number, .dice = dice_new(number), .kind = kind };
    bool lively = kind == LIVELY;
    Dice *d = &s.dice;
    Unit *u = &s.unit;

    unit_init(u, dice_between(d, 2, 20) * MB);
    u->read_latency = dice_spread(d, 50e-6, 500e-6);
    u->tasks = floor(dice_spread(d, 1, 9));
    double hot = dice_spread(d, 100, 2048) * MB;
    double warm = hot * dice_between(d, 0, 0.3), cold = hot * dice_between(d, 0, 8);
    s.phase_seconds = kind == LIVELY ? 60 : kind == PHASED ? 150 : 100;
    s.hot[0] = hot;
    for (unsigned i = 1; i < PHASES; i++)
        s.hot[i] = hot * dice_spread(d, 0.4, 2.5);
    pages_set(&u->pages[0], hot, dice_spread(d, 0.5, 5), hot, 0);
    pages_set(&u->pages[1], warm, dice_spread(d, lively ? 0.02 : 0.5, 0.6), warm, 0);
    pages_set(&u->pages[2], cold, lively ? dice_spread(d, 1e-7, 1e-5) : 0, cold, AGES / 2);
    if (dice_chance(d, 0.4))
        u->stream_rate = dice_spread(d, 1, 200) * MB;
    s.anon_low = s.anon_high = u->anon = dice_spread(d, 20, 1024) * MB;
    u->anon_rate = dice_spread(d, 10, 1000) * MB;
    if (dice_chance(d, 0.1))
        u->pinned = dice_spread(d, 16, 512) * MB;
    if (lively) {
        s.anon_high *= dice_between(d, 1, 1.5);
        s.anon_period = dice_between(d, 10, 60);
        if (dice_chance(d, 0.3)) {
            s.burst = dice_spread(d, 20, 400) * MB;
            s.burst_every = dice_between(d, 15, 60);
        }
        u->has_psi = !dice_chance(d, 0.03);
    }
    u->anon_want = u->anon;
    s.burst_at = s.burst_every;
    return s;
}

double scenario_seconds(const Scenario *scenario)
{
    static const unsigned phases[] = { [STEADY] = 1, [PHASED] = 2, [LIVELY] = PHASES };

    return phases[scenario->kind] * scenario->phase_seconds;
}

/* What is no longer read stays resident, and grows cold. */
static void shrink(Unit *unit, double size)
{
    Pages *hot = &unit->pages[0], *cold = &unit->pages[2];
    double resident = pages_resident(hot), keep = resident > size ? size / resident : 1;

    for (unsigned k = 0; k <= AGES; k++) {
        cold->age[k] += hot->age[k] * (1 - keep);
        hot->age[k] *= keep;
    }
    cold->size += resident * (1 - keep);
    hot->size = size;
    hot->shadow = fmin(hot->shadow, fmax(size - pages_resident(hot), 0));
}

void scenario_step(Scenario *s, Unit *unit, double now)
{
    unsigned phase = (unsigned)(now / s->phase_seconds);

    if (phase != s->phase && phase < PHASES && s->kind != STEADY) {
        s->phase = phase;
        shrink(unit, s->hot[phase]);
    }
    if (s->kind != LIVELY)
        return;
    double wave = (1 - cos(2 * M_PI * now / s->anon_period)) / 2;
    unit->anon_want = s->anon_low + (s->anon_high - s->anon_low) * wave;
    if (s->burst > 0 && now >= s->burst_at) { /* for five seconds */
        unit->anon_want += s->burst;
        if (now >= s->burst_at + 5)
            s->burst_at += s->burst_every;
    }
}

double scenario_working_set(const Unit *unit)
{
    return unit_fixed(unit) + unit->pages[0].size + unit->pages[1].size;
}

double scenario_need(const Unit *unit)
{
    double slowest = fmin(unit->pages[0].rate, unit->pages[1].rate);

    /* exp(−9.6) of them are not read while the hand passes AGES times. */
    return scenario_working_set(unit) + unit->stream_rate * (1 + 9.6 / AGES / slowest);
}

bool scenario_has_converged(const Unit *unit)
{
    double use = unit_use(unit), margin = (double)FLOOR_MARGIN;

    return use >= 0.9 * scenario_working_set(unit) - margin &&
           use <= 1.1 * scenario_need(unit) + margin;
}
