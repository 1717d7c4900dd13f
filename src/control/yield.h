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
    bool squeezed;       /* in the last decision somebody suffered, for whom it was, */
    bool tried;          /* or lost pages by a trial of it */
    uint64_t domains;    /* where memory was short since it was stopped */
    uint64_t calm_usec;  /* when the last of those no longer suffered */
    uint64_t limit;      /* bytes */
    uint64_t use_before; /* memory.current when it began */
    uint64_t good;       /* the last limit with which nobody suffered by it */
    uint64_t bad_limit;  /* with this much distress came; 0: it never did */
    Hold patience;       /* not near that again before */
    uint64_t stepped_usec;
    uint64_t raised_usec;
    uint64_t high_events; /* memory.events, the last time */
} YieldState;

/* Below which cgroups memory is short, a bit each. The first is the host's; the caller gives the
 * others to slices, as it likes, but the same one again as long as some YieldState has it; what
 * there are more of shares the last. */
#define YIELD_HOST         UINT64_C(1)
#define YIELD_DOMAINS_MOST 63

typedef struct YieldUnit {
    const LimitConfig *config;
    const Sample *sample;
    uint64_t domains; /* it competes for the memory of these, see yield_domain() */
    bool held;        /* let go because it stalls itself */
    bool above;       /* a critical service is inside it */
    YieldState *state;
    LimitDecision decision; /* out */
    uint64_t squeezed;      /* the law's own: of the domains, those where somebody suffers now */
    bool trial;             /* likewise: or those where somebody lost pages by a trial of it */
} YieldUnit;

/* What is remembered of a critical service. Squeezing is for each that suffers, and judged by each:
 * that it does not help one is no reason to protect no other. All zero: nothing. */
typedef struct YieldServed {
    bool suffers;   /* in the last decision, and somebody may help it */
    bool measuring; /* in this distress there was a step for it */
    bool helped; /* what was squeezed for it, and is not given back, is not known to be in vain */
    uint64_t domain; /* where its memory was short when it last suffered */
    uint64_t measured_usec, measured_damage;
    uint64_t rate; /* of damage, before the first step; a second */
    Hold no_help;  /* squeezing did not help: not before */
    Hold keeps;    /* and to give that back did harm: not before */
    uint64_t due;  /* bytes stolen in this distress that nobody made room for yet */
} YieldServed;

/* A critical service, as it was last looked at. */
typedef struct YieldService {
    DistressReason distress;
    uint64_t domain; /* in distress, or where it lost pages that are due: where its memory is short;
                      * 0: nobody else's would help */
    uint64_t lost;   /* bytes stolen from it since the last decision */
    uint64_t lacks;  /* bytes stolen from it that are not there again */
    bool recovers;   /* what is read again was lost before: nothing more is being taken */
    bool measured;   /* the next is known: */
    uint64_t damage; /* what it felt, in all: yield_damage() */
    YieldServed *state;
} YieldService;

typedef struct YieldNeed {
    uint64_t at_usec;
    bool running;   /* there is a critical service, be it that it was not looked at */
    YieldRoom host; /* all zero: not looked at */
    const YieldService *services;
    size_t n_services;
} YieldNeed;

/* What the decisions have in common. */
typedef struct YieldLaw {
    uint64_t domains; /* where somebody suffered in the last one, whom others may help; */
    bool trial;       /* or lost pages by a trial */
    uint64_t owed; /* bytes of the host that critical services read again only by and by: there is
                    * room */
} YieldLaw;

/* Stalled time and refaults as one number, microseconds. */
uint64_t yield_damage(const Sample *sample);

/* Somebody suffers, be it that nobody else's memory would help. */
bool yield_is_distress(const YieldNeed *need);

/* Decides about all units. Nobody is squeezed who does not compete, nor below its floor. */
void yield_decide(YieldLaw *law, const YieldNeed *need, YieldUnit *units, size_t n_units);
