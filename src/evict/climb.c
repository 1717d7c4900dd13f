/* SPDX-License-Identifier: MIT */
#include "evict/climb.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include "util/units.h"

EvictPart climb_part(const Climb *climb, size_t i)
{
    EvictPart part = climb->part;

    if (i > 0) {
        const ResidentRange *before = &climb->spared[i - 1];
        part.begin = max_u64(part.begin, add_u64(before->offset, before->length));
    }
    if (i < climb->n_spared)
        part.end = min_u64(part.end, climb->spared[i].offset);
    part.begin = min_u64(part.begin, part.end);
    return part;
}

int climb_measure(const Climb *climb, Residency *ret)
{
    Residency sum = { .has_resident = true, .has_counters = true };

    for (size_t i = 0; i <= climb->n_spared; i++) {
        EvictPart part = climb_part(climb, i);
        Residency residency;

        int r = residency_of_range(climb->fd, part.begin, part.end - part.begin, &residency);
        if (r < 0)
            return r;
        sum.resident += residency.resident;
        sum.dirty += residency.dirty;
        sum.writeback += residency.writeback;
        sum.has_counters &= residency.has_counters;
    }
    *ret = sum;
    return 0;
}

EvictLeft climb_left(const Residency *residency)
{
    return (EvictLeft){
        .resident = residency->resident,
        .dirty = min_u64(residency->dirty + residency->writeback, residency->resident),
        .has_dirty = residency->has_counters,
    };
}

bool file_is_in_memory_only(int fd)
{
    struct statfs fs;

    if (fstatfs(fd, &fs) < 0)
        return false;
    unsigned long type = (unsigned long)fs.f_type;
    return type == TMPFS_MAGIC || type == RAMFS_MAGIC;
}
