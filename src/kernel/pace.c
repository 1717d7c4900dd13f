/* SPDX-License-Identifier: MIT */
/* What is asked for is paid before: a piece is due when the time that it takes at the given rate
 * has passed since the one before was. */
#include "kernel/pace.h"

#include <errno.h>
#include <time.h>

#include "util/io.h"
#include "util/units.h"

#define NAP_USEC (100 * USEC_PER_MSEC) /* how long a cancellation waits at most */

void pace_nap(uint64_t usec)
{
    uint64_t nap = min_u64(usec, NAP_USEC);
    struct timespec time = { .tv_nsec = (long)(nap * NSEC_PER_USEC) };

    (void)nanosleep(&time, NULL);
}

bool pace_is_cancelled(const Pace *pace)
{
    return pace->cancelled && atomic_load(pace->cancelled);
}

int pace_wait(Pace *pace, uint64_t bytes)
{
    uint64_t now = now_usec();

    if (pace->rate > 0) {
        double cost = (double)sub_u64(bytes, pace->owed) / (double)pace->rate * USEC_PER_SEC;
        pace->due_usec = max_u64(pace->due_usec, now) + (uint64_t)cost;
        pace->owed = max_u64(pace->owed, bytes);
    }
    while (!pace_is_cancelled(pace)) {
        if (pace->tick)
            pace->tick(pace->userdata);
        if (pace->rate == 0 || now >= pace->due_usec) {
            pace->owed = 0;
            return 0;
        }
        pace_nap(pace->due_usec - now);
        now = now_usec();
    }
    return -ECANCELED;
}
