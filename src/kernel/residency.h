/* SPDX-License-Identifier: MIT */
#pragma once

/* How much of a file is in memory, by cachestat(2), or mincore(2) where that cannot tell. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes, in whole pages: a file of 5 bytes may have 4096 resident. */
typedef struct Residency {
    uint64_t resident;
    uint64_t dirty;            /* of the resident ones */
    uint64_t writeback;        /* of the resident ones: on their way to the disk */
    uint64_t evicted;          /* once there, taken by reclaim (not by fadvise) */
    uint64_t recently_evicted; /* of these, so recently that they would count as a refault */
    bool has_resident;
    bool has_counters; /* false: mincore answered, and only resident is known */
} Residency;

/* @fd is open for reading (O_PATH will not do), its position may be moved; @size is the file's.
 * Never reads the file. On failure *ret is all zero. -EPERM: the kernel tells only the file's
 * owner, those who may write it, and CAP_FOWNER; -EOPNOTSUPP: hugetlbfs; otherwise what mmap fails
 * with. */
int residency_of(int fd, uint64_t size, Residency *ret);

/* The same of @length bytes from @offset, widened to whole pages. */
int residency_of_range(int fd, uint64_t offset, uint64_t length, Residency *ret);

/* A part of a file, bytes, and what of it is in memory. */
typedef struct ResidentPart {
    uint64_t begin, end;
    Residency residency;
} ResidentPart;

/* The first part of [@offset, @end) with anything in memory, between two multiples of @step; empty:
 * there is none. Asks about more at once while nothing is there, so that a file of exabytes takes
 * some dozens of questions. Errors as above. */
int residency_seek(int fd, uint64_t offset, uint64_t end, uint64_t step, ResidentPart *ret);

/* Pages that lie together. Bytes, whole pages. */
typedef struct ResidentRange {
    uint64_t offset;
    uint64_t length;
} ResidentRange;

/* Which pages of [@offset, @end), which is widened to whole pages, are in memory: the first @room
 * ranges of them, by mincore(2). *ret_next is where to go on, or @end and more. Errors as above.
 */
int residency_ranges(int fd, uint64_t offset, uint64_t end, ResidentRange *ranges, size_t room,
                     size_t *ret_n, uint64_t *ret_next);
