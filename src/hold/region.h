/* SPDX-License-Identifier: MIT */
#pragma once

/* One mapping of a part of a file, and what of it is locked. It never changes its place or size. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Region {
    uint8_t *address;
    uint64_t size;   /* bytes, whole pages */
    uint64_t locked; /* bytes, whole pages; without a bitmap from the beginning, without gaps */
    uint8_t *bitmap; /* locked on fault: a bit for each page that is locked. Else NULL */
    bool read;       /* all of it was read when it was mapped */
} Region;

typedef enum RegionUse {
    REGION_LOCK,     /* by region_lock() */
    REGION_LOCK_ALL, /* the same, and soon all of it: it is read right away */
    REGION_ON_FAULT, /* by region_lock_pages() */
} RegionUse;

/* Maps the file from @offset on: @needed bytes, and up to @room of them if that is more: address
 * space may be short, and the file system may not have files of that size. All in whole pages of
 * @page bytes. */
int region_map(int fd, uint64_t offset, uint64_t needed, uint64_t room, uint64_t page,
               RegionUse use, Region *ret);

void region_unmap(Region *region);

/* Reads all of it into memory, and nothing around it; locks nothing. */
int region_read(const Region *region);

/* Reads and locks the next @size bytes (whole pages), all or none. */
int region_lock(Region *region, uint64_t size);

/* Locks all of several that were read when they were mapped, and of which nothing is locked: those
 * that lie side by side with one call. Where that fails, none of these is locked, and region_lock()
 * tells why. Sorts @regions. */
void region_lock_together(Region **regions, size_t n);

/* Locks of the pages [@first, @end) those that are not, while *bytes last, and subtracts them. */
int region_lock_pages(Region *region, uint64_t first, uint64_t end, uint64_t page, uint64_t *bytes);

/* Reads again what of the bytes [@begin, @end), whole pages, should be locked. */
int region_refresh(const Region *region, uint64_t begin, uint64_t end, uint64_t page);

/* How many mappings the kernel makes of it. */
size_t region_mappings(const Region *region);
