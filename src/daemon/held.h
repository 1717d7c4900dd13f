/* SPDX-License-Identifier: MIT */
#pragma once

/* What a holder has, as it said: the controller's memory of its pins, and their sum. */

#include <pagewarden/hold-protocol.h>
#include <stdbool.h>
#include <stddef.h>

#include "control/pin_plan.h"

typedef struct HeldSet {
    uint64_t page; /* bytes; set by its owner */
    uint64_t sum;  /* out: of all that is locked, in whole pages */
    PinHeld *entries;
    size_t n, n_sorted, room;
} HeldSet;

/* Leaves an empty set, with the same page. */
void held_clear(HeldSet *set);

/* Takes what the holder says of a file: new to it, changed, or, without a length, gone. @fresh: the
 * caller knows that it stands not among what was added since the last held_sorted(). -ENOMEM. */
int held_note(HeldSet *set, const HoldItem *item, bool fresh);

/* What a scan found of the times at which files were changed. @scanned is sorted; of those that it
 * wants refreshed, the time is kept until that is done. */
void held_note_scan(HeldSet *set, const PinHeld *scanned, size_t n);

/* The time of a file that is held; of others it is not kept. */
void held_note_ctime(HeldSet *set, uint64_t dev, uint64_t ino, uint64_t ctime);

/* All, sorted by pin_held_compare(). Valid until the next change. */
PinHeld *held_sorted(HeldSet *set, size_t *ret_n);
