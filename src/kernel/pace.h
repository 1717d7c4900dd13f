/* SPDX-License-Identifier: MIT */
#pragma once

/* Work on a worker that must not go faster than somebody said. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Pace {
    uint64_t rate;                /* bytes per second; 0: as fast as it goes */
    const atomic_bool *cancelled; /* looked at while waiting. May be NULL */
    uint64_t due_usec;            /* internal; 0 at first */
} Pace;

/* Waits until @bytes may be done. Time in which nothing was to be done is not made up for. 0, or
 * -ECANCELED, at most 100 ms after that became so. */
int pace_wait(Pace *pace, uint64_t bytes);

bool pace_is_cancelled(const Pace *pace);

/* Sleeps for @usec, at most; to look at something again. */
void pace_nap(uint64_t usec);
