/* SPDX-License-Identifier: MIT */
#include "control/hold.h"

#include "util/units.h"

void hold_begin(Hold *hold, uint64_t now_usec, uint64_t least_usec, uint64_t most_usec)
{
    bool forgotten = sub_u64(now_usec, hold->until_usec) >= most_usec;

    hold->length_usec = forgotten ? least_usec
                                  : min_u64(max_u64(mul_u64(hold->length_usec, 2), least_usec),
                                            most_usec);
    hold->until_usec = add_u64(now_usec, hold->length_usec);
}
