/* SPDX-License-Identifier: MIT */
#pragma once

/* Work on a worker that must not go faster than somebody said. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Pace {
    uint64_t rate;                /* bytes per second; 0: as fast as it goes */
    const atomic_bool *cancelled; /* looked at while waiting. May be NULL */
    void (*tick)(void *userdata); /* of pace_wait(): at once, and every 100 ms. May be NULL */
    void *userdata;
    /* internal; 0 at first */
    uint64_t due_usec;
    uint64_t owed;      /* bytes that were waited for, and not done */
    uint64_t vain_usec; /* time for which a disk was waited for that took nothing */
} Pace;

/* Waits until @bytes may be done. Time in which nothing was to be done is not made up for. 0, or
 * -ECANCELED, at most 100 ms after that became so: whoever asks again then does not wait twice. */
int pace_wait(Pace *pace, uint64_t bytes);

bool pace_is_cancelled(const Pace *pace);

/* Sleeps for @usec, at most; to look at something again. */
void pace_nap(uint64_t usec);
