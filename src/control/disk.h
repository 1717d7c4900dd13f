/* SPDX-License-Identifier: MIT */
#pragma once

/* Whether a page that was taken costs a unit dearly: by what its refaults cost it, whatever the
 * disk says of itself. Pure: time is inside the sample. */

#include "control/hold.h"
#include "control/sample.h"

/* Of the unit's time for a page that comes back. A read of an SSD or of a busy network disk takes
 * 0.1 to 1 ms, of a spinning one 4 to 10; and reads that are throttled (io.max) whatever they are
 * throttled to. */
#define DISK_SLOW_USEC (2 * USEC_PER_MSEC)
/* How many must have come back for that to be said. */
#define DISK_PAGES 32
/* For how long it is believed, at first and at most. */
#define DISK_HOLD_MIN_USEC (600 * USEC_PER_SEC)
#define DISK_HOLD_MAX_USEC (3600 * USEC_PER_SEC)

/* All zero is the state of a unit never looked at. */
typedef struct DiskState {
    SampleMark from; /* refaults are counted from this look */
    Hold slow;
} DiskState;

/* To be asked at every look. */
bool disk_is_slow(DiskState *state, const Sample *sample);
