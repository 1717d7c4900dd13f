/* SPDX-License-Identifier: MIT */
#pragma once

/* When does the host run out of memory, and how much of the pins is to go? Pure: time is inside the
 * sample. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/sample.h"
#include "util/units.h"

/* Bytes. */
typedef struct ShortageSample {
    uint64_t at_usec; /* CLOCK_MONOTONIC */
    uint64_t total;
    uint64_t available; /* MemAvailable */
    uint64_t swap_free;
    uint64_t locked; /* by all pins: what they take and give is no trend */
    PsiTotals psi;   /* of the host's memory */
} ShortageSample;

typedef enum ShortageReason {
    SHORTAGE_NONE,
    SHORTAGE_LOW,     /* next to nothing is available */
    SHORTAGE_FALLING, /* nothing will be in a moment, at this rate */
    SHORTAGE_STALLED, /* little is, and tasks stall for it */
} ShortageReason;

/* Where what is available means what, in bytes, rising. */
typedef struct ShortageLines {
    uint64_t low;  /* below: short */
    uint64_t goal; /* pins are let go until so much is available */
    uint64_t
        back; /* so much of it, for a while, and pins may come back: more than they have to leave */
    uint64_t far; /* above, no fall is followed */
} ShortageLines;

/* Of a large machine a share is more than a shortage: faults take about 2 GB in a second, and pins
 * are let go in less. */
#define SHORTAGE_LOW_MAX (4 * GIB)
/* Where the reserve is set to nothing: what the kernel itself needs, about its watermarks. */
#define SHORTAGE_LOW_SHARE 64

/* How far ahead a fall is followed. A program that starts is no fall: so looks are some way apart.
 */
#define SHORTAGE_AHEAD_USEC USEC_PER_SEC
#define SHORTAGE_LOOK_USEC  (400 * USEC_PER_MSEC)
/* Of the time between two looks, that some task stalled. */
#define SHORTAGE_STALL_PART 10
/* With less than half of the memory to spare a fast consumer is through with it in a second. */
#define SHORTAGE_NEAR_USEC (200 * USEC_PER_MSEC)
/* For stalls alone there is no telling how much is needed: a step, and then a look at what it did;
 * PSI lags. */
#define SHORTAGE_STEP_USEC  USEC_PER_SEC
#define SHORTAGE_STEP_SHARE 64 /* of the memory */
#define SHORTAGE_STEP_MIN   (16 * MIB)

/* How long enough must be available before pins come back: at first, and at most. Doubled when it
 * is short again soon after: within a few times as long as it was waited. */
#define SHORTAGE_HOLD_FIRST_USEC (30 * USEC_PER_SEC)
#define SHORTAGE_HOLD_MAX_USEC   (1800 * USEC_PER_SEC)
#define SHORTAGE_AGAIN_FACTOR    4

/* All zero is the state of a host never looked at. */
typedef struct ShortageState {
    bool is_short;       /* pins stay away; until hold_usec of calm are over */
    uint64_t hold_usec;  /* of this shortage, or the one before */
    uint64_t calm_usec;  /* while short: enough is available since; 0: it is not */
    uint64_t ended_usec; /* the one before; 0: there was none */
    uint64_t next_usec;  /* no step for stalls before */

    uint64_t looked_usec; /* the sample before that counted: */
    uint64_t kept;        /* bytes that others had not taken */
    uint64_t stalled_usec;
} ShortageState;

typedef struct ShortageDecision {
    ShortageReason reason; /* that holds now; NONE in the hold-off too */
    uint64_t release;      /* bytes of pins to let go now */
    uint64_t again_usec;   /* while short: pins come back then if it stays calm; 0: not known */
    bool is_near;          /* the next look should be within SHORTAGE_NEAR_USEC */
} ShortageDecision;

/* @reserve: bytes that pins leave available when they are taken. */
ShortageLines shortage_lines(uint64_t total, uint64_t reserve);

/* Takes one more look. @pending: bytes that are being let go already, and count as free. */
ShortageDecision shortage_decide(ShortageState *state, const ShortageSample *sample,
                                 uint64_t reserve, uint64_t pending);

const char *shortage_reason_to_string(ShortageReason reason);

/* Whose pins they are: those of the first go first, and come back last. */
typedef enum ShortageRank {
    SHORTAGE_BACKGROUND,
    SHORTAGE_NORMAL,
    SHORTAGE_CRITICAL,
} ShortageRank;

typedef struct ShortageHolding {
    ShortageRank rank;
    bool keep;       /* never let go */
    uint64_t locked; /* bytes that can be let go */
    bool withheld;   /* was let go, as a whole or in part, and waits to come back */
} ShortageHolding;

/* Whose pins go next: of the lowest rank, the largest. @n: nobody's. */
size_t shortage_next_to_go(const ShortageHolding *holdings, size_t n);

/* Whose come back next: of the highest rank, the one with the most that stayed. @n: nobody's. */
size_t shortage_next_to_return(const ShortageHolding *holdings, size_t n);
