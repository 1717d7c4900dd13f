/* SPDX-License-Identifier: MIT */
/* The first thing to do is to stop the growth: a limit at what a unit uses now costs it nothing,
 * takes no reclaim, and ends the theft at once, because from then on each new page of the unit is
 * paid for by one of its own. Better still, it never comes to a theft, see yield_calm.c. What was
 * stolen is reclaimed from the unit that has the most to give, and with it what the host needs to
 * give it back without reclaim.
 *
 * One that suffers right after a unit was given more is helped by taking that back, all at once.
 *
 * Only where a critical service goes on suffering the units shrink, one at a time, the one with the
 * most cold cache above its floor first, and in one cgroup that is short of memory whatever goes on
 * in another. Each of them is asked whether that helps it. One whom it does not help is passed over
 * for a while, longer each time: its damage has another cause. What helped nobody is given back. */
#include "control/floor.h"
#include "control/yield_unit.h"

/* Until the effect of steps is judged: the lag of PSI, and time to read what was lost. */
#define TRIES_USEC (6 * USEC_PER_SEC)
/* Less than a fifth better is not better. */
#define BETTER_PARTS     5
#define NO_HELP_MIN_USEC (30 * USEC_PER_SEC)
#define NO_HELP_MAX_USEC (1800 * USEC_PER_SEC)

/* Stolen while a unit is tried with more: the cache of a critical service changes by less. */
#define TRIAL_LOSS MIB

/* With this much left, bytes, it is not for want of memory that somebody suffers. */
#define ROOM_ENOUGH (64 * MIB)

/* A page read again costs a fast disk's read. */
#define REFAULT_USEC 100

uint64_t yield_damage(const Sample *sample)
{
    uint64_t stalled = sample->memory_psi.valid ? sample->memory_psi.some_usec : 0;

    return add_u64(stalled, mul_u64(sample->refault_file, REFAULT_USEC));
}

/* What could be had from it: cache that is not in use and waits for no disk, above its floor. */
static uint64_t yields(const YieldUnit *unit)
{
    const Sample *s = unit->sample;
    uint64_t use = unit->state->limited ? min_u64(unit->state->limit, s->current) : s->current;
    uint64_t busy = add_u64(s->file_dirty, s->file_writeback);
    uint64_t cold = add_u64(s->inactive_file, sub_u64(s->active_file, s->file_mapped));

    return min_u64(sub_u64(cold, busy), sub_u64(use, yield_unit_floor(unit)));
}

/* It takes what it gets: it has been at its limit, and has not left a quarter of it since. */
static void follow_push(YieldUnit *unit)
{
    YieldState *state = unit->state;
    uint64_t use = unit->sample->current;

    if (!state->limited || use < state->limit - state->limit / 4)
        state->pushes = false;
    if (state->limited && (unit->sample->events_high > state->high_events ||
                           add_u64(use, FLOOR_MARGIN / 2) >= state->limit))
        state->pushes = true;
    state->high_events = unit->sample->events_high;
}

/* Whom to help */

typedef struct Scene {
    const YieldNeed *need;
    uint64_t domains; /* where somebody suffers, whom others may help, */
    uint64_t fresh;   /* and did not before; */
    uint64_t tight;   /* and others' memory would help now */
    uint64_t trials;  /* where somebody lost pages by a trial, and does not suffer */
} Scene;

/* Where memory is short, for those that suffer or for those that lost pages by a trial. */
typedef struct Place {
    uint64_t domain; /* one */
    bool trial;
} Place;

/* To stop a theft costs nothing, whatever else did not help. */
static bool may_be_helped(const YieldService *service, uint64_t now)
{
    return service->distress != DISTRESS_NONE &&
           (!hold_is_on(&service->state->no_help, now) || service->lost > 0 || service->recovers);
}

static bool is_of(const YieldService *service, Place place)
{
    return (service->domain & place.domain) && service->state->suffers == !place.trial;
}

static bool is_in(const YieldUnit *unit, Place place)
{
    return (unit->squeezed & place.domain) && unit->trial == place.trial;
}

