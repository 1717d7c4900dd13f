/* SPDX-License-Identifier: MIT */
#pragma once

/* Whether a trigger on memory pressure ("some") tells of what it is there for: it is dead where the
 * pressure files of its cgroup were hidden and shown again, and the kernel does not say so. Pure.
 */

#include "control/sample.h"

/* One that is dead is armed again, and after that it is polled. */
#define TRIGGER_DEATHS_MOST 1

/* It fires once in its window; more often in a row is a storm, and not listened to until the window
 * is over. */
#define TRIGGER_EVENTS_MOST 4

/* All zero: one that was just armed. */
typedef struct TriggerCheck {
    uint64_t at_usec, total_usec; /* the look that is measured from */
    bool fired;                   /* since then; set by whoever is told */
    unsigned missed;              /* times in a row that it did not, and should have */
} TriggerCheck;

/* At each look. True: it was armed for @stall_usec in @window_usec, has missed that more than once,
 * and is to be armed anew. */
bool trigger_is_dead(TriggerCheck *check, uint64_t stall_usec, uint64_t window_usec,
                     const Sample *sample);
