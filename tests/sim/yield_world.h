/* SPDX-License-Identifier: MIT */
#pragma once

/* A critical service that reads single pages of a file of 256 MiB, and background units beside it,
 * on a host of 1 GiB, with `yield` deciding as the daemon has it decide; or another critical one
 * beside them. */

#include "control/limit.h"
#include "sim/plant.h"

#define MB         1048576.0
#define SHOP_FILE  (256 * MB)
#define BACKGROUND 2
#define CRITICAL   2
#define OTHER      (1 + BACKGROUND) /* the other critical one, of all units */

/* What the controller knows of a critical service. */
typedef struct Shop {
    DistressState distress;
    YieldServed served;
    uint64_t stolen;
    unsigned episodes;
    bool hopeless; /* at some time nobody was squeezed for it, because that had not helped */
} Shop;

/* What it tells of @sample, which suffers as @distress says; below which place, the caller adds. */
YieldService shop_service(Shop *shop, DistressReason distress, const Sample *sample);

typedef struct YieldWorld {
    Unit units[CRITICAL + BACKGROUND]; /* the first is critical, and the last one, if it is there */
    Host host;
    Host slice; /* of the second half of them, if it has memory of its own: size > 0 */
    Shop shops[CRITICAL];
    size_t n_shops;
    LimitConfig config;
    YieldLaw law;
    LimitState states[BACKGROUND];
    bool competes[BACKGROUND];
    bool gone[BACKGROUND]; /* it is between two of its cgroups */
    bool in_slice;         /* they compete for the memory of a slice */
    bool stopped;          /* the critical service */
    bool restarting;       /* it is between two of its cgroups */
    bool paused;           /* see yield_world_pause() */
    bool lawless;          /* nobody decides anything */
    double late;           /* by how much looks may be late at most, seconds */
    double wavers;         /* by how much what else is there does, bytes */
    Dice dice;
    uint64_t want[BACKGROUND];
    double next;
    double taken; /* by the host's reclaim and all others', pages, at the last look */
    uint64_t free;
    double harmed; /* when a critical service last suffered, or lost pages by a trial */
    LimitReason reasons[BACKGROUND];
    double held_until[BACKGROUND]; /* it stalled under its limit */
    unsigned no_help, stalls;
} YieldWorld;

void yield_world_init(YieldWorld *w, double reads_a_second);
/* Another critical service, without a file yet. */
void yield_world_add(YieldWorld *w);
/* On a host with room for all there are two slices, each with memory of its own: the first service
 * and the first background unit, and the others. */
void yield_world_split(YieldWorld *w, double first, double second);
void yield_world_run(YieldWorld *w, double until);

/* By hand: all is given back, and nothing is decided; or it goes on. */
void yield_world_pause(YieldWorld *w, bool pause);

/* They get another cgroup: a unit of systemd's with the limit that the old one had, any other with
 * none. */
void yield_world_restart(YieldWorld *w, size_t i, bool is_unit);
void yield_world_restart_critical(YieldWorld *w, double reads_a_second);

/* Of the critical service's file, MiB. */
double yield_world_kept(const YieldWorld *w);
