/* SPDX-License-Identifier: MIT */
#pragma once

/* What `yield` has to know of the host: how much room there is, who competes with whom, and when to
 * look again. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/units.h"

/* A cgroup from the service's own (first) up to just below the root. */
typedef struct YieldAncestor {
    const char *path;
    uint64_t current;
    uint64_t limit; /* the lower of memory.high and memory.max; LIMIT_NONE: none */
} YieldAncestor;

/* Below which cgroup memory is short: the nearest one that is at its limit, "/" for the host. NULL:
 * the service is at its own limit, and nobody else's memory would help it. */
const char *yield_domain(const YieldAncestor *ancestors, size_t n);

/* The host, as the last look found it. */
typedef struct YieldWatch {
    bool critical, background; /* some unit of each kind is running, the latter under `yield` */
    uint64_t free;             /* MemFree, bytes */
    uint64_t fall;             /* by which it fell since the look before, a second */
    uint64_t total;            /* MemTotal, bytes */
    uint64_t low;              /* below this much kswapd reclaims: bytes */
    bool reclaiming;           /* it did, since the look before */
    uint64_t interval_usec;    /* between two looks usually */
} YieldWatch;

#define YIELD_LOOK_USEC (100 * USEC_PER_MSEC)

/* How soon to look again. Reclaim that takes a critical service's pages causes no pressure, so no
 * trigger tells of it. */
uint64_t yield_look_usec(const YieldWatch *watch);

/* Reclaim is about to begin, or has. */
bool yield_is_brink(const YieldWatch *watch);

/* What the host can give before it reclaims, with something left for what nobody asked about. */
typedef struct YieldRoom {
    bool near;        /* it could be full before the next look, */
    bool far;         /* or it is by no means; both are false between the two */
    uint64_t left;    /* bytes until the brink */
    uint64_t missing; /* or below it */
} YieldRoom;

YieldRoom yield_room(const YieldWatch *watch);
