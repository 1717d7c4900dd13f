/* SPDX-License-Identifier: MIT */
#include "control/floor.h"

#include "util/units.h"

uint64_t unreclaimable(const Sample *sample)
{
    /* `kernel` contains unreclaimable slab, page tables and stacks; before 5.18 there is only slab.
     */
    uint64_t kernel = max_u64(sample->kernel, sample->slab_unreclaimable);

    return add_u64(add_u64(sample->anon, sample->shmem), add_u64(sample->unevictable, kernel));
}

uint64_t limit_floor(const Sample *sample, uint64_t min)
{
    return max_u64(add_u64(unreclaimable(sample), FLOOR_MARGIN), max_u64(min, sample->min));
}
