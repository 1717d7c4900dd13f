/* SPDX-License-Identifier: MIT */
/* The first thing to do is to stop the growth: a limit at what a unit uses now costs it nothing,
 * takes no reclaim, and ends the theft at once, because from then on each new page of the unit is
 * paid for by one of its own. What was stolen is reclaimed from the unit that has the most to give.
 * The best moment for that is before anything is stolen: when the host is about to reclaim, what
 * grows is stopped. It may be that there are pages that nobody would miss; so it is let grow again
 * now and then, and stopped as soon as a critical service loses by it.
 *
 * Only where a critical service goes on suffering the units shrink, one at a time, the one with the
 * most cold cache above its floor first; and it is measured whether that helps. If it does not, the
 * memory is given back and left alone for longer each time: the damage has another cause.
 *
 * Calm gives back in reverse order, a quarter every two seconds, until the unit has what it had.
 * One that takes whatever it gets would take all of it again: with how much the distress came back
 * is remembered, and the next time the way up stops short of that, for twice as long each time. */
#include "control/yield.h"

#include <string.h>

#include "control/floor.h"

/* Until the effect of steps is judged: the lag of PSI, and time to read what was lost. */
#define TRIES_USEC (6 * USEC_PER_SEC)
/* Less than a fifth better is not better. */
#define BETTER_PARTS     5
#define NO_HELP_MIN_USEC (30 * USEC_PER_SEC)
#define NO_HELP_MAX_USEC (1800 * USEC_PER_SEC)

/* Until a unit that pushes is tried near the limit where distress came back. */
#define PATIENCE_MIN_USEC (10 * USEC_PER_SEC)
#define PATIENCE_MAX_USEC (600 * USEC_PER_SEC)

/* The same where the host was about to reclaim, and nothing was stolen: what it wants more is
 * likely to be somebody's. */
#define BRINK_PATIENCE_USEC (60 * USEC_PER_SEC)
/* Smaller growth is not worth a limit. */
#define BRINK_GROWTH (4 * MIB)
/* Above the mark where the kernel begins to reclaim: a part of all memory, and no more than this,
 * which a fast disk fills between two looks. */
#define BRINK_PARTS 32
#define BRINK_MOST  (512 * MIB)

/* A page read again costs a fast disk's read. */
#define REFAULT_USEC 100

uint64_t yield_damage(const Sample *sample)
{
    uint64_t stalled = sample->memory_psi.valid ? sample->memory_psi.some_usec : 0;

    return add_u64(stalled, mul_u64(sample->refault_file, REFAULT_USEC));
}

/* Without pressure figures it could not be seen that it stalls. */
static bool is_out(const YieldUnit *unit)
{
    return unit->held || !unit->sample->memory_psi.valid;
}

static uint64_t floor_of(const YieldUnit *unit)
{
    return limit_floor(unit->sample, unit->config->min);
}

static LimitDecision keep(const YieldUnit *unit, LimitReason reason)
{
    return (LimitDecision){
        .want = unit->state->limited ? unit->state->limit : LIMIT_NONE,
        .reason = reason,
    };
}

static void let_go(YieldUnit *unit, LimitReason reason)
{
    unit->state->limited = unit->state->at_floor = false;
    unit->decision = keep(unit, reason);
}

