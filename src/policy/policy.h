/* SPDX-License-Identifier: MIT */
#pragma once

/* One policy: what a file in policies.d says of the units it matches. Immutable once decoded. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/limit.h"
#include "util/cleanup.h"

typedef enum PolicyRole {
    ROLE_NORMAL,
    ROLE_CRITICAL,
    ROLE_BACKGROUND,
} PolicyRole;

typedef enum PolicyMode {
    MODE_ENFORCE,
    MODE_OBSERVE, /* decide and report, change nothing */
} PolicyMode;

/* Where in the file a value stands; both count from 1. */
typedef struct PolicyPlace {
    size_t line;
    size_t column;
} PolicyPlace;

typedef struct PinRule {
    char *path; /* absolute path or glob */
    PolicyPlace place;
} PinRule;

typedef struct EvictRule {
    char *path;
    uint64_t idle_usec;  /* nobody has had it open for that long */
    uint64_t every_usec; /* between two looks */
    PolicyPlace place;
} EvictRule;

#define EVICT_IDLE_DEFAULT_USEC \
    (UINT64_C(120) * 1000000) /* a log rotator or a dump is done by then */
#define EVICT_EVERY_DEFAULT_USEC (UINT64_C(30) * 1000000)

typedef struct Policy {
    char *name;        /* the file's stem */
    char *file;        /* where it was read from, for messages */
    char *description; /* may be NULL */
    char **units;      /* globs over unit names, braces expanded */
    PolicyRole role;
    PolicyMode mode;
    uint64_t pin_budget; /* bytes; 0: nothing is pinned */
    PinRule *pins;
    size_t n_pins;
    EvictRule *evicts;
    size_t n_evicts;
    LimitConfig memory_high;
    PolicyPlace limit_place; /* of memory_high.mode; .line is 0: it is not there */
} Policy;

/* Takes NULL and half-built policies; returns NULL. */
Policy *policy_free(Policy *policy);

DEFINE_CLEANUP(Policy *, policy_free)

const char *policy_role_to_string(PolicyRole role);
const char *policy_mode_to_string(PolicyMode mode);
const char *limit_mode_to_string(LimitMode mode);
