/* SPDX-License-Identifier: MIT */
#include "control/yield_unit.h"

#include "control/floor.h"

bool yield_unit_is_out(const YieldUnit *unit)
{
    return unit->above || unit->held || !unit->sample->memory_psi.valid;
}

uint64_t yield_unit_floor(const YieldUnit *unit)
{
    return limit_floor(unit->sample, unit->config->min);
}

bool yield_unit_is_tried(const YieldUnit *unit)
{
    const YieldState *state = unit->state;

    return state->limited && !state->ahead && state->good < state->limit;
}

bool yield_unit_is_elsewhere(const YieldUnit *unit)
{
    return (unit->state->domains & ~YIELD_HOST) != 0;
}

LimitDecision yield_unit_keep(const YieldUnit *unit, LimitReason reason)
{
    return (LimitDecision){
        .want = unit->state->limited ? unit->state->limit : LIMIT_NONE,
        .reason = reason,
    };
}

void yield_unit_let_go(YieldUnit *unit, LimitReason reason)
{
    unit->state->limited = unit->state->ahead = unit->state->at_floor = false;
    unit->decision = yield_unit_keep(unit, reason);
}

void yield_unit_stop(YieldUnit *unit, uint64_t limit, uint64_t now_usec, uint64_t patience_usec)
{
    YieldState *state = unit->state;
    uint64_t floor = yield_unit_floor(unit);

    state->limited = true;
    state->ahead = false;
    state->limit = max_u64(limit, floor);
    state->at_floor = state->limit == floor;
    state->use_before = state->good = state->bad_limit = state->limit;
    state->stepped_usec = now_usec;
    hold_begin(&state->patience, now_usec, patience_usec, PATIENCE_MAX_USEC);
    unit->decision = yield_unit_keep(unit, LIMIT_REASON_FREEZE);
}