/* What could be had from it: cache that is not in use, above its floor. */
static uint64_t yields(const YieldUnit *unit)
{
    const Sample *s = unit->sample;
    uint64_t use = unit->state->limited ? min_u64(unit->state->limit, s->current) : s->current;
    uint64_t cold = add_u64(s->inactive_file, sub_u64(s->active_file, s->file_mapped));

    return min_u64(cold, sub_u64(use, floor_of(unit)));
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

static void freeze(YieldUnit *unit)
{
    YieldState *state = unit->state;
    uint64_t floor = floor_of(unit);

    if (unit->sample->current <= floor) { /* nothing to gain */
        unit->decision = keep(unit, LIMIT_REASON_AT_MIN);
        return;
    }
    state->limited = true;
    state->at_floor = false;
    state->limit = state->use_before = unit->sample->current;
    unit->decision = keep(unit, LIMIT_REASON_FREEZE);
}

/* Distress came back while it was given back: no further than it came. */
static void stop_return(YieldUnit *unit, uint64_t now)
{
    YieldState *state = unit->state;
    uint64_t use = max_u64(unit->sample->current, floor_of(unit));

    state->stepped_usec = now;
    state->limit = min_u64(state->limit, use);
    if (!state->pushes)
        return;
    state->bad_limit = state->limit;
    hold_begin(&state->patience, now, PATIENCE_MIN_USEC, PATIENCE_MAX_USEC);
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
    uint64_t floor = floor_of(unit);

    state->stepped_usec = now;
    if (!rests_on(state, floor)) {
        uint64_t step = max_u64(state->limit / 8, LIMIT_STEP_MIN);
        state->limit = max_u64(sub_u64(state->limit, step), floor);
        state->at_floor = state->limit == floor;
    }
    unit->decision = keep(unit, state->at_floor ? LIMIT_REASON_AT_MIN : LIMIT_REASON_DISTRESS);
    unit->decision.reclaim = sub_u64(unit->sample->current, state->limit);
}

/* Makes room for what was stolen: or what comes back would have to be taken from somebody again. */
static void make_good(YieldUnit *unit, uint64_t lost)
{
    YieldState *state = unit->state;
    uint64_t taken = min_u64(lost, yields(unit));

    if (taken == 0)
        return;
    state->limit = sub_u64(min_u64(state->limit, unit->sample->current), taken);
    state->limit = max_u64(state->limit, floor_of(unit));
    unit->decision = keep(unit, LIMIT_REASON_DISTRESS);
    unit->decision.reclaim = sub_u64(unit->sample->current, state->limit);
}

/* NULL: nobody has anything to give. */
static YieldUnit *who_yields_most(YieldUnit *units, size_t n)
{
    YieldUnit *best = NULL;

    for (size_t i = 0; i < n; i++) {
        YieldUnit *unit = &units[i];
        if (is_out(unit) || !unit->competes || !unit->state->limited ||
            rests_on(unit->state, floor_of(unit)) || yields(unit) == 0)
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
        if (units[i].state->limited)
            stop_return(&units[i], need->at_usec);
}

static void squeeze(YieldLaw *law, const YieldNeed *need, YieldUnit *units, size_t n)
{
    bool fresh = false;

    if (!law->distress)
        begin_distress(law, need, units, n);
    law->distress = true;
    for (size_t i = 0; i < n; i++) {
        YieldUnit *unit = &units[i];
        if (is_out(unit) || !unit->competes)
            continue;
        unit->decision = keep(unit, LIMIT_REASON_HOLD);
        if (!unit->state->limited) {
            freeze(unit);
            fresh |= unit->state->limited;
            unit->state->stepped_usec = need->at_usec;
        }
    }
    YieldUnit *best = who_yields_most(units, n);
    if (!best) {
        for (size_t i = 0; i < n; i++)
            if (units[i].state->limited && units[i].state->at_floor)
                units[i].decision = keep(&units[i], LIMIT_REASON_AT_MIN);
        return;
    }
    if (fresh)
        return;
    make_good(best, need->lost);
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

/* Calm */

/* Near the limit with which distress came back, a unit that pushes waits. */
static bool may_rise(const YieldState *state, uint64_t to, uint64_t now)
{
    return !state->pushes || state->bad_limit == 0 ||
           to < state->bad_limit - state->bad_limit / 8 || !hold_is_on(&state->patience, now);
}

/* It has what it had; one that wants more goes on, to see whether there is room for that. */
static bool has_all(const YieldState *state)
{
    uint64_t enough = state->pushes ? mul_u64(state->use_before, 2) : state->use_before;

    return state->limit >= enough;
}

/* A quarter; around where distress has come back before, a sixteenth. */
static uint64_t next_up(const YieldState *state)
{
    uint64_t bad = state->bad_limit;
    bool careful = state->pushes && bad > 0 && state->limit >= bad - bad / 4 &&
                   state->limit < add_u64(bad, bad / 2);

    return add_u64(state->limit, max_u64(state->limit / (careful ? 16 : 4), LIMIT_STEP_MIN));
}

static void step_up(YieldLaw *law, YieldUnit *unit, uint64_t now, LimitReason reason)
{
    YieldState *state = unit->state;
    uint64_t to = next_up(state);

    unit->decision = keep(unit, LIMIT_REASON_HOLD);
    if (!may_rise(state, to, now))
        return;
    state->at_floor = false;
    state->limit = to;
    law->returned_usec = now;
    if (has_all(state))
        let_go(unit, LIMIT_REASON_CALM);
    else
        unit->decision = keep(unit, reason);
}

/* What it has now, and no more for a while. */
static void stop_at_brink(YieldUnit *unit, uint64_t now)
{
    YieldState *state = unit->state;
    uint64_t floor = floor_of(unit);

    state->limited = state->pushes = true;
    state->limit = state->use_before = max_u64(unit->sample->current, floor);
    state->at_floor = state->limit == floor;
    state->bad_limit = state->limit;
    state->stepped_usec = now;
    hold_begin(&state->patience, now, BRINK_PATIENCE_USEC, PATIENCE_MAX_USEC);
    unit->decision = keep(unit, LIMIT_REASON_FREEZE);
}

static bool grows_at_brink(const YieldUnit *unit)
{
    return unit->state->least > 0 &&
           unit->sample->current >= add_u64(unit->state->least, BRINK_GROWTH);
}

/* The last one that was squeezed comes first. */
static void give_back(YieldLaw *law, const YieldNeed *need, YieldUnit *units, size_t n,
                      LimitReason reason)
{
    YieldUnit *next = NULL;

    if (law->distress) {
        law->distress = false;
        law->returned_usec = need->at_usec;
    }
    for (size_t i = 0; i < n; i++) {
        YieldUnit *unit = &units[i];
        if (is_out(unit))
            continue;
        unit->decision = keep(unit, unit->state->limited ? LIMIT_REASON_HOLD : LIMIT_REASON_CALM);
        if (!unit->state->limited && grows_at_brink(unit))
            stop_at_brink(unit, need->at_usec);
        else if (!unit->state->limited)
            continue;
        if (may_rise(unit->state, next_up(unit->state), need->at_usec) &&
            (!next || unit->state->stepped_usec > next->state->stepped_usec))
            next = unit;
    }
    if (next && need->at_usec - law->returned_usec >= LIMIT_RETURN_USEC)
        step_up(law, next, need->at_usec, reason);
}

static void prepare(YieldUnit *unit, const YieldNeed *need)
{
    uint64_t least = unit->state->least > 0 ? unit->state->least : LIMIT_NONE;

    unit->decision = keep(unit, LIMIT_REASON_CALM);
    unit->state->least = need->brink ? min_u64(least, unit->sample->current) : 0;
    follow_push(unit);
    if (unit->held) {
        bool concerned = unit->state->limited || need->distress != DISTRESS_NONE;
        let_go(unit, concerned ? LIMIT_REASON_STALL : LIMIT_REASON_CALM);
    } else if (!unit->sample->memory_psi.valid) {
        let_go(unit, LIMIT_REASON_NO_PSI);
    } else if (!need->running) {
        *unit->state = (YieldState){ 0 };
        let_go(unit, LIMIT_REASON_CALM);
    } else if (unit->state->limited) { /* what cannot be reclaimed may have grown */
        unit->state->limit = max_u64(unit->state->limit, floor_of(unit));
    }
}

void yield_decide(YieldLaw *law, const YieldNeed *need, YieldUnit *units, size_t n_units)
{
    for (size_t i = 0; i < n_units; i++)
        prepare(&units[i], need);
    if (!need->running) {
        *law = (YieldLaw){ 0 };
        return;
    }
    if (need->distress == DISTRESS_NONE) {
        give_back(law, need, units, n_units, LIMIT_REASON_RETURN);
        return;
    }
    if (need->recovers)
        law->squeezing = false; /* nor is it measured then whether it helps */
    else if (!hold_is_on(&law->no_help, need->at_usec) && !helps(law, need)) {
        hold_begin(&law->no_help, need->at_usec, NO_HELP_MIN_USEC, NO_HELP_MAX_USEC);
        law->squeezing = false; /* the next time is measured anew */
    }
    /* To stop a theft costs nothing, whatever else did not help. */
    if (hold_is_on(&law->no_help, need->at_usec) && need->lost == 0 && !need->recovers)
        give_back(law, need, units, n_units, LIMIT_REASON_NO_HELP);
    else
        squeeze(law, need, units, n_units);
}

static bool is_at_limit(const YieldAncestor *a)
{
    return a->limit != LIMIT_NONE &&
           add_u64(a->current, max_u64(FLOOR_MARGIN, a->limit / 32)) >= a->limit;
}

const char *yield_domain(const YieldAncestor *ancestors, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_at_limit(&ancestors[i]))
            return i == 0 ? NULL : ancestors[i].path;
    return "/";
}

bool yield_competes(const char *domain, const char *path)
{
    size_t n = strlen(domain);

    if (strcmp(domain, "/") == 0)
        return true;
    return strncmp(domain, path, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static uint64_t brink_of(const YieldWatch *watch)
{
    return add_u64(watch->low, min_u64(watch->total / BRINK_PARTS, BRINK_MOST));
}

bool yield_is_brink(const YieldWatch *watch)
{
    return watch->reclaiming || watch->free < brink_of(watch);
}

/* Half of the time until the brink, as it goes. */
uint64_t yield_look_usec(const YieldWatch *watch)
{
    uint64_t left = sub_u64(watch->free, brink_of(watch)), usec = watch->interval_usec;

    if (!watch->critical || !watch->background)
        return usec;
    if (watch->fall > 0)
        usec = min_u64(usec, mul_u64(left, USEC_PER_SEC / 2) / watch->fall);
    if (yield_is_brink(watch) || watch->free < watch->total / 8)
        usec = 0;
    return min_u64(max_u64(usec, YIELD_LOOK_USEC), watch->interval_usec);
}
