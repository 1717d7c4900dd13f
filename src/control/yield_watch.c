/* SPDX-License-Identifier: MIT */
#include "control/yield_watch.h"

#include "control/floor.h"

/* Above the mark where the kernel begins to reclaim: a part of all memory, for what others take
 * between two looks, and no more than this. */
#define BRINK_PARTS 32
#define BRINK_MOST  (512 * MIB)

/* What the fastest disks fill within two seconds, if looks are late by that; and half as much
 * again.
 */
#define NEAR_FREE (8 * GIB)
#define FAR_FREE  (12 * GIB)

static bool is_at_limit(const YieldAncestor *a)
{
    return a->limit != LIMIT_NONE &&
           add_u64(a->current, max_u64(FLOOR_MARGIN, a->limit / 32)) >= a->limit;
}

const char *yield_domain(const YieldAncestor *ancestors, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_at_limit(&ancestors[i]))
            return i == 0 ? NULL : ancestors[i].path;
    return "/";
}

static uint64_t brink_of(const YieldWatch *watch)
{
    return add_u64(watch->low, min_u64(watch->total / BRINK_PARTS, BRINK_MOST));
}

bool yield_is_brink(const YieldWatch *watch)
{
    return watch->reclaiming || watch->free < brink_of(watch);
}

/* Half of the time until the brink, as it goes. */
uint64_t yield_look_usec(const YieldWatch *watch)
{
    uint64_t left = sub_u64(watch->free, brink_of(watch)), usec = watch->interval_usec;

    if (!watch->critical || !watch->background)
        return usec;
    if (watch->fall > 0)
        usec = min_u64(usec, mul_u64(left, USEC_PER_SEC / 2) / watch->fall);
    if (yield_is_brink(watch) || watch->free < watch->total / 8)
        usec = 0;
    return min_u64(max_u64(usec, YIELD_LOOK_USEC), watch->interval_usec);
}

/* Without either kind of unit there is nothing to keep the host from. */
YieldRoom yield_room(const YieldWatch *watch)
{
    uint64_t brink = brink_of(watch);
    bool concerned = watch->critical && watch->background;

    return (YieldRoom){
        .near = concerned && watch->free < NEAR_FREE,
        .far = !concerned || watch->free >= FAR_FREE,
        .left = sub_u64(watch->free, brink),
        .missing = sub_u64(brink, watch->free),
    };
}
