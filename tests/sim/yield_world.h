/* SPDX-License-Identifier: MIT */
#pragma once

/* A critical service that reads single pages of a file of 256 MiB, and background units beside it,
 * on a host of 1 GiB, with `yield` deciding as the daemon has it decide. */

#include "control/yield.h"
#include "sim/plant.h"

#define MB         1048576.0
#define SHOP_FILE  (256 * MB)
#define BACKGROUND 2

typedef struct YieldWorld {
    Unit units[1 + BACKGROUND]; /* the first is critical */
    Host host;
    DistressState distress;
    LimitConfig config;
    YieldLaw law;
    YieldState states[BACKGROUND];
    bool competes[BACKGROUND];
    bool in_slice; /* they compete for the memory of a slice */
    bool stopped;  /* the critical service */
    bool lawless;  /* nobody decides anything */
    double late;   /* by how much looks may be late at most, seconds */
    double wavers; /* by how much what else is there does, bytes */
    Dice dice;
    uint64_t want[BACKGROUND];
    double next;
    double taken; /* by the host's reclaim and all others', pages, at the last look */
    uint64_t stolen, free;
    LimitReason reasons[BACKGROUND];
    unsigned episodes, no_help;
} YieldWorld;

void yield_world_init(YieldWorld *w, double reads_a_second);
void yield_world_run(YieldWorld *w, double until);

/* Of the critical service's file, MiB. */
double yield_world_kept(const YieldWorld *w);
