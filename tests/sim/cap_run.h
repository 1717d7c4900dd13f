/* SPDX-License-Identifier: MIT */
#pragma once

/* A cap on the page cache in a closed loop with one unit, with a brake beside it or without; each
 * decision is judged. */

#include <math.h>
#include <stdio.h>

#include "control/cache_cap.h"
#include "control/limit.h"
#include "sim/plant.h"

#define CAP_TURNS 6 /* of memory.high, in any minute, at most */

typedef struct CapRun {
    Unit unit;
    double now, next;
    CapContext context;
    CapState state;
    CapDecision last;
    double dirty; /* bytes that come on top, and are not written */
    /* the brake */
    bool brake;
    LimitState limit;
    LimitDecision limited;
    double felt_at, felt; /* as a trigger of the kernel measures */
    double let_go_at;
    double turned[CAP_TURNS]; /* when: the last ones */
    unsigned changes, turns, let_go;
    int direction;
    double braked_seconds;
    /* what was seen */
    double highest, lowest; /* bytes of cache, once the cap was reached */
    bool settled;           /* since it was last given up, something was taken */
    unsigned trims, given_up;
    double given_up_seconds;
    double refaults, stalled; /* while it was not given up */
} CapRun;

void cap_run_init(CapRun *run, double cap);
void cap_run_step(CapRun *run);
void cap_run_for(CapRun *run, double seconds);
