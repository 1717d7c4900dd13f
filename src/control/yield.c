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
 * most cold cache above its floor first; and it is measured whether that helps. If it does not, the
 * memory is given back and left alone for longer each time: the damage has another cause. */
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

/* In distress */

static uint64_t patience(const YieldNeed *need, const YieldUnit *unit)
{
    return need->host.near && !unit->elsewhere ? PATIENCE_HOST_USEC : PATIENCE_MIN_USEC;
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
    state->elsewhere = unit->elsewhere;
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
static void make_good(YieldLaw *law, const YieldNeed *need, YieldUnit *unit)
{
    YieldState *state = unit->state;
    uint64_t missing = unit->elsewhere ? 0 : need->host.missing;
    uint64_t due = min_u64(law->due, need->lacks);
    uint64_t taken = due > 0 ? min_u64(add_u64(due, missing), yields(unit)) : 0;

    if (taken == 0)
        return;
    law->owed = add_u64(law->owed, due);
    law->due = 0;
    state->limit = sub_u64(min_u64(state->limit, unit->sample->current), taken);
    state->limit = max_u64(state->limit, yield_unit_floor(unit));
    unit->decision = yield_unit_keep(unit, LIMIT_REASON_DISTRESS);
    unit->decision.reclaim = sub_u64(unit->sample->current, state->limit);
}

/* NULL: nobody has anything to give. */
static YieldUnit *who_yields_most(YieldUnit *units, size_t n)
{
    YieldUnit *best = NULL;

    for (size_t i = 0; i < n; i++) {
        YieldUnit *unit = &units[i];
        if (yield_unit_is_out(unit) || !unit->competes || !unit->state->limited ||
            rests_on(unit->state, yield_unit_floor(unit)) || yields(unit) == 0)
            continue;
        if (!best || yields(unit) > yields(best))
            best = unit;
    }
    return best;
}

/* How much the critical services feel, a second, since it was last measured. */
static uint64_t measure(YieldLaw *law, const YieldNeed *need)
{
    uint64_t elapsed = max_u64(need->at_usec - law->measured_usec, 1);
    uint64_t rate = mul_u64(sub_u64(need->damage, law->measured_damage), USEC_PER_SEC) / elapsed;

    law->measured_usec = need->at_usec;
    law->measured_damage = need->damage;
    return rate;
}

/* After some steps: do they feel less than before the first one? */
static bool helps(YieldLaw *law, const YieldNeed *need)
{
    if (!need->measured || !law->squeezing || need->at_usec - law->measured_usec < TRIES_USEC)
        return true;
    uint64_t rate = measure(law, need);
    return rate == 0 || rate < law->rate - law->rate / BETTER_PARTS;
}

static void begin_distress(YieldLaw *law, const YieldNeed *need, YieldUnit *units, size_t n)
{
    law->squeezing = false;
    law->measured_usec = need->at_usec;
    law->measured_damage = need->damage;
    for (size_t i = 0; i < n; i++)
        if (units[i].state->limited && !units[i].state->ahead && units[i].competes)
            stop_return(&units[i], need);
}

static void squeeze(YieldLaw *law, const YieldNeed *need, YieldUnit *units, size_t n)
{
    bool fresh = false;

    if (!law->distress)
        begin_distress(law, need, units, n);
    law->distress = true;
    for (size_t i = 0; i < n; i++) {
        YieldUnit *unit = &units[i];
        if (yield_unit_is_out(unit))
            continue;
        bool limited = unit->state->limited;
        unit->decision = yield_unit_keep(unit, LIMIT_REASON_HOLD);
        if (!unit->competes) {
            if (!limited || unit->state->ahead)
                yield_follow_room(unit, need, n);
        } else if (!limited || unit->state->ahead) {
            freeze(unit, need);
            fresh |= unit->state->limited && !limited;
        }
    }
    YieldUnit *best = who_yields_most(units, n);
    if (!best) {
        for (size_t i = 0; i < n; i++)
            if (units[i].state->limited && units[i].state->at_floor)
                units[i].decision = yield_unit_keep(&units[i], LIMIT_REASON_AT_MIN);
        return;
    }
    if (fresh)
        return;
    make_good(law, need, best);
    if (need->distress == DISTRESS_STOLEN || hold_is_on(&law->no_help, need->at_usec) ||
        need->recovers)
        return;
    for (size_t i = 0; i < n; i++)
        if (units[i].state->limited &&
            need->at_usec - units[i].state->stepped_usec < LIMIT_STEP_USEC)
            return;
    if (!law->squeezing) { /* what it is before the first step */
        law->squeezing = true;
        law->rate = measure(law, need);
    }
    step_down(best, need->at_usec);
}

static void prepare(YieldUnit *unit, const YieldNeed *need)
{
    unit->decision = yield_unit_keep(unit, LIMIT_REASON_CALM);
    follow_push(unit);
    if (unit->above) {
        yield_unit_let_go(unit, LIMIT_REASON_INSIDE);
    } else if (unit->held) {
        bool concerned = unit->state->limited || need->distress != DISTRESS_NONE;
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

/* A trial has cost somebody's pages: that is sign enough, for those that are tried. */
static bool trial_harms(const YieldLaw *law, YieldUnit *units, size_t n)
{
    bool tries = false;

    for (size_t i = 0; i < n && law->due >= TRIAL_LOSS; i++) {
        units[i].competes = yield_unit_is_tried(&units[i]);
        units[i].elsewhere = units[i].state->elsewhere;
        tries |= units[i].competes;
    }
    return tries;
}

/* Where the host has room, nobody's memory would help; unless pages are stolen all the same. */
static void find_competitors(const YieldNeed *need, YieldUnit *units, size_t n)
{
    if (need->distress == DISTRESS_STOLEN || need->lost > 0 || need->host.left < ROOM_ENOUGH)
        return;
    for (size_t i = 0; i < n; i++)
        units[i].competes &= units[i].elsewhere;
}

/* While it is given back because squeezing does not help, pages are stolen: then that helps still
 * less. */
static bool return_harms(const YieldLaw *law, const YieldNeed *need, const YieldUnit *units,
                         size_t n)
{
    bool raised = false;

    for (size_t i = 0; i < n; i++)
        raised |= units[i].state->limited &&
                  units[i].state->raised_usec > units[i].state->stepped_usec;
    return raised && !law->distress && need->lost > 0;
}

static void decide_in_distress(YieldLaw *law, const YieldNeed *need, YieldUnit *units, size_t n)
{
    find_competitors(need, units, n);
    if (need->recovers)
        law->squeezing = false; /* nor is it measured then whether it helps */
    else if (!hold_is_on(&law->no_help, need->at_usec) && !helps(law, need)) {
        hold_begin(&law->no_help, need->at_usec, NO_HELP_MIN_USEC, NO_HELP_MAX_USEC);
        law->squeezing = false; /* the next time is measured anew */
    }
    if (hold_is_on(&law->no_help, need->at_usec) && return_harms(law, need, units, n) &&
        !hold_is_on(&law->keeps, need->at_usec))
        hold_begin(&law->keeps, need->at_usec, NO_HELP_MIN_USEC, NO_HELP_MAX_USEC);
    /* To stop a theft costs nothing, whatever else did not help. */
    if (hold_is_on(&law->no_help, need->at_usec) && need->lost == 0 && !need->recovers)
        yield_calm(law, need, units, n, LIMIT_REASON_NO_HELP);
    else
        squeeze(law, need, units, n);
}

void yield_decide(YieldLaw *law, const YieldNeed *need, YieldUnit *units, size_t n_units)
{
    for (size_t i = 0; i < n_units; i++)
        prepare(&units[i], need);
    if (!need->running) {
        *law = (YieldLaw){ 0 };
        return;
    }
    law->due = add_u64(law->due, need->lost);
    if (need->distress != DISTRESS_NONE) {
        decide_in_distress(law, need, units, n_units);
    } else if (trial_harms(law, units, n_units)) {
        YieldNeed sign = *need;
        sign.distress = DISTRESS_STOLEN;
        squeeze(law, &sign, units, n_units);
    } else {
        yield_calm(law, need, units, n_units, LIMIT_REASON_RETURN);
    }
}
