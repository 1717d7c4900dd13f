/* SPDX-License-Identifier: MIT */
#include "control/pin_room.h"

#include <stddef.h>

#include "control/floor.h"
#include "util/units.h"

uint64_t pin_room_host(const PinHost *host, PinBound *ret_bound)
{
    uint64_t share = sub_u64(host->budget, host->locked);
    uint64_t spare = sub_u64(host->available, host->reserve);

    *ret_bound = share <= spare ? PIN_BOUND_HOST : PIN_BOUND_RESERVE;
    return min_u64(share, spare);
}

uint64_t pin_room_cgroup(const Sample *sample)
{
    uint64_t limit = min_u64(sample->high, sample->max);

    if (limit == LIMIT_NONE)
        return LIMIT_NONE;
    return sub_u64(limit, add_u64(unreclaimable(sample), PIN_CGROUP_HEADROOM));
}

uint64_t pin_room_beside(const Sample *sample)
{
    uint64_t room = pin_room_cgroup(sample);

    return add_u64(sample->active_file, sample->inactive_file) <= room ? LIMIT_NONE : room;
}

const char *pin_bound_to_string(PinBound bound)
{
    switch (bound) {
    case PIN_BOUND_NONE:
        return "none";
    case PIN_BOUND_HOST:
        return "all pins together would take more than the host's pin_budget";
    case PIN_BOUND_RESERVE:
        return "available memory would fall below the reserve";
    case PIN_BOUND_CGROUP:
        return "the memory limit of the service or of a slice above it is near";
    }
    return NULL;
}
