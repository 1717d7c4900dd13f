/* SPDX-License-Identifier: MIT */
#pragma once

/* Limits of a controller before us that could not be put back at the start, because the bus was
 * away. A unit that is governed has a limiter that knows of them; the others are put back from
 * here, when there is a bus again. Never do both act on one unit. */

#include "daemon/governed.h"
#include "daemon/limiter.h"

typedef struct Leftovers {
    const Host *host; /* borrowed */
    Limiter **limiters;
    size_t n;
    bool may_act; /* it is known who is governed */
} Leftovers;

/* All that the ledger has: after restore_limits(), before any target is there. */
int leftovers_take(Leftovers *leftovers, Host *host);

/* All units that run were listed: what has a policy has a target by now. */
void leftovers_note_listed(Leftovers *leftovers);

/* Begins, or goes on, from the first list on. What a target asks systemd about may become its
 * target's, and waits for the answer. */
void leftovers_act(Leftovers *leftovers, const Governed *governed);

/* Something that was begun from here is under way: nobody else may change the unit's limit. NULL
 * are none. */
bool leftovers_are_busy_with(const Leftovers *leftovers, const char *unit);

/* Begins nothing any more, and wants no outcome. */
void leftovers_clear(Leftovers *leftovers);