static bool wants_a_step(const YieldService *service, Place place, uint64_t now)
{
    return !place.trial && is_of(service, place) && service->distress != DISTRESS_STOLEN &&
           !service->recovers && !hold_is_on(&service->state->no_help, now);
}

static bool competes(const Scene *scene, const YieldUnit *unit)
{
    return unit->trial || (unit->squeezed & scene->tight) != 0;
}

static bool is_short_elsewhere(const YieldUnit *unit)
{
    return unit->trial ? yield_unit_is_elsewhere(unit) : (unit->squeezed & ~YIELD_HOST) != 0;
}

/* In distress */

static uint64_t patience(const YieldNeed *need, const YieldUnit *unit)
{
    return need->host.near && !is_short_elsewhere(unit) ? PATIENCE_HOST_USEC : PATIENCE_MIN_USEC;
}

static void freeze(YieldUnit *unit, const YieldNeed *need)
{
    YieldState *state = unit->state;
    uint64_t use = unit->sample->current;

    if (use <= yield_unit_floor(unit)) /* nothing to gain */
        unit->decision = yield_unit_keep(unit, LIMIT_REASON_AT_MIN);
    else
        yield_unit_stop(unit, state->limited ? min_u64(state->limit, use) : use, need->at_usec,
                        patience(need, unit));
    state->domains = 0; /* of before; those of now follow_suffering() adds */
}

/* Distress came back while it was given back: what was good is what it has at most. */
static void stop_return(YieldUnit *unit, const YieldNeed *need)
{
    YieldState *state = unit->state;
    uint64_t use = max_u64(unit->sample->current, yield_unit_floor(unit));

    state->stepped_usec = need->at_usec;
    state->limit = min_u64(state->limit, use);
    if (!state->pushes)
        return;
    state->bad_limit = state->limit;
    state->limit = min_u64(state->limit, max_u64(state->good, yield_unit_floor(unit)));
    hold_begin(&state->patience, need->at_usec, patience(need, unit), PATIENCE_MAX_USEC);
}

/* The floor wavers by a few pages all the time: a limit that rests on it does not follow it down.
 */
static bool rests_on(const YieldState *state, uint64_t floor)
{
    return state->at_floor && state->limit >= floor && state->limit - floor < LIMIT_STEP_MIN;
}

static void step_down(YieldUnit *unit, uint64_t now)
{
    YieldState *state = unit->state;
    uint64_t floor = yield_unit_floor(unit);

    state->stepped_usec = now;
    if (!rests_on(state, floor)) {
        uint64_t step = max_u64(state->limit / 8, LIMIT_STEP_MIN);
        state->limit = max_u64(sub_u64(state->limit, step), floor);
        state->at_floor = state->limit == floor;
    }
    unit->decision = yield_unit_keep(unit,
                                     state->at_floor ? LIMIT_REASON_AT_MIN : LIMIT_REASON_DISTRESS);
    unit->decision.reclaim = sub_u64(unit->sample->current, state->limit);
}

/* Makes room for what was stolen and is not there again, be it that the same pages were stolen many
 * times before anybody could pay; and for as much as the host needs to let it in without reclaim:
 * or what comes back would be taken from somebody again. */
static void make_good(YieldLaw *law, const YieldNeed *need, Place place, YieldUnit *unit)
{
    YieldState *state = unit->state;
    bool of_host = place.domain == YIELD_HOST;
    uint64_t missing = of_host ? need->host.missing : 0, due = 0;

    for (size_t i = 0; i < need->n_services; i++)
        if (is_of(&need->services[i], place))
            due = add_u64(due, min_u64(need->services[i].state->due, need->services[i].lacks));
    uint64_t taken = due > 0 ? min_u64(add_u64(due, missing), yields(unit)) : 0;
    if (taken == 0)
        return;
    law->owed = add_u64(law->owed, of_host ? due : 0);
    for (size_t i = 0; i < need->n_services; i++)
        if (is_of(&need->services[i], place))
            need->services[i].state->due = 0;
    state->limit = sub_u64(min_u64(state->limit, unit->sample->current), taken);
    state->limit = max_u64(state->limit, yield_unit_floor(unit));
    unit->decision = yield_unit_keep(unit, LIMIT_REASON_DISTRESS);
    unit->decision.reclaim = sub_u64(unit->sample->current, state->limit);
}

