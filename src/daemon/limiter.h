/* SPDX-License-Identifier: MIT */
#pragma once

/* Gets one unit's memory.high to where the control law wants it, and back. */

#include "control/limit.h"
#include "daemon/host.h"
#include "kernel/cgroup.h"

typedef struct Limiter Limiter;

/* @unit and @cgroup_path are copied. */
int limiter_new(Host *host, const char *unit, const char *cgroup_path, Limiter **ret);

/* Leaves memory.high and the ledger as they are. Takes NULL, returns NULL. */
Limiter *limiter_free(Limiter *limiter);

DEFINE_CLEANUP(Limiter *, limiter_free)

/* One look: decides, and starts what follows unless something is under way. @observe: nothing is
 * changed, and what was is given back. */
void limiter_update(Limiter *limiter, const LimitConfig *config, const Sample *sample,
                    bool distress, bool observe);

/* The unit is no longer ours to govern: gives the original back. limiter_is_idle() tells when that
 * is done. */
void limiter_release(Limiter *limiter);

/* Nothing is under way, and nothing of ours is in force. */
bool limiter_is_idle(const Limiter *limiter);

/* Begins anew: after a release, or after someone else changed the value, it may be ours again. */
void limiter_resume(Limiter *limiter);

typedef struct LimiterStatus {
    bool applied;
    uint64_t value;    /* bytes, when applied; read back from the cgroup */
    uint64_t original; /* bytes, LIMIT_NONE: max */
    const char *reason;
} LimiterStatus;

LimiterStatus limiter_status(const Limiter *limiter);
