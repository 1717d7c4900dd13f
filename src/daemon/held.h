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
    struct HeldBlock *block; /* internal: that they are in */
} HeldSet;

/* What a scan found of one that is held. */
typedef struct HeldMark {
    uint64_t ctime; /* of the file; 0: it was not looked at */
    bool keep;      /* false: to be let go */
    bool wished;    /* somebody wants it, or would if there was room */
} HeldMark;

/* Leaves an empty set, with the same page. */
void held_clear(HeldSet *set);

/* The same once more, in the same memory: what becomes of one is not seen in the other, which can
 * be read on another thread meanwhile. Both are cleared on the thread that changes them. */
HeldSet held_share(HeldSet *set);

/* Takes what the holder says of a file: new to it, changed, or, without a length, gone. @fresh: the
 * caller knows that it stands not among what was added since the last held_sorted(). It is kept,
 * until somebody says otherwise. -ENOMEM. */
int held_note(HeldSet *set, const HoldItem *item, bool fresh);

/* What a scan found of @scanned, which shares what @set had then, and is cleared: a mark for each.
 * A file that was changed since the last scan is to be refreshed, until held_note_refreshed(). */
void held_note_scan(HeldSet *set, HeldSet *scanned, const HeldMark *marks);
void held_note_refreshed(HeldSet *set, uint64_t dev, uint64_t ino, bool done);

/* The time of a file that is held; of others it is not kept. */
void held_note_ctime(HeldSet *set, uint64_t dev, uint64_t ino, uint64_t ctime);

/* All, sorted by pin_held_compare(). Valid until the next change. */
const PinHeld *held_sorted(HeldSet *set, size_t *ret_n);

/* The same, to have keep and refresh changed. NULL: out of memory, or there are none. */
PinHeld *held_sorted_own(HeldSet *set, size_t *ret_n);

/* Where in entries, as far as these are sorted, what comes behind @key begins. Some may have no
 * length: these are gone. */
size_t held_behind(const HeldSet *set, const PinHeld *key);
