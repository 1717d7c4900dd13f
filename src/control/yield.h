/* SPDX-License-Identifier: MIT */
#pragma once

/* `yield`: background units give way while a critical service suffers. Pure: a decision about all
 * of them together, each time that they were looked at. */

#include "control/decision.h"
#include "control/distress.h"
#include "control/hold.h"

/* Between two steps down: what a step did shows within a tick. */
#define LIMIT_STEP_USEC USEC_PER_SEC
/* Between two steps up: slower than down, because what a critical service lost comes back only as
 * fast as it is read. */
#define LIMIT_RETURN_USEC (2 * USEC_PER_SEC)
/* Smaller steps do not show. */
#define LIMIT_STEP_MIN (16 * MIB)

/* One background unit. All zero is the state of one never squeezed. */
typedef struct YieldState {
    bool limited;
    bool at_floor;       /* the limit is the floor, or was when it was set */
    bool pushes;         /* it takes what it gets: it is at its limit */
    uint64_t limit;      /* bytes */
    uint64_t use_before; /* memory.current when it began */
    uint64_t bad_limit;  /* with this much distress came back; 0: it never did */
    Hold patience;       /* not near that again before */
    uint64_t stepped_usec;
    uint64_t high_events; /* memory.events, the last time */
    uint64_t least;       /* the least that it used since the host is at the brink: bytes */
} YieldState;

typedef struct YieldUnit {
    const LimitConfig *config;
    const Sample *sample;
    bool competes; /* for the memory that the critical services lack, see yield_competes() */
    bool held;     /* let go because it stalls itself */
    YieldState *state;
    LimitDecision decision; /* out */
} YieldUnit;

/* The critical services together. */
typedef struct YieldNeed {
    uint64_t at_usec;
    bool running;            /* there is one */
    DistressReason distress; /* the worst */
    uint64_t lost;           /* bytes stolen from them since the last decision */
    bool recovers;           /* what is read again was lost before: nothing more is being taken */
    bool brink;              /* what anybody takes now, the host has to take from others */
    bool measured;           /* the next is known: */
    uint64_t damage;         /* what they felt, in all: yield_damage() of each, summed up */
} YieldNeed;

/* What the decisions have in common. */
typedef struct YieldLaw {
    bool distress;
    bool squeezing; /* in this distress there was a step */
    uint64_t measured_usec, measured_damage;
    uint64_t rate; /* of damage, before the first step; a second */
    Hold no_help;  /* squeezing did not help: not before */
    uint64_t returned_usec;
} YieldLaw;

/* Stalled time and refaults as one number, microseconds. */
uint64_t yield_damage(const Sample *sample);

/* Decides about all units. Nobody is squeezed who does not compete, nor below its floor. */
void yield_decide(YieldLaw *law, const YieldNeed *need, YieldUnit *units, size_t n_units);

/* A cgroup from the service's own (first) up to just below the root. */
typedef struct YieldAncestor {
    const char *path;
    uint64_t current;
    uint64_t limit; /* the lower of memory.high and memory.max; LIMIT_NONE: none */
} YieldAncestor;

/* Below which cgroup memory is short: the nearest one that is at its limit, "/" for the host. NULL:
 * the service is at its own limit, and nobody else's memory would help it. */
const char *yield_domain(const YieldAncestor *ancestors, size_t n);

/* @path is @domain or below it. */
bool yield_competes(const char *domain, const char *path);

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
