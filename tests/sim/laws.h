/* SPDX-License-Identifier: MIT */
#pragma once

/* Laws that set memory.high of one unit, ours and those of others. */

#include <stddef.h>

#include "control/disk.h"
#include "control/limit.h"
#include "sim/plant.h"

typedef struct LawState {
    LimitConfig config; /* of ours */
    LimitState ours;
    DiskState disk;
    uint64_t limit;                       /* bytes; LIMIT_NONE: none */
    uint64_t total_usec, integral, grace; /* senpai */
    double looked;
} LawState;

typedef struct Law {
    const char *name;
    bool uses_trigger;
    /* One look; what is to be done. The limit is kept in the state. */
    LimitDecision (*look)(LawState *state, const Sample *sample, const Unit *unit);
} Law;

extern const Law law_ours, law_senpai, law_oomd, law_oomd_reclaim, law_static, law_none;

/* Runs @law on the only unit of @host for a STEP: looks when it is time, and does what it says.
 * Returns true where there was a look; then *ret is the decision. */
typedef struct LawRun {
    const Law *law;
    LawState state;
    double next;          /* the next look */
    double window, stall; /* of the trigger: when it began, memory_some then */
    bool armed;
    uint64_t want; /* of the decision before */
} LawRun;

LawRun law_run_new(const Law *law, const LimitConfig *config);
bool law_run_step(LawRun *run, Host *host, LimitDecision *ret);
