/* SPDX-License-Identifier: MIT */
/* A limit at what a unit has and what the host has free costs the unit nothing, and must stand
 * before anything is short: a fast stream fills a host between two looks, and what it has stolen by
 * the second one comes back only as fast as it is read. Where a unit gets to such a limit, the host
 * has nothing left to give: what it wants more would be somebody's.
 *
 * It may be that there are pages that nobody would miss. So what was stopped is tried again now and
 * then, by steps that are small beside what a critical service has, and later each time that one
 * suffered by it. What the host has free meanwhile needs no trial, as far as it is not what
 * critical services have yet to read again. */
#include "control/yield_unit.h"

/* Growth that needs no room: less than this is no sign that a unit wants more. */
#define FREE_GROWTH (8 * MIB)
/* What a trial adds, of the limit. */
#define TRIAL_PARTS 32
/* And how long it takes to show. */
#define TRIAL_USEC (5 * USEC_PER_SEC)

/* Several seldom begin at once: each may take half. */
static uint64_t share(uint64_t room, size_t n)
{
    return n > 1 ? room / 2 : room;
}

/* Room */

static void go_ahead(YieldUnit *unit, uint64_t to)
{
    unit->state->limited = unit->state->ahead = true;
    unit->state->at_floor = false;
    unit->state->limit = to;
    unit->decision = yield_unit_keep(unit, LIMIT_REASON_ROOM);
}

static bool is_full(const YieldUnit *unit)
{
    return unit->state->limited &&
           add_u64(unit->sample->current, FREE_GROWTH / 2) >= unit->state->limit;
}

/* Not with every step of what comes and goes: a limit follows the room down by a 32nd of it, which
 * is no more than is left below the brink, and up by a quarter. */
void yield_follow_room(YieldUnit *unit, const YieldNeed *need, size_t n)
{
    YieldState *state = unit->state;
    uint64_t room = max_u64(share(need->host.left, n), FREE_GROWTH);
    uint64_t to = max_u64(add_u64(unit->sample->current, room), yield_unit_floor(unit));

    if (need->host.far || (!need->host.near && !state->limited)) {
        yield_unit_let_go(unit, LIMIT_REASON_CALM);
        return;
    }
    unit->decision = yield_unit_keep(unit, LIMIT_REASON_ROOM);
    if (is_full(unit) && room < LIMIT_STEP_MIN) {
        yield_unit_stop(unit, state->limit, need->at_usec, PATIENCE_HOST_USEC);
        state->domains = YIELD_HOST;
    } else if (!state->limited || state->limit >= add_u64(to, max_u64(room / 32, LIMIT_STEP_MIN)) ||
               to >= add_u64(state->limit, max_u64(room / 4, LIMIT_STEP_MIN)))
        go_ahead(unit, to);
}

/* Giving back */

/* It has what it had; one that wants more goes on, to see whether there is room for that. */
static bool has_all(const YieldState *state)
{
    uint64_t enough = state->pushes ? mul_u64(state->use_before, 2) : state->use_before;

    return state->limit >= enough;
}

/* Squeezing a unit helped or did not, as those feel for whom it was, and nobody else. */
static bool was_for(const YieldState *state, const YieldService *service)
{
    return (state->domains & service->state->domain) != 0;
}

/* Why what was taken is given back. */
static LimitReason why_return(const YieldNeed *need, const YieldState *state)
{
    LimitReason reason = LIMIT_REASON_RETURN;

    for (size_t i = 0; i < need->n_services; i++) {
        const YieldService *service = &need->services[i];
        if (!was_for(state, service))
            continue;
        if (service->state->helped)
            return LIMIT_REASON_RETURN;
        if (service->distress != DISTRESS_NONE && !service->state->suffers)
            reason = LIMIT_REASON_NO_HELP;
    }
    return reason;
}

/* What squeezing took in vain; where the host is full no more than that, which would be somebody's.
 */
static uint64_t back(const YieldNeed *need, const YieldState *state, uint64_t quarter, bool full)
{
    for (size_t i = 0; i < need->n_services; i++)
        if (was_for(state, &need->services[i]) &&
            hold_is_on(&need->services[i].state->keeps, need->at_usec))
            return state->limit;
    return full ? min_u64(quarter, max_u64(state->limit, state->use_before)) : quarter;
}

/* To what the host has room for, besides what critical services have yet to read again. */
static uint64_t fill(const YieldLaw *law, const YieldUnit *unit, const YieldNeed *need, size_t n)
{
    uint64_t room = share(sub_u64(need->host.left, law->owed), n);

    if (yield_unit_is_elsewhere(unit) || room < LIMIT_STEP_MIN)
        return 0;
    return add_u64(unit->sample->current, room);
}

typedef struct Step {
    uint64_t to;
    bool trial; /* it may do harm */
    LimitReason reason;
} Step;