/* NULL: nobody has anything to give. */
static YieldUnit *who_yields_most(YieldUnit *units, size_t n, Place place)
{
    YieldUnit *best = NULL;

    for (size_t i = 0; i < n; i++) {
        YieldUnit *unit = &units[i];
        if (yield_unit_is_out(unit) || !is_in(unit, place) || !unit->state->limited ||
            rests_on(unit->state, yield_unit_floor(unit)) || yields(unit) == 0)
            continue;
        if (!best || yields(unit) > yields(best))
            best = unit;
    }
    return best;
}

/* How much it feels, a second, since it was last measured. */
static uint64_t measure(const YieldService *service, uint64_t now)
{
    YieldServed *state = service->state;
    uint64_t elapsed = max_u64(now - state->measured_usec, 1);
    uint64_t damage = sub_u64(service->damage, state->measured_damage);

    state->measured_usec = now;
    state->measured_damage = service->damage;
    return mul_u64(damage, USEC_PER_SEC) / elapsed;
}

/* After some steps: does it feel less than before the first one? It is not asked while it only
 * reads again what it lost. */
static void judge(const YieldService *service, uint64_t now)
{
    YieldServed *state = service->state;

    if (service->recovers)
        state->measuring = false;
    if (!service->measured || !state->measuring || now - state->measured_usec < TRIES_USEC ||
        hold_is_on(&state->no_help, now))
        return;
    uint64_t rate = measure(service, now);
    if (rate == 0 || rate < state->rate - state->rate / BETTER_PARTS)
        return;
    hold_begin(&state->no_help, now, NO_HELP_MIN_USEC, NO_HELP_MAX_USEC);
    state->measuring = state->helped = false; /* the next time is measured anew */
}

static void begin_distress(const Scene *scene, YieldUnit *units, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (units[i].state->limited && !units[i].state->ahead && competes(scene, &units[i]) &&
            (units[i].trial ? !units[i].state->tried : (units[i].squeezed & scene->fresh) != 0))
            stop_return(&units[i], scene->need);
}

/* Who grows is stopped; returns where. One that is tried has a limit. */
static uint64_t freeze_all(const Scene *scene, YieldUnit *units, size_t n)
{
    uint64_t stopped = 0;

    for (size_t i = 0; i < n; i++) {
        YieldUnit *unit = &units[i];
        if (yield_unit_is_out(unit) || unit->squeezed == 0)
            continue;
        bool limited = unit->state->limited;
        unit->decision = yield_unit_keep(unit, LIMIT_REASON_HOLD);
        if (limited && !unit->state->ahead)
            continue;
        if (!competes(scene, unit)) {
            yield_follow_room(unit, scene->need, n);
            continue;
        }
        freeze(unit, scene->need);
        if (unit->state->limited && !limited)
            stopped |= unit->squeezed;
    }
    return stopped;
}

/* It is measured from before the first step; of one that has just begun to suffer, while a step was
 * due for another, from before the next. */
static void begin_to_measure(const YieldNeed *need, Place place)
{
    for (size_t i = 0; i < need->n_services; i++) {
        const YieldService *service = &need->services[i];
        if (!wants_a_step(service, place, need->at_usec))
            continue;
        service->state->helped = true;
        if (service->state->measuring ||
            need->at_usec - service->state->measured_usec < LIMIT_STEP_USEC)
            continue;
        service->state->measuring = true;
        service->state->rate = measure(service, need->at_usec);
    }
}

static bool is_time_for_a_step(const YieldNeed *need, Place place, const YieldUnit *units, size_t n)
{
    bool wanted = false;

    for (size_t i = 0; i < need->n_services; i++)
        wanted |= wants_a_step(&need->services[i], place, need->at_usec);
    for (size_t i = 0; i < n; i++)
        if (is_in(&units[i], place) && units[i].state->limited &&
            need->at_usec - units[i].state->stepped_usec < LIMIT_STEP_USEC)
            return false;
    return wanted;
}

