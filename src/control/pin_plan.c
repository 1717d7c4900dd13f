/* SPDX-License-Identifier: MIT */
/* Who gets how much of a pin budget. Level-triggered: it compares what is wanted with what is held,
 * and has no memory of its own, so that a take-over, a reload and a grown file are the same case.
 */

#include "control/pin_plan.h"

#include <stdlib.h>

#include "util/parse.h"
#include "util/units.h"

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

int pin_id_compare(const void *a, const void *b)
{
    const PinId *x = a, *y = b;
    int by_dev = compare(x->dev, y->dev);

    return by_dev != 0 ? by_dev : compare(x->ino, y->ino);
}

int pin_held_compare(const void *a, const void *b)
{
    const PinHeld *x = a, *y = b;
    int by_dev = compare(x->dev, y->dev);

    return by_dev != 0 ? by_dev : compare(x->ino, y->ino);
}

size_t pin_ids_merge(const PinHeld *held, size_t n_held, const PinId *ids, size_t n_ids, PinId *ret)
{
    size_t n = 0, i = 0, k = 0;

    while (i < n_held || k < n_ids) {
        PinId next = i < n_held ? (PinId){ held[i].dev, held[i].ino } : (PinId){ 0 };
        int order = i == n_held ? 1 : k == n_ids ? -1 : pin_id_compare(&next, &ids[k]);

        ret[n++] = order <= 0 ? next : ids[k];
        i += order <= 0;
        k += order >= 0;
    }
    return n;
}

const PinHeld *pin_plan_next(PinPlan *plan, PinWish *wish)
{
    uint64_t page = plan->page;
    uint64_t pages = wish->size / page + (wish->size % page > 0);
    uint64_t wanted = wish->only_resident ? min_u64(pages * page, wish->resident) : pages * page;

    wish->target = min_u64(wanted, page_floor(plan->left, page));
    wish->held = false;
    plan->left -= wish->target;

    PinHeld key = { .dev = wish->dev, .ino = wish->ino };
    const PinHeld *have = plan->n_held > 0 ? bsearch(&key, plan->held, plan->n_held,
                                                     sizeof(PinHeld), pin_held_compare)
                                           : NULL;
    if (!have || wish->target == 0 || have->offset != wish->offset || have->way != wish->way ||
        have->length > wish->size || have->locked > wish->target)
        return NULL;
    /* What lies beyond the target need not be mapped: a file that grows there is let be. */
    wish->held = have->length >=
                 (wish->only_resident ? wish->size : min_u64(wish->target, wish->size));
    return have;
}

uint64_t pin_plan(PinWish *wishes, size_t n_wishes, PinHeld *held, size_t n_held, uint64_t budget,
                  uint64_t page)
{
    PinPlan plan = { .held = held, .n_held = n_held, .page = page, .left = budget };

    for (size_t i = 0; i < n_held; i++)
        held[i].keep = false;
    for (size_t i = 0; i < n_wishes; i++) {
        const PinHeld *kept = pin_plan_next(&plan, &wishes[i]);
        if (kept)
            held[kept - held].keep = true;
    }
    return budget - plan.left;
}
