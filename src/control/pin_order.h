/* SPDX-License-Identifier: MIT */
#pragma once

/* Which of the wished-for files come first when the budget is short. */

#include <stddef.h>
#include <stdint.h>

typedef enum PinKey {
    PIN_BY_LIST,     /* the policy's entries, from the first on */
    PIN_BY_SMALLEST, /* those that cost the least first: the most of them are whole */
    PIN_BY_LARGEST,
} PinKey;

#define PIN_KEYS_MAX 3

/* Keys in turn: the next one decides where those before are equal. Without any, or where all are
 * equal, the order is that in which the files were found: by entry, then by name. */
typedef struct PinOrder {
    PinKey keys[PIN_KEYS_MAX];
    size_t n_keys;
} PinOrder;

/* What of a file the order looks at. */
typedef struct PinRank {
    size_t entry;  /* of the policy, from 0 */
    size_t found;  /* how many files were found before it */
    uint64_t size; /* bytes that are wished for */
} PinRank;

/* Negative: @a comes first; 0: they are the same file. */
int pin_order_compare(const PinOrder *order, const PinRank *a, const PinRank *b);
