/* SPDX-License-Identifier: MIT */
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

int all_pins(Target *const *targets, size_t n_targets, const Hands *hands, PinId **ret,
             size_t *ret_n)
{
    size_t n = hands_count(hands), at = 0;

    for (size_t i = 0; i < n_targets; i++) {
        size_t k = 0;
        if (targets[i]->pinner)
            (void)pinner_held(targets[i]->pinner, &k);
        n += k;
    }
    *ret = NULL;
    *ret_n = 0;
    if (n == 0)
        return 0;
    PinId *all = malloc(n * sizeof(PinId));
    if (!all)
        return -ENOMEM;
    for (size_t i = 0; i < n_targets; i++) {
        size_t k = 0;
        const PinHeld *held = targets[i]->pinner ? pinner_held(targets[i]->pinner, &k) : NULL;
        for (size_t j = 0; j < k; j++)
            all[at++] = (PinId){ held[j].dev, held[j].ino };
    }
    hands_held(hands, all + at);
    if (!is_sorted(all, n)) /* of one unit they are, and sorting takes as much memory again */
        qsort(all, n, sizeof(PinId), pin_id_compare);
    *ret = all;
    *ret_n = n;
    return 0;
}
