/* SPDX-License-Identifier: MIT */
/* Who gets how much of a pin budget. Level-triggered: it compares what is wanted with what is held,
 * and has no memory of its own, so that a take-over, a reload and a grown file are the same case.
 */

#include "control/pin_plan.h"

#include <stdlib.h>

#include "util/units.h"

int pin_held_compare(const void *a, const void *b)
{
    const PinHeld *x = a, *y = b;

    if (x->dev != y->dev)
        return x->dev < y->dev ? -1 : 1;
    if (x->ino != y->ino)
        return x->ino < y->ino ? -1 : 1;
    return 0;
}

uint64_t pin_plan(PinWish *wishes, size_t n_wishes, PinHeld *held, size_t n_held, uint64_t budget,
                  uint64_t page)
{
    uint64_t left = budget - budget % page;
    uint64_t sum = 0;

    for (size_t i = 0; i < n_held; i++)
        held[i].keep = false;

    for (size_t i = 0; i < n_wishes; i++) {
        PinWish *wish = &wishes[i];
        uint64_t pages = wish->size / page + (wish->size % page > 0);
        uint64_t wanted = wish->only_resident ? min_u64(pages * page, wish->resident)
                                              : pages * page;

        wish->target = min_u64(wanted, left);
        wish->held = false;
        left -= wish->target;
        sum += wish->target;

        PinHeld key = { .dev = wish->dev, .ino = wish->ino };
        PinHeld *have = n_held > 0 ? bsearch(&key, held, n_held, sizeof(PinHeld), pin_held_compare)
                                   : NULL;
        if (!have || wish->target == 0 || have->offset != wish->offset || have->way != wish->way ||
            have->length > wish->size || have->locked > wish->target)
            continue;
        have->keep = true;
        /* What lies beyond the target need not be mapped: a file that grows there is let be. */
        wish->held = have->length >=
                     (wish->only_resident ? wish->size : min_u64(wish->target, wish->size));
    }
    return sum;
}
