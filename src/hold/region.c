/* SPDX-License-Identifier: MIT */
/* Locking goes in the one order that works on every file system: map for reading,
 * MADV_POPULATE_READ, mlock (lock.h), mprotect(PROT_NONE). On XFS with large folios mlock alone
 * leaves the pages on the evictable list. Nothing is ever read through the mapping, so a truncated
 * file is an error of madvise and never a SIGBUS.
 *
 * What is mapped one after another mostly lies side by side, and mlock() and mprotect() take all of
 * it at once. The kernel joins no mappings of different files, so each can still be released alone.
 *
 * What is locked on fault is from the beginning one VM_LOCKED mapping that nobody can read, and
 * populating pages of it locks them. Which were, a bitmap tells. It is advised as random: else the
 * kernel, at a mark that its read-ahead left in the file, would read on, and what came in so would
 * be locked the next time, up to all of the file. */

#include "hold/region.h"

#include <sys/mman.h>

#include "hold/lock.h"
#include "util/cleanup.h"
#include "util/units.h"

/* Debian 12's glibc has it; older kernels than 5.14 answer EINVAL. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

/* Bytes that one call populates; only to keep calls short. */
#define REFRESH_SLICE (16 * MIB)

/* Bytes of one MADV_WILLNEED: what exceeds a device's largest read-ahead is silently left out, and
 * this is the kernel's default of it. */
#define READ_AHEAD_SLICE (128 * KIB)

static int prepare_on_fault(Region *region, uint64_t page)
{
    region->bitmap = calloc(1, region->size / page / 8 + 1);
    if (!region->bitmap)
        return -ENOMEM;
    if (madvise(region->address, region->size, MADV_RANDOM) < 0 ||
        mlock2(region->address, region->size, MLOCK_ONFAULT) < 0 ||
        mprotect(region->address, region->size, PROT_NONE) < 0)
        return -errno;
    return 0;
}

int region_map(int fd, uint64_t offset, uint64_t needed, uint64_t room, uint64_t page,
               RegionUse use, Region *ret)
{
    uint64_t size = max_u64(needed, room);
    bool read = use == REGION_LOCK_ALL && size == needed;
    int flags = MAP_SHARED | (read ? MAP_POPULATE : 0); /* a call less for each small file */
    void *address;

    while ((address = mmap(NULL, size, PROT_READ, flags, fd, (off_t)offset)) == MAP_FAILED) {
        if (size == needed)
            return -errno;
        size = max_u64(needed, size / 2 / page * page);
    }

    Region region = { .address = address, .size = size, .read = read };
    int r = use == REGION_ON_FAULT ? prepare_on_fault(&region, page) : 0;
    if (r < 0) {
        region_unmap(&region);
        return r;
    }
    *ret = region;
    return 0;
}

void region_unmap(Region *region)
{
    (void)munmap(region->address, region->size);
    free(region->bitmap);
}

/* Not even a bug can read the file's data or fault on it from then on. */
static int lock_and_close(uint8_t *begin, uint64_t size)
{
    int r = lock_populated(begin, size);

    return r < 0 ? r : mprotect(begin, size, PROT_NONE) < 0 ? -errno : 0;
}

int region_lock(Region *region, uint64_t size)
{
    uint8_t *begin = region->address + region->locked;

    if (!region->read && madvise(begin, size, MADV_POPULATE_READ) < 0)
        return -errno;
    int r = lock_and_close(begin, size);
    if (r < 0) {
        /* mlock() that fails half-way keeps that half, and what is locked must be counted. */
        (void)munlock(begin, size);
        /* Mapping does not tell what it could not read. */
        return madvise(begin, size, MADV_POPULATE_READ) < 0 ? -errno : r;
    }

    region->locked += size;
    return 0;
}

static int compare_addresses(const void *a, const void *b)
{
    const Region *x = *(Region *const *)a, *y = *(Region *const *)b;

    return (x->address > y->address) - (x->address < y->address);
}

