/* SPDX-License-Identifier: MIT */
/* A pin is a file's pages from its beginning, in one or more regions: a region never changes its
 * place or size, and when a file grows beyond the last one, another is added behind it, so that
 * growing never unlocks a page.
 *
 * An added region is as large as all before it, although the file is not: of a log that grows for
 * weeks, the number of mappings grows with the logarithm (regions are mapped through descriptors of
 * their own, so the kernel never merges them). Behind the pin's length nothing is populated or
 * locked; until the file is that long, this is address space and nothing else.
 *
 * Locking goes in the one order that works on every file system: map for reading,
 * MADV_POPULATE_READ, mlock, mprotect(PROT_NONE). On XFS with large folios mlock alone leaves the
 * pages on the evictable list. Nothing is ever read through the mapping, so a truncated file is an
 * error of madvise and never a SIGBUS. */

#include "hold/pins.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Out of memory is an error of one file, not the end of all pins, as uthash would have it. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "util/units.h"

/* Debian 12's glibc has it; older kernels than 5.14 answer EINVAL. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

/* Bytes that one call populates; only to keep calls short. */
#define REFRESH_SLICE (16 * MIB)

typedef struct Region {
    uint8_t *address;
    uint64_t size;   /* whole pages */
    uint64_t locked; /* whole pages, from the region's beginning */
} Region;

typedef struct FileId {
    uint64_t dev, ino;
} FileId;

typedef struct Pin {
    FileId id;
    uint64_t length; /* bytes of the file; the regions cover at least these */
    Region *regions;
    size_t n_regions;
    UT_hash_handle hh;
} Pin;

struct PinTable {
    Pin *pins;
    uint64_t page;
};

static Pin *pin_free(Pin *pin)
{
    for (size_t i = 0; i < pin->n_regions; i++)
        (void)munmap(pin->regions[i].address, pin->regions[i].size);
    free(pin->regions);
    free(pin);
    return NULL;
}

DEFINE_CLEANUP(Pin *, pin_free)

int pin_table_new(PinTable **ret)
{
    PinTable *table = calloc(1, sizeof(PinTable));
    if (!table)
        return -ENOMEM;

    table->page = (uint64_t)sysconf(_SC_PAGESIZE);
    *ret = table;
    return 0;
}

PinTable *pin_table_free(PinTable *table)
{
    Pin *pin, *next;

    if (!table)
        return NULL;
    HASH_ITER (hh, table->pins, pin, next) {
        HASH_DEL(table->pins, pin);
        pin_free(pin);
    }
    free(table);
    return NULL;
}

static Pin *find(const PinTable *table, uint64_t dev, uint64_t ino)
{
    FileId id = { .dev = dev, .ino = ino };
    Pin *pin;

    HASH_FIND(hh, table->pins, &id, sizeof(id), pin);
    return pin;
}

static PinInfo info_of(const Pin *pin)
{
    PinInfo info = { .dev = pin->id.dev, .ino = pin->id.ino, .length = pin->length };

    for (size_t i = 0; i < pin->n_regions; i++)
        info.locked += pin->regions[i].locked;
    /* The last page is locked as a whole, but only what the file has of it counts. */
    info.locked = min_u64(info.locked, pin->length);
    return info;
}

static uint64_t whole_pages(uint64_t bytes, uint64_t page)
{
    return add_u64(bytes, page - 1) / page * page;
}

/* A mapping of the file from @offset on: @needed bytes, and up to @offset of them if that is more.
 * Address space may be short, and the file system may not have files of that size. */
static int map_region(int fd, uint64_t offset, uint64_t needed, uint64_t page, Region *ret)
{
    uint64_t size = max_u64(needed, offset);
    void *address;

    while ((address = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, (off_t)offset)) == MAP_FAILED) {
        if (size == needed)
            return -errno;
        size = max_u64(needed, size / 2 / page * page);
    }
    *ret = (Region){ .address = address, .size = size };
    return 0;
}

/* Maps what of [0, @length) no region covers yet. */
static int extend(Pin *pin, int fd, uint64_t length, uint64_t page)
{
    uint64_t covered = 0;

    for (size_t i = 0; i < pin->n_regions; i++)
        covered += pin->regions[i].size;
    if (length > covered) {
        Region *grown = reallocarray(pin->regions, pin->n_regions + 1, sizeof(Region));
        if (!grown)
            return -ENOMEM;
        pin->regions = grown;

        int r = map_region(fd, covered, whole_pages(length - covered, page), page,
                           &grown[pin->n_regions]);
        if (r < 0)
            return r;
        pin->n_regions++;
    }

    pin->length = max_u64(pin->length, length);
    return 0;
}