static void squeeze_in(YieldLaw *law, const YieldNeed *need, Place place, bool stopped,
                       YieldUnit *units, size_t n)
{
    YieldUnit *best = who_yields_most(units, n, place);

    if (!best) {
        for (size_t i = 0; i < n; i++)
            if (is_in(&units[i], place) && units[i].state->limited && units[i].state->at_floor)
                units[i].decision = yield_unit_keep(&units[i], LIMIT_REASON_AT_MIN);
        return;
    }
    if (stopped)
        return;
    make_good(law, need, place, best);
    if (!is_time_for_a_step(need, place, units, n))
        return;
    begin_to_measure(need, place);
    step_down(best, need->at_usec);
}

static void squeeze(YieldLaw *law, const Scene *scene, YieldUnit *units, size_t n)
{
    begin_distress(scene, units, n);
    uint64_t stopped = freeze_all(scene, units, n);
    for (uint64_t left = scene->tight | scene->trials; left != 0; left &= left - 1) {
        uint64_t domain = left & -left;
        if (scene->tight & domain)
            squeeze_in(law, scene->need, (Place){ domain, .trial = false }, (stopped & domain) != 0,
                       units, n);
        if (scene->trials & domain)
            squeeze_in(law, scene->need, (Place){ domain, .trial = true }, false, units, n);
    }
}

/* Where it is squeezed, and when that ended. */
static void follow_suffering(YieldUnit *unit, uint64_t now)
{
    YieldState *state = unit->state;
    bool squeezed = unit->squeezed != 0 && !unit->trial;

    if (squeezed)
        state->domains |= unit->squeezed;
    else if (state->squeezed)
        state->calm_usec = now;
    state->squeezed = squeezed;
    state->tried = unit->trial;
}

bool yield_is_distress(const YieldNeed *need)
{
    for (size_t i = 0; i < need->n_services; i++)
        if (need->services[i].distress != DISTRESS_NONE)
            return true;
    return false;
}

static void prepare(YieldUnit *unit, const YieldNeed *need)
{
    unit->decision = yield_unit_keep(unit, LIMIT_REASON_CALM);
    follow_push(unit);
    if (unit->above) {
        yield_unit_let_go(unit, LIMIT_REASON_INSIDE);
    } else if (unit->held) {
        bool concerned = unit->state->limited || yield_is_distress(need);
        yield_unit_let_go(unit, concerned ? LIMIT_REASON_STALL : LIMIT_REASON_CALM);
    } else if (!unit->sample->memory_psi.valid) {
        yield_unit_let_go(unit, LIMIT_REASON_NO_PSI);
    } else if (!need->running) {
        *unit->state = (YieldState){ 0 };
        yield_unit_let_go(unit, LIMIT_REASON_CALM);
    } else if (unit->state->limited) { /* what cannot be reclaimed may have grown */
        unit->state->limit = max_u64(unit->state->limit, yield_unit_floor(unit));
    }
}

/* Where pages were lost that @unit competes for, if they are enough for a sign. */
static uint64_t lost_by(const YieldNeed *need, const YieldUnit *unit)
{
    uint64_t due = 0, domains = 0;

    for (size_t i = 0; i < need->n_services; i++) {
        const YieldService *service = &need->services[i];
        if (service->state->suffers || service->state->due == 0 ||
            !(service->domain & unit->domains))
            continue;
        due = add_u64(due, service->state->due);
        domains |= service->domain & unit->domains;
    }
    return due >= TRIAL_LOSS ? domains : 0;
}

/* A trial has cost somebody's pages: that is sign enough, for those that are tried. */
static void find_trials(Scene *scene, YieldUnit *units, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (units[i].squeezed != 0 || !yield_unit_is_tried(&units[i]))
            continue;
        units[i].squeezed = lost_by(scene->need, &units[i]);
        units[i].trial = units[i].squeezed != 0;
        scene->trials |= units[i].squeezed;
    }
}