/* All of @regions, each of which begins where the one before it ends. */
static void lock_run(Region *const *regions, size_t n)
{
    uint8_t *begin = regions[0]->address;
    const Region *last = regions[n - 1];
    size_t size = (size_t)(last->address + last->size - begin);

    if (lock_and_close(begin, size) < 0) {
        (void)mprotect(begin, size, PROT_READ);
        (void)munlock(begin, size);
        return;
    }
    for (size_t i = 0; i < n; i++)
        regions[i]->locked = regions[i]->size;
}

void region_lock_together(Region **regions, size_t n)
{
    size_t end;

    qsort(regions, n, sizeof(*regions), compare_addresses);
    for (size_t i = 0; i < n; i = end) {
        for (end = i + 1; end < n; end++)
            if (regions[end]->address != regions[end - 1]->address + regions[end - 1]->size)
                break;
        lock_run(&regions[i], end - i);
    }
}

/* Has the disk read what is missing of it at once, for faults on a mapping that is advised as
 * random read page by page. It is no more than a hint, and reads nothing beyond. */
static void read_ahead(uint8_t *begin, uint64_t size)
{
    for (uint64_t at = 0; at < size; at += READ_AHEAD_SLICE)
        (void)madvise(begin + at, min_u64(size - at, READ_AHEAD_SLICE), MADV_WILLNEED);
}

int region_read(const Region *region)
{
    if (madvise(region->address, region->size, MADV_RANDOM) < 0)
        return -errno;
    read_ahead(region->address, region->size);
    return madvise(region->address, region->size, MADV_POPULATE_READ) < 0 ? -errno : 0;
}

/* The mapping is VM_LOCKED, so what is populated is locked. */
static int populate_locked(uint8_t *begin, uint64_t size)
{
    if (mprotect(begin, size, PROT_READ) < 0)
        return -errno;
    int r = madvise(begin, size, MADV_POPULATE_READ) < 0 ? -errno : 0;
    if (mprotect(begin, size, PROT_NONE) < 0 && r >= 0)
        r = -errno;
    return r;
}

static bool page_is_locked(const Region *region, uint64_t i)
{
    return region->bitmap[i / 8] >> i % 8 & 1;
}

/* The number of pages from @first on, below @end, that are all locked or all not, as *ret says. */
static uint64_t run_length(const Region *region, uint64_t first, uint64_t end, bool *ret_locked)
{
    uint64_t i = first;

    *ret_locked = page_is_locked(region, first);
    while (i < end && page_is_locked(region, i) == *ret_locked)
        i++;
    return i - first;
}

int region_lock_pages(Region *region, uint64_t first, uint64_t end, uint64_t page, uint64_t *bytes)
{
    bool locked;

    for (uint64_t n; first < end && *bytes >= page; first += n) {
        n = run_length(region, first, end, &locked);
        if (locked)
            continue;
        n = min_u64(n, *bytes / page);
        read_ahead(region->address + first * page, n * page);
        int r = populate_locked(region->address + first * page, n * page);
        if (r < 0)
            return r;
        for (uint64_t i = first; i < first + n; i++)
            region->bitmap[i / 8] |= (uint8_t)(1u << i % 8);
        region->locked += n * page;
        *bytes -= n * page;
    }
    return 0;
}

static int refresh_range(const Region *region, uint64_t begin, uint64_t end)
{
    int r = 0;

    for (; begin < end && r >= 0; begin += REFRESH_SLICE)
        r = populate_locked(region->address + begin, min_u64(end - begin, REFRESH_SLICE));
    return r;
}

int region_refresh(const Region *region, uint64_t begin, uint64_t end, uint64_t page)
{
    uint64_t last = min_u64(end, region->size) / page;
    bool locked;
    int r = 0;

    if (!region->bitmap)
        return refresh_range(region, begin, min_u64(end, region->locked));
    for (uint64_t i = begin / page, n; i < last && r >= 0; i += n) {
        n = run_length(region, i, last, &locked);
        if (locked)
            r = refresh_range(region, i * page, (i + n) * page);
    }
    return r;
}

size_t region_mappings(const Region *region)
{
    return region->bitmap || region->locked == 0 || region->locked == region->size ? 1 : 2;
}
