/* SPDX-License-Identifier: MIT */
/* Few large files cost few requests, and come back by reading on. */
#include "control/pin_shed.h"

#include <stdlib.h>

#include "util/units.h"

static int compare_largest(const void *a, const void *b)
{
    const PinHeld *x = a, *y = b;

    if (x->locked != y->locked)
        return x->locked > y->locked ? -1 : 1;
    return pin_held_compare(a, b);
}

uint64_t pin_shed(PinHeld *held, size_t n, uint64_t bytes)
{
    uint64_t sum = 0;

    if (n > 0)
        qsort(held, n, sizeof(PinHeld), compare_largest);
    for (size_t i = 0; i < n; i++) {
        uint64_t left = sub_u64(bytes, sum);
        /* The next one is enough as well. */
        bool smaller = i + 1 < n && held[i + 1].locked >= left;
        held[i].keep = left == 0 || smaller || held[i].locked == 0;
        if (!held[i].keep)
            sum = add_u64(sum, held[i].locked);
    }
    return sum;
}
