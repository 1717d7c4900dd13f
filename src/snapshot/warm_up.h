/* SPDX-License-Identifier: MIT */
#pragma once

/* Brings into memory again what a snapshot says was there. */

#include "select/pin_files.h"
#include "snapshot/store.h"

typedef struct WarmUpLimits {
    uint64_t bytes; /* that may be brought into memory */
    uint64_t rate;  /* bytes per second; UINT64_MAX: none */
} WarmUpLimits;

typedef struct WarmUpOutcome {
    uint64_t bytes;      /* brought into memory, measured */
    uint64_t was_there;  /* bytes that were in memory already */
    uint64_t n_files;    /* of which something was to be there */
    uint64_t n_changed;  /* other files now: exchanged, written, of another size */
    uint64_t n_missing;  /* not there, or not named by the rules any more */
    uint64_t n_failed;   /* could not be opened or read */
    bool budget_reached; /* more would have been read */
} WarmUpOutcome;

/* Only what @rules mean is opened, whatever the snapshot names; the most important first. Waits for
 * disks; @scope's cancelled stops it in between: -ECANCELED. Fails as pin_files() does; *ret is
 * what was done, on failure too. */
int snapshot_warm_up(const SelectScope *scope, const PinRule *rules, size_t n_rules,
                     const PinOrder *order, const Snapshot *snapshot, const WarmUpLimits *limits,
                     WarmUpOutcome *ret);
