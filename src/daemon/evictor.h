/* SPDX-License-Identifier: MIT */
#pragma once

/* Takes one unit's cold files out of memory, as the paths of its policy say. */

#include "control/cold.h"
#include "control/evict_plan.h"
#include "daemon/host.h"
#include "policy/policy.h"

typedef struct Evictor Evictor;

int evictor_new(Host *host, const char *unit, Evictor **ret);

/* Takes NULL, returns NULL. */
Evictor *evictor_free(Evictor *evictor);

/* The rules from now on; those that stay the same keep what they know about their files. @policy is
 * not kept, NULL is none. -ENOMEM: the rules are what they were. */
int evictor_want(Evictor *evictor, const Policy *policy);

/* What the rules need to know of the machine as it is now. */
typedef struct EvictorMoment {
    uint64_t now_usec;
    unsigned calls;   /* EVICT_WHEN_…: memory is short, a critical unit is in distress */
    uint64_t cpu_ppm; /* that a rule's looks may take of a core, see evict_fair_ppm(); 0: it is the
                         only one */
    bool observe;     /* nothing is evicted */
    uint64_t cold; /* bytes of idle files that are to go because the unit is at its cap; 0: none */
    CacheMark cache; /* the unit's, as of its last sample */
    /* The unit's, where its page cache may be reclaimed; NULL: nowhere. */
    const char *control_group;
} EvictorMoment;

/* The share of a core that the looks of rule @i would take, in millionths, if they came as often as
 * the rule would like; false: there is no such rule. */
bool evictor_cpu_ppm(const Evictor *evictor, size_t i, uint64_t *ret);

/* Whether idle files may go because the unit is at its cap: there are rules, and it is not known
 * that this would be in vain. */
bool evictor_has_cold(const Evictor *evictor, uint64_t now_usec);

/* Such files are being counted, or go. */
bool evictor_cold_goes(const Evictor *evictor);

/* To be called every second or so. All of @moment is copied. */
void evictor_tick(Evictor *evictor, const EvictorMoment *moment);

/* How long a unit that has ended must be looked after until every rule has seen its files idle: µs.
 */
uint64_t evictor_linger_usec(const Evictor *evictor);

/* A look is under way, or waits for its turn. */
bool evictor_is_busy(const Evictor *evictor);

/* Bytes, all measured. */
typedef struct EvictorStatus {
    /* since the unit is governed */
    uint64_t bytes;                    /* evicted, and */
    uint64_t evicted[_EVICT_RUNG_MAX]; /* of these, by each rung */
    uint64_t written;                  /* to the disk first */
    uint64_t files;                    /* times a file was evicted */
    /* left by the last look that evicted, because it was … */
    uint64_t dirty, locked, mapped;
    uint64_t other;  /* something else, or nobody knows why */
    uint64_t failed; /* files that this look failed for */
} EvictorStatus;

EvictorStatus evictor_status(const Evictor *evictor);
