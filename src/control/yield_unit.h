/* SPDX-License-Identifier: MIT */
#pragma once

/* What distress and calm both have to know of a background unit: for control/yield*.c. */

#include "control/yield.h"

/* Until a unit that pushes is tried near the limit where distress came. */
#define PATIENCE_MIN_USEC (10 * USEC_PER_SEC)
#define PATIENCE_MAX_USEC (600 * USEC_PER_SEC)
/* The same where the host has nothing left: what it wants more is likely to be somebody's. */
#define PATIENCE_HOST_USEC (60 * USEC_PER_SEC)

/* Nothing is decided about it: it is held, or it could not be seen that it stalls. */
bool yield_unit_is_out(const YieldUnit *unit);

uint64_t yield_unit_floor(const YieldUnit *unit);

/* It was given more than what did no harm before. */
bool yield_unit_is_tried(const YieldUnit *unit);

/* Short was the memory of a slice: what the host has does not count. */
bool yield_unit_is_elsewhere(const YieldUnit *unit);

LimitDecision yield_unit_keep(const YieldUnit *unit, LimitReason reason);

void yield_unit_let_go(YieldUnit *unit, LimitReason reason);

/* No more than @limit, with which somebody suffers, or would soon; and not near that for a while.
 */
void yield_unit_stop(YieldUnit *unit, uint64_t limit, uint64_t now_usec, uint64_t patience_usec);

/* What a unit may have that gave nothing up: what it has, and what the host has room for. */
void yield_follow_room(YieldUnit *unit, const YieldNeed *need, size_t n_units);

/* Of those that nobody suffers from: lets units grow as far as the host has room, and gives back
 * what was taken. */
void yield_calm(YieldLaw *law, const YieldNeed *need, YieldUnit *units, size_t n_units);