/* Where it leads to the limit that there is, it is not the time for one. */
static Step next_up(const YieldLaw *law, const YieldUnit *unit, const YieldNeed *need, size_t n)
{
    const YieldState *state = unit->state;
    LimitReason reason = why_return(need, state);
    uint64_t limit = state->limit, room = fill(law, unit, need, n);
    uint64_t quarter = add_u64(limit, max_u64(limit / 4, LIMIT_STEP_MIN));
    uint64_t near_bad = state->bad_limit - state->bad_limit / 8;
    bool full = need->host.near && !yield_unit_is_elsewhere(unit);

    if (reason == LIMIT_REASON_NO_HELP)
        return (Step){ .to = back(need, state, quarter, full), .reason = reason };
    if (room > limit)
        return (Step){ .to = room, .reason = reason };
    if (!state->pushes)
        return (Step){ .to = quarter, .reason = reason };
    if (!full && limit < near_bad)
        return (Step){ .to = min_u64(quarter, near_bad), .reason = reason };
    if (hold_is_on(&state->patience, need->at_usec) ||
        need->at_usec - state->raised_usec < TRIAL_USEC)
        return (Step){ .to = limit, .reason = reason };
    uint64_t little = add_u64(limit, max_u64(limit / TRIAL_PARTS, LIMIT_STEP_MIN));
    bool far = !full && limit >= add_u64(state->bad_limit, state->bad_limit / 2);
    return (Step){ .to = far ? quarter : little, .trial = true, .reason = reason };
}

/* What was lost elsewhere than in @domains, or just there; of those that suffer it is made good. */
static void forget_due(const YieldNeed *need, uint64_t domains, bool elsewhere)
{
    for (size_t i = 0; i < need->n_services; i++) {
        const YieldService *service = &need->services[i];
        if (!service->state->suffers && elsewhere == !(service->domain & domains))
            service->state->due = 0;
    }
}

static void step_up(YieldUnit *unit, Step step, const YieldNeed *need)
{
    YieldState *state = unit->state;

    state->raised_usec = need->at_usec;
    forget_due(need, unit->domains, false);
    state->at_floor = false;
    state->good = step.trial ? state->limit : step.to;
    state->limit = step.to;
    unit->decision = yield_unit_keep(unit, step.reason);
    if (!has_all(state))
        return;
    if (need->host.near)
        state->ahead = true;
    else
        yield_unit_let_go(unit,
                          step.reason == LIMIT_REASON_RETURN ? LIMIT_REASON_CALM : step.reason);
}

static void begin_calm(YieldLaw *law, const YieldNeed *need, const YieldUnit *units, size_t n)
{
    uint64_t waits = 0, tries = 0, squeezed = 0;

    for (size_t i = 0; i < n; i++) {
        const YieldState *state = units[i].state;
        waits |= hold_is_on(&state->patience, need->at_usec) ? state->domains : 0;
        tries |= yield_unit_is_tried(&units[i]) ? units[i].domains : 0;
        squeezed |= state->limited && !state->ahead ? state->domains : 0;
    }
    if (!(waits & YIELD_HOST))
        law->owed = 0;
    forget_due(need, tries, true);
    for (size_t i = 0; i < need->n_services; i++) {
        YieldServed *state = need->services[i].state;
        if (state->domain & squeezed)
            continue;
        state->helped = false;
        if (need->services[i].distress == DISTRESS_NONE)
            state->domain = 0;
    }
}

/* Where somebody was given more, or suffered, a moment ago: what that does has yet to show. */
static uint64_t where_it_rests(const YieldNeed *need, const YieldUnit *units, size_t n)
{
    uint64_t domains = 0;

    for (size_t i = 0; i < n; i++) {
        const YieldState *state = units[i].state;
        if (need->at_usec - max_u64(state->raised_usec, state->calm_usec) < LIMIT_RETURN_USEC)
            domains |= state->domains;
    }
    return domains;
}

/* The last one that was squeezed comes first. NULL: nobody. */
static YieldUnit *who_returns_next(const YieldLaw *law, const YieldNeed *need, YieldUnit *units,
                                   size_t n, uint64_t rests)
{
    YieldUnit *next = NULL;

    for (size_t i = 0; i < n; i++) {
        YieldUnit *unit = &units[i];
        if (yield_unit_is_out(unit) || unit->squeezed != 0 || !unit->state->limited ||
            unit->state->ahead || (unit->state->domains & rests) ||
            next_up(law, unit, need, n).to <= unit->state->limit)
            continue;
        if (!next || unit->state->stepped_usec > next->state->stepped_usec)
            next = unit;
    }
    return next;
}

/* One after the other, below each cgroup that memory was short of. */
static void give_back(const YieldLaw *law, const YieldNeed *need, YieldUnit *units, size_t n)
{
    uint64_t rests = where_it_rests(need, units, n);

    for (size_t i = 0; i < n; i++) {
        YieldUnit *next = who_returns_next(law, need, units, n, rests);
        if (!next)
            break;
        step_up(next, next_up(law, next, need, n), need);
        rests |= next->state->domains;
    }
}

/* It is not for calm that it has no limit. */
static bool is_left_in_vain(const YieldUnit *unit, const YieldNeed *need)
{
    for (size_t i = 0; i < need->n_services; i++) {
        const YieldService *service = &need->services[i];
        if (service->distress != DISTRESS_NONE && (service->domain & unit->domains) &&
            hold_is_on(&service->state->no_help, need->at_usec))
            return true;
    }
    return false;
}

void yield_calm(YieldLaw *law, const YieldNeed *need, YieldUnit *units, size_t n)
{
    begin_calm(law, need, units, n);
    for (size_t i = 0; i < n; i++) {
        YieldUnit *unit = &units[i];
        if (yield_unit_is_out(unit) || unit->squeezed != 0)
            continue;
        if (!unit->state->limited || unit->state->ahead) {
            yield_follow_room(unit, need, n);
            if (!unit->state->limited && is_left_in_vain(unit, need))
                unit->decision = yield_unit_keep(unit, LIMIT_REASON_NO_HELP);
            continue;
        }
        unit->decision = yield_unit_keep(unit, LIMIT_REASON_HOLD);
    }
    give_back(law, need, units, n);
}
