/* SPDX-License-Identifier: MIT */
#pragma once

/* What of an open file is in memory, or is data: listed on a worker, part by part, and asked to be
 * locked. */

#include <pagewarden/hold-protocol.h>

#include "daemon/jobs.h"
#include "kernel/residency.h"

/* With the file itself, they make one request. */
#define PIN_LOOK_MAX (HOLD_BATCH_MAX - 1)

typedef struct PinLook {
    Job job;

    /* in */
    int fd; /* its own */
    uint64_t from, end;
    bool data; /* look for data, not for what is in memory */

    /* out */
    int error;
    ResidentRange ranges[PIN_LOOK_MAX];
    size_t n;
    uint64_t next; /* where to look on; @end or more: that was all */
} PinLook;

/* A look at [@from, @end) of the file @fd, which stays the caller's, to be submitted. NULL: out of
 * memory or descriptors. */
PinLook *pin_look_new(int fd, uint64_t from, uint64_t end, void (*done)(Job *job, void *owner),
                      void *owner);

/* How far a file has been gone through. Zero at its beginning. */
typedef struct PinRanges {
    uint64_t cursor; /* of the file: all before is done */
    bool known;      /* what follows it: */
    ResidentRange entries[PIN_LOOK_MAX];
    size_t n;
    size_t n_asked;      /* of these, by the request that is under way: */
    uint64_t asked_last; /* bytes of the last one */
    bool read;           /* they are to be read first: not more of them than a slice at once */
    uint64_t next;       /* behind the last */
} PinRanges;

/* Takes what @look found; there is something. */
void pin_ranges_take(PinRanges *ranges, const PinLook *look);

/* Adds them to @packet, as many as it takes to ask for @bytes of the file @id (device and inode).
 */
void pin_ranges_ask(PinRanges *ranges, const HoldItem *id, uint64_t bytes, HoldPacket *packet);

/* The holder locked @got bytes of these. */
void pin_ranges_advance(PinRanges *ranges, uint64_t got);
