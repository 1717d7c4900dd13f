/* SPDX-License-Identifier: MIT */
#include "control/evict_plan.h"

EvictVerdict evict_judge(const EvictFacts *facts, uint64_t idle_usec)
{
    if (facts->pinned)
        return EVICT_PINNED;
    if (facts->in_use)
        return EVICT_IN_USE;
    if (facts->resident == 0)
        return EVICT_NOT_RESIDENT;
    return facts->idle_usec < idle_usec ? EVICT_NOT_IDLE : EVICT_NOW;
}