/* Where the host has room, nobody's memory would help; unless pages are stolen all the same. */
static bool is_host_tight(const YieldNeed *need)
{
    bool stolen = false;

    for (size_t i = 0; i < need->n_services; i++)
        stolen |= is_of(&need->services[i], (Place){ YIELD_HOST, .trial = false }) &&
                  (need->services[i].distress == DISTRESS_STOLEN || need->services[i].lost > 0);
    return stolen || need->host.left < ROOM_ENOUGH;
}

/* Who suffers, since when, and where. */
static Scene look_around(const YieldLaw *law, const YieldNeed *need)
{
    Scene scene = { .need = need };

    for (size_t i = 0; i < need->n_services; i++) {
        const YieldService *service = &need->services[i];
        YieldServed *state = service->state;
        bool before = state->suffers;

        state->due = add_u64(state->due, service->lost);
        if (service->distress != DISTRESS_NONE)
            judge(service, need->at_usec);
        state->suffers = may_be_helped(service, need->at_usec);
        if (!state->suffers)
            continue;
        state->domain = (state->helped ? state->domain : 0) | service->domain;
        scene.domains |= service->domain;
        if (before)
            continue;
        state->measuring = false;
        state->measured_usec = need->at_usec;
        state->measured_damage = service->damage;
    }
    scene.fresh = scene.domains & ~law->domains;
    scene.tight = is_host_tight(need) ? scene.domains : scene.domains & ~YIELD_HOST;
    return scene;
}

/* Where what was taken is given back, or was a moment ago, with nobody who suffered since. */
static uint64_t where_it_returns(const YieldUnit *units, size_t n, uint64_t now)
{
    uint64_t domains = 0;

    for (size_t i = 0; i < n; i++) {
        const YieldState *state = units[i].state;
        if (!state->squeezed && state->raised_usec > state->stepped_usec &&
            now - state->raised_usec < 2 * LIMIT_RETURN_USEC)
            domains |= state->domains;
    }
    return domains;
}

/* While it is given back because squeezing does not help a service, pages are stolen there: then
 * that helps still less. */
static void keep_what_harms(const YieldNeed *need, const YieldUnit *units, size_t n)
{
    uint64_t returns = where_it_returns(units, n, need->at_usec), stolen = 0;

    for (size_t i = 0; i < need->n_services; i++)
        stolen |= need->services[i].lost > 0 ? need->services[i].domain : 0;
    for (size_t i = 0; i < need->n_services; i++) {
        YieldServed *state = need->services[i].state;
        if (need->services[i].distress != DISTRESS_NONE &&
            hold_is_on(&state->no_help, need->at_usec) && (state->domain & returns & stolen) &&
            !hold_is_on(&state->keeps, need->at_usec))
            hold_begin(&state->keeps, need->at_usec, NO_HELP_MIN_USEC, NO_HELP_MAX_USEC);
    }
}

static void forget_all(YieldLaw *law, const YieldNeed *need)
{
    *law = (YieldLaw){ 0 };
    for (size_t i = 0; i < need->n_services; i++)
        *need->services[i].state = (YieldServed){ 0 };
}

void yield_decide(YieldLaw *law, const YieldNeed *need, YieldUnit *units, size_t n_units)
{
    for (size_t i = 0; i < n_units; i++)
        prepare(&units[i], need);
    if (!need->running) {
        forget_all(law, need);
        return;
    }
    Scene scene = look_around(law, need);
    for (size_t i = 0; i < n_units; i++)
        units[i].squeezed = units[i].domains & scene.domains;
    find_trials(&scene, units, n_units);
    keep_what_harms(need, units, n_units);
    law->domains = scene.domains;
    law->trial = scene.trials != 0;
    squeeze(law, &scene, units, n_units);
    for (size_t i = 0; i < n_units; i++)
        follow_suffering(&units[i], need->at_usec);
    yield_calm(law, need, units, n_units);
}
