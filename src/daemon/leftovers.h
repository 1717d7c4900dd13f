/* SPDX-License-Identifier: MIT */
#pragma once

/* Limits of a controller before us that could not be put back at the start, because the bus was
 * away. A unit that is governed has a limiter that knows of them; the others are put back from
 * here, when there is a bus again. */

#include "daemon/governed.h"
#include "daemon/limiter.h"

typedef struct Leftovers {
    const Host *host; /* borrowed */
    Limiter **limiters;
    size_t n;
} Leftovers;

/* All that the ledger has: after restore_limits(), before any target is there. */
int leftovers_take(Leftovers *leftovers, Host *host);

/* When all units that run were listed: begins, or goes on. */
void leftovers_act(Leftovers *leftovers, const Governed *governed);

/* Begins nothing any more, and wants no outcome. */
void leftovers_clear(Leftovers *leftovers);
