/* SPDX-License-Identifier: MIT */
#pragma once

/* One policy: what a file in policies.d, and its drop-ins, say of the units that they match.
 * Immutable once decoded. */

#include "control/distress.h"
#include "control/limit.h"
#include "policy/rules.h"

typedef enum PolicyRole {
    ROLE_NORMAL,
    ROLE_CRITICAL,
    ROLE_BACKGROUND,
} PolicyRole;

typedef enum PolicyMode {
    MODE_ENFORCE,
    MODE_OBSERVE, /* decide and report, change nothing */
} PolicyMode;

typedef struct Policy {
    char *name;        /* the file's stem */
    char **files;      /* where it was read from: the file, then its drop-ins in order */
    char *description; /* may be NULL */
    char **units;      /* globs over unit names, braces expanded; NULL: none */
    char **cgroups;    /* globs over paths below the cgroup root, braces expanded; NULL: none */
    PolicyRole role;
    PolicyMode mode;
    DistressConfig distress; /* ROLE_CRITICAL */

    uint64_t pin_budget; /* bytes; 0: nothing is pinned */
    PinRule *pins;
    size_t n_pins;
    PinOrder pin_order;
    PinCharge pin_charge;
    bool pin_restore; /* warm, before the service starts, what was in memory when it stopped */
    PinShortage on_shortage;

    EvictRule *evicts;
    size_t n_evicts;
    uint64_t cache_max; /* bytes of page cache; LIMIT_NONE: no cap */
    bool cache_brake;   /* with memory.high, where memory_high says nothing of it */
    LimitConfig memory_high;
    AdviseRule *advises;
    size_t n_advises;
} Policy;

/* Takes NULL and half-built policies; returns NULL. */
Policy *policy_free(Policy *policy);

DEFINE_CLEANUP(Policy *, policy_free)

/* What memory.high of its units is to be, for the sake of whichever key. */
LimitConfig policy_limit(const Policy *policy);

const char *policy_role_to_string(PolicyRole role);
const char *policy_mode_to_string(PolicyMode mode);
const char *limit_mode_to_string(LimitMode mode);
const char *access_to_string(Access access);
const char *pin_charge_to_string(PinCharge charge);
