/* SPDX-License-Identifier: MIT */
#pragma once

/* A cap on a unit's page cache: how much of it is to go, by what means, and whether that is worth
 * what it costs. Pure, as limit.h; the daemon calls it with a sample whenever nothing of the last
 * decision is under way, and no later than its next_usec. */

#include "control/hold.h"
#include "control/sample.h"
#include "util/units.h"

/* Above the cap pages are taken until so much of it is left: two looks do not undo each other, and
 * a stream is not followed page by page. */
#define CAP_LOW_PERCENT 90
/* And from here on idle files that the policy would evict go first. */
#define CAP_COLD_PERCENT 95
/* When a unit gets above the cap after a rest, such files have so long to go before anything else
 * is taken. */
#define CAP_COLD_FIRST_USEC (5 * USEC_PER_SEC)
/* And so long while they are being counted or are on their way. */
#define CAP_COLD_MOST_USEC (10 * USEC_PER_SEC)

/* What it costs is summed up over this, */
#define CAP_WINDOW_USEC (4 * USEC_PER_SEC)
/* and must not come to more than this share of it: 500 refaults a second, the default of
 * `distress.refaults`, at 100 µs each. */
#define CAP_PRICE_PPM 50000
/* Given up for so long: doubled each time, see TRACK_HOLD_MIN_USEC. */
#define CAP_HOLD_MIN_USEC (30 * USEC_PER_SEC)
#define CAP_HOLD_MAX_USEC (600 * USEC_PER_SEC)
/* Where reclaim found too little, it is not asked again for so long: it walks the whole list. */
#define CAP_STUCK_MIN_USEC (1 * USEC_PER_SEC)
#define CAP_STUCK_MAX_USEC (60 * USEC_PER_SEC)

/* Between two looks while the cache grows: what comes in meanwhile is what the cap may be exceeded
 * by. */
#define CAP_LOOK_MIN_USEC (50 * USEC_PER_MSEC)
#define CAP_LOOK_MAX_USEC (250 * USEC_PER_MSEC)

typedef struct CapContext {
    uint64_t max;     /* bytes; LIMIT_NONE: no cap */
    bool has_rules;   /* the policy names files that may be evicted when they are idle */
    bool cold_goes;   /* just now */
    bool braked;      /* memory.high is a brake for the cap's sake (cache_brake.h) */
    bool no_reclaim;  /* the kernel has no memory.reclaim */
    bool spares_none; /* it has, and cannot leave anonymous memory alone */
} CapContext;

typedef enum CapReason {
    CAP_OFF,        /* the policy has no cap */
    CAP_UNDER,      /* the cache is no larger */
    CAP_COLD,       /* nearly: idle files go */
    CAP_OVER,       /* pages are taken */
    CAP_STUCK,      /* it is larger, and reclaim finds little to take: dirty, or in use just now */
    CAP_COSTS,      /* what was taken came back, and the unit waited for it: given up for a while */
    CAP_NO_PSI,     /* without pressure figures nobody knows what it costs */
    CAP_NO_RECLAIM, /* see CapContext */
    CAP_SWAP, /* see CapContext.spares_none: swap is in use, and anonymous memory is not ours */
} CapReason;

const char *cap_reason_to_string(CapReason reason);

/* The cap is what holds the cache, or would: it is not given up, and finds what it wants. */
bool cap_is_kept(CapReason reason);

typedef struct CapDecision {
    CapReason reason;
    uint64_t cold;      /* bytes that are to go by evicting idle files, the coldest first */
    uint64_t reclaim;   /* bytes, through memory.reclaim: file pages only */
    uint64_t next_usec; /* look again by then; 0: when the interval is over */
} CapDecision;

/* All zero is the state of a unit that was never looked at. */
typedef struct CapState {
    SampleMark last;       /* the look before, */
    uint64_t last_cache;   /* and the bytes of page cache then */
    SampleMark window;     /* where what is judged begins, */
    uint64_t window_cache; /* and the bytes of page cache there */
    uint64_t over_usec;    /* when it was last */
    uint64_t cold_usec;    /* when the idle files' time began; 0: after a rest */
    uint64_t cold_size;    /* how large the cache was then */
    uint64_t asked;        /* bytes, by the decision before */
    /* Bytes that went because of the cap, and in all, in this window and in the one before. */
    uint64_t took, took_before, stolen_before;
    bool felt; /* the brake, in this window */
    Hold stuck, costs;
    /* Of the last window in which pages were taken: */
    uint64_t price_ppm;    /* share of the time that the unit waited for pages that came back */
    uint64_t returned_ppm; /* pages that came back, of those that came in */
} CapState;

/* What the cap is about: file pages that reclaim could take. Shared memory and tmpfs are on the
 * lists of anonymous memory, and locked pages on none. */
uint64_t cap_cache(const Sample *sample);

CapDecision cap_decide(CapState *state, const CapContext *context, const Sample *sample);
