/* SPDX-License-Identifier: MIT */
#pragma once

/* Arrays that grow by one entry at a time, to twice their size and some. */

#include <errno.h>
#include <stdlib.h>

/* @items with room for one more than its @n entries; NULL: out of memory, and @items is as before.
 */
static inline void *array_grow(void *items, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return items;
    size_t more = *room * 2 + 64;
    void *grown = reallocarray(items, more, size);
    if (grown)
        *room = more;
    return grown;
}

/* Makes room for one more in @items, which has @n entries and is large enough for @room. 0, or
 * -ENOMEM. */
#define ARRAY_RESERVE(items, n, room)                                      \
    ({                                                                     \
        void *_grown = array_grow((items), (n), &(room), sizeof *(items)); \
        if (_grown)                                                        \
            (items) = _grown;                                              \
        _grown ? 0 : -ENOMEM;                                              \
    })
