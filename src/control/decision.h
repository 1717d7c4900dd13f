/* SPDX-License-Identifier: MIT */
#pragma once

/* What the laws of memory.high are told, and what they answer.
 *
 * The daemon samples the unit once an interval, when a PSI trigger of it fires, and no later than
 * next_usec of the last decision; it calls the law with every sample, and then
 *  1. takes `reclaim` bytes through memory.reclaim, in chunks and off the loop (file pages only,
 *     unless the policy's `reclaim` says otherwise),
 *  2. sets memory.high to `want`, or to what is in use by then where that is more, and where it
 * rises before reclaim; LIMIT_NONE: gives the original back, at once and before anything else. It
 * need not tell the law what came of it: the next sample does. */

#include <stdbool.h>
#include <stdint.h>

#include "control/sample.h"
#include "util/units.h"

typedef enum LimitMode {
    LIMIT_OFF,
    LIMIT_FIXED,
    LIMIT_TRACK, /* follow the working set */
    LIMIT_YIELD,
    LIMIT_BRAKE, /* beside a cap on the page cache; no word of memory_high's */
} LimitMode;

/* What probing may take. */
typedef enum LimitReclaim {
    LIMIT_RECLAIM_FILE,
    LIMIT_RECLAIM_ALL, /* swap too */
} LimitReclaim;

/* What a policy says of memory.high. */
typedef struct LimitConfig {
    LimitMode mode;
    uint64_t value;       /* LIMIT_FIXED: bytes; LIMIT_BRAKE: the cap */
    uint64_t min;         /* never below, bytes; 0: no more than the floor */
    uint64_t max;         /* LIMIT_TRACK: never above, bytes; LIMIT_NONE: no bound */
    uint64_t pressure;    /* LIMIT_TRACK: to hold, PSI some, parts per million */
    LimitReclaim reclaim; /* LIMIT_TRACK */
} LimitConfig;

#define LIMIT_PRESSURE_DEFAULT 1000 /* 0.1 % */

#define LIMIT_SWAP_UNKNOWN UINT64_MAX

/* What the law has to know of the world around the unit. */
typedef struct LimitContext {
    bool distress;     /* a critical service suffers */
    bool memory_short; /* the host is below its reserve: what is there may be there because of us */
    bool pins_short;   /* it would not be without what is locked: others do not pay for that */
    bool slow_disk;    /* pages come back too slowly to try it, see disk_is_slow() */
    uint64_t swap_free; /* bytes of swap that the host has left, or LIMIT_SWAP_UNKNOWN */
    bool has_swap;      /* it has some, be it full, or nobody knows */
    bool pressed;       /* a trigger on the unit's memory pressure fired a moment ago */
    bool capped;        /* LIMIT_BRAKE: the cap on its page cache is kept just now */
    uint64_t before;    /* memory.high without a limit of ours, bytes; 0: not known */
    bool observe;       /* nothing that is decided is done, and the unit stalls for other reasons */
} LimitContext;

typedef enum LimitReason {
    LIMIT_REASON_OFF,    /* the policy leaves memory.high alone */
    LIMIT_REASON_FIXED,  /* the policy's value */
    LIMIT_REASON_FLOOR,  /* the policy's value is below what cannot be reclaimed: the floor instead
                          */
    LIMIT_REASON_CALM,   /* no critical service suffers */
    LIMIT_REASON_ROOM,   /* nor will: no more than it has and the host has free */
    LIMIT_REASON_FREEZE, /* one does: no more than it has now */
    LIMIT_REASON_DISTRESS, /* and goes on to: squeezed by a further step */
    LIMIT_REASON_HOLD,     /* waiting for the last step to show */
    LIMIT_REASON_AT_MIN,   /* as low as the policy or the floor allows */
    LIMIT_REASON_RETURN,   /* calm: given back by a further step */
    LIMIT_REASON_NO_HELP,  /* squeezing did not help the critical service: given back, or not begun
                              again */
    LIMIT_REASON_INSIDE,   /* a critical service is inside: what the unit is denied, that is denied
                            */
    LIMIT_REASON_STALL,    /* the unit itself stalled: let go */
    LIMIT_REASON_LEARN,    /* the first look, or a cgroup made anew: nothing to compare with */
    LIMIT_REASON_PROBE,    /* some pages are taken, to see whether they are missed */
    LIMIT_REASON_HARM,     /* they were: as much as before, and a longer wait */
    LIMIT_REASON_PRESSURE, /* pressure above the policy's: more at once */
    LIMIT_REASON_GROWTH,   /* the unit grows by what cannot be reclaimed, or fast: the limit, too */
    LIMIT_REASON_STEADY,   /* between two probes */
    LIMIT_REASON_IO,       /* I/O pressure while pages come back: no probe */
    LIMIT_REASON_SHORT,    /* the host's memory is short: no probe */
    LIMIT_REASON_NO_PSI,   /* without pressure figures nothing is tightened */
    LIMIT_REASON_SLOW_DISK,
    LIMIT_REASON_BRAKE,  /* the cap on the page cache, and all else, and a margin */
    LIMIT_REASON_NO_CAP, /* the cap is not kept, and so there is no brake */
    LIMIT_REASON_SWAP,   /* the kernel could swap instead */
} LimitReason;

typedef struct LimitDecision {
    uint64_t want; /* memory.high, bytes; LIMIT_NONE: the original */
    LimitReason reason;
    uint64_t reclaim;   /* bytes */
    uint64_t next_usec; /* look again by then; 0: when the interval is over */
} LimitDecision;

const char *limit_reason_to_string(LimitReason reason);