int pin_table_open(PinTable *table, int fd, uint64_t length, PinInfo *ret)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || length == 0 || (uint64_t)st.st_size < length)
        return -EINVAL;

    Pin *known = find(table, st.st_dev, st.st_ino);
    cleanup(pin_freep) Pin *fresh = known ? NULL : calloc(1, sizeof(Pin));
    Pin *pin = known ?: fresh;
    if (!pin)
        return -ENOMEM;

    int r = extend(pin, fd, length, table->page);
    if (r < 0)
        return r;
    if (fresh) {
        fresh->id = (FileId){ .dev = st.st_dev, .ino = st.st_ino };
        HASH_ADD(hh, table->pins, id, sizeof(FileId), fresh);
        if (!fresh->hh.tbl)
            return -ENOMEM;
        fresh = NULL;
    }
    if (ret)
        *ret = info_of(pin);
    return 0;
}

static int lock_slice(Region *region, uint64_t size)
{
    uint8_t *begin = region->address + region->locked;

    if (madvise(begin, size, MADV_POPULATE_READ) < 0)
        return -errno;
    /* After mprotect() not even a bug can read the file's data or fault on it. */
    if (mlock(begin, size) < 0 || mprotect(begin, size, PROT_NONE) < 0) {
        int r = -errno;
        /* mlock() that fails half-way keeps that half, and what is locked must be counted. */
        (void)munlock(begin, size);
        return r;
    }

    region->locked += size;
    return 0;
}

int pin_table_lock(PinTable *table, uint64_t dev, uint64_t ino, uint64_t bytes, PinInfo *ret)
{
    Pin *pin = find(table, dev, ino);
    int r = 0;

    if (!pin)
        return -ENOENT;
    bytes = whole_pages(bytes, table->page);
    uint64_t left = whole_pages(pin->length, table->page); /* of the pin, from this region on */
    for (size_t i = 0; i < pin->n_regions && bytes > 0 && r >= 0; i++) {
        Region *region = &pin->regions[i];
        uint64_t usable = min_u64(region->size, left);
        uint64_t size = min_u64(bytes, usable - region->locked);
        if (size > 0)
            r = lock_slice(region, size);
        bytes -= size;
        left -= usable;
    }

    *ret = info_of(pin);
    return r;
}

/* The mapping is still VM_LOCKED, so what is populated is locked. */
static int refresh_slice(uint8_t *begin, uint64_t size)
{
    if (mprotect(begin, size, PROT_READ) < 0)
        return -errno;
    int r = madvise(begin, size, MADV_POPULATE_READ) < 0 ? -errno : 0;
    if (mprotect(begin, size, PROT_NONE) < 0 && r >= 0)
        r = -errno;
    return r;
}

int pin_table_refresh(PinTable *table, uint64_t dev, uint64_t ino, PinInfo *ret)
{
    Pin *pin = find(table, dev, ino);
    int r = 0;

    if (!pin)
        return -ENOENT;
    for (size_t i = 0; i < pin->n_regions && r >= 0; i++) {
        const Region *region = &pin->regions[i];
        for (uint64_t at = 0; at < region->locked && r >= 0; at += REFRESH_SLICE)
            r = refresh_slice(region->address + at, min_u64(region->locked - at, REFRESH_SLICE));
    }

    *ret = info_of(pin);
    return r;
}

int pin_table_release(PinTable *table, uint64_t dev, uint64_t ino)
{
    Pin *pin = find(table, dev, ino);
    if (!pin)
        return -ENOENT;

    HASH_DEL(table->pins, pin);
    pin_free(pin);
    return 0;
}

int pin_table_visit(const PinTable *table, int (*visit)(const PinInfo *info, void *userdata),
                    void *userdata)
{
    for (Pin *pin = table->pins; pin; pin = pin->hh.next) {
        PinInfo info = info_of(pin);
        int r = visit(&info, userdata);
        if (r != 0)
            return r;
    }
    return 0;
}
