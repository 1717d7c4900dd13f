/* SPDX-License-Identifier: MIT */
#pragma once

/* Where a file with holes has data. A hole is zeros that no disk has; reading it takes memory for
 * them all the same. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

typedef struct Extent {
    uint64_t offset; /* bytes, whole pages */
    uint64_t length;
} Extent;

/* Holes that are smaller count as data: leaving them out saves little, and costs a request each. */
#define EXTENTS_HOLE_MIN (UINT64_C(1) << 20) /* bytes */

/* Whether it may have such holes; a compressed file looks the same. */
bool extents_may_have_holes(const struct stat *st);

/* The data in [@offset, @end) of the regular file @fd: the first @room extents of it, at least one,
 * apart by EXTENTS_HOLE_MIN or more, in whole pages. *ret_next is where to go on, or @end and more.
 * A file system that cannot tell calls all of it data. -errno of lseek(2). */
int extents_of(int fd, uint64_t offset, uint64_t end, Extent *extents, size_t room, size_t *ret_n,
               uint64_t *ret_next);

/* Bytes of all of these together. */
int extents_sum(int fd, uint64_t offset, uint64_t end, uint64_t *ret);
