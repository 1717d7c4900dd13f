/* SPDX-License-Identifier: MIT */
#pragma once

/* For how long something that did harm is not tried again: longer each time, from the beginning
 * after a long calm. */

#include <stdbool.h>
#include <stdint.h>

/* All zero: never. */
typedef struct Hold {
    uint64_t until_usec;
    uint64_t length_usec;
} Hold;

/* Doubles what it was, from @least to @most; what ended @most ago or longer is forgotten. */
void hold_begin(Hold *hold, uint64_t now_usec, uint64_t least_usec, uint64_t most_usec);

static inline bool hold_is_on(const Hold *hold, uint64_t now_usec)
{
    return now_usec < hold->until_usec;
}
