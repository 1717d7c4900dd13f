/* SPDX-License-Identifier: MIT */
#pragma once

/* `yield`: background units give way while a critical service suffers. Pure: a decision about all
 * of them together, each time that they were looked at. */

#include "control/decision.h"
#include "control/distress.h"
#include "control/hold.h"
#include "control/yield_watch.h"

/* Between two steps down: what a step did shows within a tick. */
#define LIMIT_STEP_USEC USEC_PER_SEC
/* Between two steps up: slower than down, because what a critical service lost comes back only as
 * fast as it is read. */
#define LIMIT_RETURN_USEC (2 * USEC_PER_SEC)
/* Smaller steps do not show. */
#define LIMIT_STEP_MIN (16 * MIB)

/* One background unit. All zero is the state of one never limited. */
typedef struct YieldState {
    bool limited;
    bool ahead;          /* the limit is what there is room for: it gave nothing up yet */
    bool at_floor;       /* the limit is the floor, or was when it was set */
    bool pushes;         /* it takes what it gets: it is at its limit */
    bool elsewhere;      /* short was the memory of a slice: what the host has does not count */
    uint64_t limit;      /* bytes */
    uint64_t use_before; /* memory.current when it began */
    uint64_t good;       /* the last limit with which nobody suffered by it */
    uint64_t bad_limit;  /* with this much distress came; 0: it never did */
    Hold patience;       /* not near that again before */
    uint64_t stepped_usec;
    uint64_t raised_usec;
    uint64_t high_events; /* memory.events, the last time */
} YieldState;

typedef struct YieldUnit {
    const LimitConfig *config;
    const Sample *sample;
    bool competes;  /* for the memory that the critical services lack, see yield_domain() */
    bool elsewhere; /* which is that of a slice, not of the host */
    bool held;      /* let go because it stalls itself */
    bool above;     /* a critical service is inside it */
    YieldState *state;
    LimitDecision decision; /* out */
} YieldUnit;

/* The critical services together. */
typedef struct YieldNeed {
    uint64_t at_usec;
    bool running;            /* there is one */
    DistressReason distress; /* the worst */
    uint64_t lost;           /* bytes stolen from them since the last decision */
    uint64_t lacks;          /* bytes stolen from them that are not there again */
    bool recovers;           /* what is read again was lost before: nothing more is being taken */
    YieldRoom host;          /* all zero: not looked at */
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
    Hold keeps;    /* and to give it back for that did harm: not before */
    uint64_t returned_usec;
    uint64_t due;  /* bytes stolen in this distress that nobody made room for yet */
    uint64_t owed; /* bytes for which there was, and that are read again only by and by */
} YieldLaw;

/* Stalled time and refaults as one number, microseconds. */
uint64_t yield_damage(const Sample *sample);

/* Decides about all units. Nobody is squeezed who does not compete, nor below its floor. */
void yield_decide(YieldLaw *law, const YieldNeed *need, YieldUnit *units, size_t n_units);
