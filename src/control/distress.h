/* SPDX-License-Identifier: MIT */
#pragma once

/* When does a critical service suffer? Pure: time is inside the sample. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/sample.h"
#include "util/units.h"

/* Damage comes before the sign of it, which only says that damage is near. */
typedef enum DistressReason {
    DISTRESS_NONE,
    DISTRESS_MEMORY_PRESSURE, /* tasks stalled for memory for more than the threshold */
    DISTRESS_REFAULTS,        /* pages that reclaim had taken had to be read again */
    DISTRESS_MAJOR_FAULTS,    /* page faults that had to read */
    DISTRESS_IO_PRESSURE,     /* tasks stalled for I/O */
    DISTRESS_STOLEN,          /* reclaim is taking the service's pages */
} DistressReason;

/* Any one of these, over the window, is distress. DISTRESS_NEVER: not looked at. */
typedef struct DistressConfig {
    uint64_t window_usec;     /* PSI itself lags by about 2 s, so a shorter one sees noise */
    uint64_t memory_pressure; /* share of time with a stall (PSI "some"), parts per million */
    uint64_t io_pressure;     /* the same of io.pressure */
    uint64_t refaults;        /* workingset_refault_file, per second */
    uint64_t major_faults;    /* pgmajfault, per second */
    uint64_t stolen; /* bytes per second over DISTRESS_STOLEN_USEC or more, see distress.c */
} DistressConfig;

#define DISTRESS_NEVER UINT64_MAX

#define DISTRESS_CONFIG_DEFAULT                                                           \
    ((DistressConfig){                                                                    \
        .window_usec = 2 * USEC_PER_SEC,                                                  \
        .memory_pressure = 10000,                                                         \
        .io_pressure = DISTRESS_NEVER,                                                    \
        .refaults = 20, /* a service with 50 reads a second that lost half of its file */ \
        .major_faults = DISTRESS_NEVER,                                                   \
        .stolen = 16 * MIB,                                                               \
    })

/* What a PSI trigger is armed with, microseconds: so much stall within the window is distress. The
 * kernel looks ten times in a window (kernel/sched/psi.c), so that one over 2 s would fire later
 * than 200 ms after; what comes more slowly than in 2 s is seen by looking. Memory pressure is
 * always looked at. */
typedef struct DistressTrigger {
    uint64_t stall_usec, window_usec;
} DistressTrigger;

#define DISTRESS_TRIGGER_USEC (2 * USEC_PER_SEC)

DistressTrigger distress_trigger(const DistressConfig *config);

/* Calm must last this long before distress is over: the memory that was taken from the neighbours
 * comes back to them slowly, so a flicker must not start it. */
#define DISTRESS_CALM_USEC (5 * USEC_PER_SEC)

/* Pages go faster than a window: with 16M/s allowed, 4 MiB in a quarter of a second are enough.
 * What is little for a large cache is much for a small one: a 128th of the cache in a second is
 * enough, too, but for flickers of the smallest ones. So a file of 256 MiB has lost no more than 3
 * % by the time that something is done about it, however slowly it goes. */
#define DISTRESS_STOLEN_USEC  (250 * USEC_PER_MSEC)
#define DISTRESS_STOLEN_SHARE 128 /* bytes a second, of bytes */
#define DISTRESS_STOLEN_LEAST MIB

/* Looks are kept a 24th of the window apart: 83 ms of the usual 2 s. */
#define DISTRESS_HISTORY         32
#define DISTRESS_SPACING         24
#define DISTRESS_WINDOW_MIN_USEC USEC_PER_SEC
#define DISTRESS_WINDOW_MAX_USEC (10 * USEC_PER_SEC) /* the kernel's, of PSI triggers */

typedef struct DistressPoint {
    uint64_t at_usec;
    bool has_psi, has_io_psi;
    uint64_t memory_some_usec; /* has_psi */
    uint64_t io_some_usec;     /* has_io_psi */
    uint64_t refaults;
    uint64_t major_faults;
    uint64_t taken;        /* bytes that reclaim got */
    uint64_t stolen;       /* of it, in all looks together, what the page cache shrank by */
    uint64_t file;         /* bytes of page cache there are */
    uint64_t limit_events; /* times that its own limits were run into */
} DistressPoint;

/* All zero is the state of a service never looked at. */
typedef struct DistressState {
    DistressPoint points[DISTRESS_HISTORY]; /* ascending in time; the window and one before it */
    size_t n_points;
    DistressReason reason; /* != DISTRESS_NONE: in distress */
    uint64_t last_bad_usec;
    bool fired;     /* the trigger has, since the last look */
    uint64_t page;  /* bytes */
    uint64_t lacks; /* bytes, see distress_lacks() */
    uint64_t own;   /* bytes that its own policy may take, see distress_note_own() */
    bool own_goes_on;
} DistressState;

/* The trigger has fired, and the next look is taken for that. */
void distress_note_trigger(DistressState *state);

/* @asked more bytes were asked for of the service's own memory since the last look, by its policy
 * (`track`, a cap): of what the next looks find taken, so much is no theft. What was not had by
 * then does not count for long: only while it is still being taken (@goes_on). */
void distress_note_own(DistressState *state, uint64_t asked, bool goes_on);

/* Takes one more look; returns the reason that holds now. A first sample, one out of order, and one
 * whose counters went backwards (the cgroup was made anew) only begin the history. */
DistressReason distress_update(DistressState *state, const DistressConfig *config,
                               const Sample *sample);

/* Bytes stolen from the service in all looks together, since its history began: less than before
 * where that began anew. */
uint64_t distress_stolen(const DistressState *state);

/* Bytes of what was stolen that its page cache has not grown again by. */
uint64_t distress_lacks(const DistressState *state);

/* Its own limits were run into within the window. */
bool distress_meets_limit(const DistressState *state);

/* What it reads again was lost a while ago, and hardly anything is being taken from it any more:
 * nothing but time helps. */
bool distress_recovers(const DistressState *state);

const char *distress_reason_to_string(DistressReason reason);
