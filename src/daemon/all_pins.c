/* SPDX-License-Identifier: MIT */
/* Told each second, of 100,000 files perhaps: what one unit has, and what it is to have, are merged
 * in one pass, so that all is sorted already where only one has any. */

#include "daemon/all_pins.h"

#include <errno.h>
#include <stdlib.h>

#include "control/pin_plan.h"

static bool is_sorted(const PinId *ids, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (pin_id_compare(&ids[i - 1], &ids[i]) > 0)
            return false;
    return true;
}

/* Of one unit. */
typedef struct Pins {
    const PinHeld *held;
    const PinId *unheld;
    size_t n_held, n_unheld;
} Pins;

static int pins_of(const Target *target, Pins *ret)
{
    *ret = (Pins){ 0 };
    if (!target->pinner)
        return 0;
    ret->held = pinner_held(target->pinner, &ret->n_held);
    return pinner_unheld(target->pinner, &ret->unheld, &ret->n_unheld);
}

int all_pins(Target *const *targets, size_t n_targets, const Hands *hands, PinId **ret,
             size_t *ret_n)
{
    size_t n = hands_count(hands), at = 0;
    Pins pins;

    *ret = NULL;
    *ret_n = 0;
    for (size_t i = 0; i < n_targets; i++) {
        int r = pins_of(targets[i], &pins);
        if (r < 0)
            return r;
        n += pins.n_held + pins.n_unheld;
    }
    if (n == 0)
        return 0;
    PinId *all = malloc(n * sizeof(PinId));
    if (!all)
        return -ENOMEM;
    for (size_t i = 0; i < n_targets; i++)
        if (pins_of(targets[i], &pins) >= 0)
            at += pin_ids_merge(pins.held, pins.n_held, pins.unheld, pins.n_unheld, all + at);
    at += hands_held(hands, all + at);
    if (!is_sorted(all, at)) /* sorting takes as much memory again */
        qsort(all, at, sizeof(PinId), pin_id_compare);
    *ret = all;
    *ret_n = at;
    return 0;
}
