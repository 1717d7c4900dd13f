/* SPDX-License-Identifier: MIT */
#pragma once

/* Takes one unit's cold files out of memory, as its policy says. */

#include "control/pin_plan.h"
#include "daemon/host.h"
#include "policy/policy.h"

typedef struct Evictor Evictor;

int evictor_new(Host *host, const char *unit, Evictor **ret);

/* Takes NULL, returns NULL. */
Evictor *evictor_free(Evictor *evictor);

/* The rules from now on; those that stay the same keep what they know about their files. @policy is
 * not kept, NULL is none. -ENOMEM: the rules are what they were. */
int evictor_want(Evictor *evictor, const Policy *policy);

/* To be called every second or so. @pinned are the files that any policy pins, sorted by
 * pin_held_compare(); they are copied. @observe: nothing is evicted. */
void evictor_tick(Evictor *evictor, uint64_t now_usec, const PinHeld *pinned, size_t n_pinned,
                  bool observe);

/* How long a unit that has ended must be looked after until every rule has seen its files idle: µs.
 */
uint64_t evictor_linger_usec(const Evictor *evictor);

/* A look is under way, or waits for its turn. */
bool evictor_is_busy(const Evictor *evictor);

typedef struct EvictorStatus {
    uint64_t bytes; /* evicted, measured */
    uint64_t files; /* times a file was evicted */
    uint64_t dirty; /* bytes left for a second pass, as of the last one */
} EvictorStatus;

EvictorStatus evictor_status(const Evictor *evictor);
