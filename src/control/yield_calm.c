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
    if (is_full(unit) && room < LIMIT_STEP_MIN)
        yield_unit_stop(unit, state->limit, need->at_usec, PATIENCE_HOST_USEC);
    else if (!state->limited || state->limit >= add_u64(to, max_u64(room / 32, LIMIT_STEP_MIN)) ||
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

/* What squeezing took in vain; where the host is full no more than that, which would be somebody's.
 */
static uint64_t back(const YieldLaw *law, const YieldState *state, uint64_t now, uint64_t quarter,
                     bool full)
{
    if (hold_is_on(&law->keeps, now))
        return state->limit;
    return full ? min_u64(quarter, max_u64(state->limit, state->use_before)) : quarter;
}

/* To what the host has room for, besides what critical services have yet to read again. */
static uint64_t fill(const YieldLaw *law, const YieldUnit *unit, const YieldNeed *need, size_t n)
{
    uint64_t room = share(sub_u64(need->host.left, law->owed), n);

    if (unit->state->elsewhere || room < LIMIT_STEP_MIN)
        return 0;
    return add_u64(unit->sample->current, room);
}

typedef struct Step {
    uint64_t to;
    bool trial; /* it may do harm */
} Step;

/* Where it leads to the limit that there is, it is not the time for one. */
static Step next_up(const YieldLaw *law, const YieldUnit *unit, const YieldNeed *need, size_t n,
                    LimitReason reason)
{
    const YieldState *state = unit->state;
    uint64_t limit = state->limit, room = fill(law, unit, need, n);
    uint64_t quarter = add_u64(limit, max_u64(limit / 4, LIMIT_STEP_MIN));
    uint64_t near_bad = state->bad_limit - state->bad_limit / 8;
    bool full = need->host.near && !state->elsewhere;

    if (reason == LIMIT_REASON_NO_HELP)
        return (Step){ .to = back(law, state, need->at_usec, quarter, full) };
    if (room > limit)
        return (Step){ .to = room };
    if (!state->pushes)
        return (Step){ .to = quarter };
    if (!full && limit < near_bad)
        return (Step){ .to = min_u64(quarter, near_bad) };
    if (hold_is_on(&state->patience, need->at_usec) ||
        need->at_usec - state->raised_usec < TRIAL_USEC)
        return (Step){ .to = limit };
    uint64_t little = add_u64(limit, max_u64(limit / TRIAL_PARTS, LIMIT_STEP_MIN));
    bool far = !full && limit >= add_u64(state->bad_limit, state->bad_limit / 2);
    return (Step){ .to = far ? quarter : little, .trial = true };
}

/* Of those that suffer it is made good. */
static void forget_due(const YieldNeed *need)
{
    for (size_t i = 0; i < need->n_services; i++)
        if (!need->services[i].state->suffers)
            need->services[i].state->due = 0;
}

static void step_up(YieldLaw *law, YieldUnit *unit, Step step, const YieldNeed *need,
                    LimitReason reason)
{
    YieldState *state = unit->state;

    law->returned_usec = state->raised_usec = need->at_usec;
    forget_due(need);
    state->at_floor = false;
    state->good = step.trial ? state->limit : step.to;
    state->limit = step.to;
    unit->decision = yield_unit_keep(unit, reason);
    if (!has_all(state))
        return;
    if (need->host.near)
        state->ahead = true;
    else
        yield_unit_let_go(unit, LIMIT_REASON_CALM);
}

static void begin_calm(YieldLaw *law, const YieldNeed *need, const YieldUnit *units, size_t n)
{
    bool waits = false, tries = false, squeezed = false;

    for (size_t i = 0; i < n; i++) {
        waits |= hold_is_on(&units[i].state->patience, need->at_usec);
        tries |= yield_unit_is_tried(&units[i]);
        squeezed |= units[i].state->limited && !units[i].state->ahead;
    }
    if (!waits)
        law->owed = 0;
    if (!tries)
        forget_due(need);
    for (size_t i = 0; i < need->n_services && !squeezed; i++)
        need->services[i].state->helped = false;
}

/* The last one that was squeezed comes first. */
void yield_calm(YieldLaw *law, const YieldNeed *need, YieldUnit *units, size_t n,
                LimitReason reason)
{
    YieldUnit *next = NULL;

    begin_calm(law, need, units, n);
    for (size_t i = 0; i < n; i++) {
        YieldUnit *unit = &units[i];
        if (yield_unit_is_out(unit) || unit->squeezed != 0)
            continue;
        if (!unit->state->limited || unit->state->ahead) {
            yield_follow_room(unit, need, n);
            continue;
        }
        unit->decision = yield_unit_keep(unit, LIMIT_REASON_HOLD);
        if (next_up(law, unit, need, n, reason).to > unit->state->limit &&
            (!next || unit->state->stepped_usec > next->state->stepped_usec))
            next = unit;
    }
    if (next && need->at_usec - law->returned_usec >= LIMIT_RETURN_USEC)
        step_up(law, next, next_up(law, next, need, n, reason), need, reason);
}
