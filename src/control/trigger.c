/* SPDX-License-Identifier: MIT */
#include "control/trigger.h"

#include "util/units.h"

/* An event may wait in the loop while a look is taken. */
#define MISSED_MOST 2

/* The kernel measures in windows of its own, one after the other: whatever was stalled in a time
 * that n + 1 of them cover, one has that part of it. And it tells once a window. */
static bool should_have(uint64_t stalled_usec, uint64_t usec, uint64_t stall_usec,
                        uint64_t window_usec)
{
    return stalled_usec >= mul_u64(stall_usec, (usec + window_usec - 1) / window_usec + 1);
}

bool trigger_is_dead(TriggerCheck *check, uint64_t stall_usec, uint64_t window_usec,
                     const Sample *sample)
{
    uint64_t total = sample->memory_psi.some_usec;
    bool comparable = sample->memory_psi.valid && check->at_usec > 0 && total >= check->total_usec;

    if (comparable && sub_u64(sample->at_usec, check->at_usec) < 2 * window_usec)
        return false;
    if (comparable && should_have(total - check->total_usec, sample->at_usec - check->at_usec,
                                  stall_usec, window_usec))
        check->missed = check->fired ? 0 : check->missed + 1;
    check->fired = false;
    check->at_usec = sample->memory_psi.valid ? sample->at_usec : 0;
    check->total_usec = total;
    return check->missed >= MISSED_MOST;
}
