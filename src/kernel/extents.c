/* SPDX-License-Identifier: MIT */
/* SEEK_DATA and SEEK_HOLE (lseek(2)) know of what was written and is still on its way to the disk;
 * what was only allocated (fallocate(2)) is a hole to them as well. */
#include "kernel/extents.h"

#include <errno.h>
#include <unistd.h>

#include "util/parse.h"
#include "util/units.h"

#define STAT_BLOCK 512 /* bytes, of st_blocks, on every file system */

bool extents_may_have_holes(const struct stat *st)
{
    return sub_u64((uint64_t)st->st_size, (uint64_t)st->st_blocks * STAT_BLOCK) >= EXTENTS_HOLE_MIN;
}

/* *ret: where data (a hole) begins, from @offset on, or @end. */
static int seek(int fd, uint64_t offset, int whence, uint64_t end, uint64_t *ret)
{
    off_t found = lseek(fd, (off_t)offset, whence);

    if (found < 0 && errno == EINVAL) /* it cannot tell: all is data */
        found = (off_t)(whence == SEEK_DATA ? offset : end);
    if (found < 0 && errno != ENXIO) /* behind the last data */
        return -errno;
    *ret = found < 0 ? end : min_u64((uint64_t)found, end);
    return 0;
}

/* The next extent from @offset on, up to a large hole; empty at the end. */
static int next_extent(int fd, uint64_t offset, uint64_t end, Extent *ret)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), begin = 0, hole, data;

    int r = seek(fd, offset, SEEK_DATA, end, &begin);
    if (r < 0)
        return r;
    hole = data = begin;
    while (data < end && data - hole < EXTENTS_HOLE_MIN) {
        r = seek(fd, data, SEEK_HOLE, end, &hole);
        if (r >= 0)
            r = seek(fd, hole, SEEK_DATA, end, &data);
        if (r < 0)
            return r;
    }
    if (begin == end) {
        *ret = (Extent){ 0 };
        return 0;
    }
    begin = page_floor(begin, page);
    *ret = (Extent){ begin, page_floor(add_u64(hole, page - 1), page) - begin };
    return 0;
}

int extents_of(int fd, uint64_t offset, uint64_t end, Extent *extents, size_t room, size_t *ret_n,
               uint64_t *ret_next)
{
    size_t n = 0;

    while (offset < end && n < room) {
        Extent extent;
        int r = next_extent(fd, offset, end, &extent);
        if (r < 0)
            return r;
        offset = extent.length > 0 ? extent.offset + extent.length : end;
        if (extent.length > 0)
            extents[n++] = extent;
    }
    *ret_n = n;
    *ret_next = offset;
    return 0;
}

int extents_sum(int fd, uint64_t offset, uint64_t end, uint64_t *ret)
{
    uint64_t sum = 0;

    while (offset < end) {
        Extent extent;
        size_t n;
        int r = extents_of(fd, offset, end, &extent, 1, &n, &offset);
        if (r < 0)
            return r;
        sum += n > 0 ? extent.length : 0;
    }
    *ret = sum;
    return 0;
}
