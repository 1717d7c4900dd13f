/* SPDX-License-Identifier: MIT */
/* posix_fadvise(POSIX_FADV_DONTNEED) says 0 whatever it did: locked, mapped and dirty pages stay,
 * on XFS folios that reach over the range as well. So an eviction is measure, advise, measure, and
 * what cannot be measured is not attempted. The whole file is advised (offset 0, length 0): a
 * length that does not end on a page leaves the last one.
 *
 * Dirty pages are left for the kernel to write, which the advice sets off; a second pass, later,
 * takes them. No fdatasync(): it would wait for the disk, and write more than asked. */
#include "kernel/evict.h"

#include <fcntl.h>

#include "kernel/residency.h"
#include "util/units.h"

int evict_file(int fd, uint64_t size, EvictOutcome *ret)
{
    Residency before, after;

    int r = residency_of(fd, size, &before);
    if (r < 0)
        return r;

    r = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    if (r != 0)
        return -r;

    r = residency_of(fd, size, &after);
    if (r < 0)
        return r;

    bool counted = before.has_counters && after.has_counters;
    /* What was dirty before may be written, clean and still there by now. */
    uint64_t excused = max_u64(before.dirty + before.writeback, after.dirty + after.writeback);
    *ret = (EvictOutcome){
        .before = before.resident,
        .after = after.resident,
        .evicted = sub_u64(before.resident, after.resident),
        .dirty = min_u64(after.dirty + after.writeback, after.resident),
        .has_dirty = counted,
        .locked_or_mapped_left = counted && after.resident > excused,
    };
    return 0;
}
