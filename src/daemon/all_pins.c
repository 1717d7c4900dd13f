/* SPDX-License-Identifier: MIT */
#include "daemon/all_pins.h"

#include <stdlib.h>
#include <string.h>

PinHeld *all_pins(Target *const *targets, size_t n_targets, const Hands *hands, size_t *ret_n)
{
    size_t n = hands_count(hands), at = 0;

    for (size_t i = 0; i < n_targets; i++) {
        size_t k = 0;
        if (targets[i]->pinner)
            (void)pinner_held(targets[i]->pinner, &k);
        n += k;
    }
    *ret_n = 0;
    PinHeld *all = n > 0 ? malloc(n * sizeof(PinHeld)) : NULL;
    if (!all)
        return NULL;
    for (size_t i = 0; i < n_targets; i++) {
        size_t k = 0;
        const PinHeld *held = targets[i]->pinner ? pinner_held(targets[i]->pinner, &k) : NULL;
        if (k > 0)
            memcpy(all + at, held, k * sizeof(PinHeld));
        at += k;
    }
    at += hands_held(hands, all + at);
    qsort(all, n, sizeof(PinHeld), pin_held_compare);
    *ret_n = n;
    return all;
}
