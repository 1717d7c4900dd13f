/* SPDX-License-Identifier: MIT */
/* A total order, so that whatever sorts by it need not be stable. */
#include "control/pin_order.h"

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_by(PinKey key, const PinRank *a, const PinRank *b)
{
    switch (key) {
    case PIN_BY_LIST:
        return compare(a->entry, b->entry);
    case PIN_BY_SMALLEST:
        return compare(a->size, b->size);
    case PIN_BY_LARGEST:
        return compare(b->size, a->size);
    }
    return 0;
}

int pin_order_compare(const PinOrder *order, const PinRank *a, const PinRank *b)
{
    int r = 0;

    for (size_t i = 0; i < order->n_keys && r == 0; i++)
        r = compare_by(order->keys[i], a, b);
    return r != 0 ? r : compare(a->found, b->found);
}
