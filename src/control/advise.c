/* SPDX-License-Identifier: MIT */
#include "control/advise.h"

#include "util/units.h"

uint64_t advise_interval(uint64_t interval_usec, uint64_t cpu_usec)
{
    uint64_t bearable = cpu_usec > UINT64_MAX / (100 / ADVISE_CPU_PERCENT)
                            ? UINT64_MAX
                            : cpu_usec * (100 / ADVISE_CPU_PERCENT);

    return max_u64(interval_usec, bearable);
}
