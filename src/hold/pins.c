/* SPDX-License-Identifier: MIT */
/* A pin is a file's pages from its offset on, in one or more regions: a region never changes its
 * place or size, and when a file grows beyond the last one, another is added behind it, so that
 * growing never unlocks a page.
 *
 * An added region is as large as all before it, although the file is not: of a log that grows for
 * weeks, the number of mappings grows with the logarithm (regions are mapped through descriptors of
 * their own, so the kernel never merges them). Behind the pin's length nothing is populated or
 * locked; until the file is that long, this is address space and nothing else. */

#include "hold/pins.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Out of memory is an error of one file, not the end of all pins, as uthash would have it. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "hold/region.h"
#include "util/units.h"

typedef struct FileId {
    uint64_t dev, ino;
} FileId;

typedef struct Pin {
    FileId id;
    uint64_t offset; /* bytes, whole pages */
    uint64_t length; /* bytes of the file from there; the regions cover at least these */
    HoldLock lock;
    Region *regions;
    size_t n_regions;
    size_t n_mappings; /* counted in the table's */
    uint64_t since_usec;
    UT_hash_handle hh;
} Pin;

struct PinTable {
    Pin *pins;
    Pin *last;                   /* used last: mostly it is used next. May be NULL */
    Pin *opened[HOLD_BATCH_MAX]; /* wholly read, and to be locked together */
    size_t n_opened;
    uint64_t page;
    size_t n_mappings;
};

static Pin *pin_free(Pin *pin)
{
    for (size_t i = 0; i < pin->n_regions; i++)
        region_unmap(&pin->regions[i]);
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
    Pin *pin = table->last;

    if (pin && pin->id.dev == dev && pin->id.ino == ino)
        return pin;
    HASH_FIND(hh, table->pins, &id, sizeof(id), pin);
    return pin;
}

static PinInfo info_of(const Pin *pin)
{
    PinInfo info = {
        .dev = pin->id.dev,
        .ino = pin->id.ino,
        .offset = pin->offset,
        .length = pin->length,
        .lock = pin->lock,
        .since_usec = pin->since_usec,
    };

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

static void recount_mappings(PinTable *table, Pin *pin)
{
    table->n_mappings -= pin->n_mappings;
    pin->n_mappings = 0;
    for (size_t i = 0; i < pin->n_regions; i++)
        pin->n_mappings += region_mappings(&pin->regions[i]);
    table->n_mappings += pin->n_mappings;
}

/* Maps what of [0, @length) of the pin no region covers yet. */
static int extend(Pin *pin, int fd, const PinPart *part, uint64_t page)
{
    uint64_t covered = 0, length = part->length;
    RegionUse use = part->lock == HOLD_LOCK_ON_FAULT ? REGION_ON_FAULT
                    : part->all                      ? REGION_LOCK_ALL
                                                     : REGION_LOCK;

    for (size_t i = 0; i < pin->n_regions; i++)
        covered += pin->regions[i].size;
    if (length > covered) {
        Region *grown = reallocarray(pin->regions, pin->n_regions + 1, sizeof(Region));
        if (!grown)
            return -ENOMEM;
        pin->regions = grown;

        int r = region_map(fd, pin->offset + covered, whole_pages(length - covered, page), covered,
                           page, use, &grown[pin->n_regions]);
        if (r < 0)
            return r;
        pin->n_regions++;
    }

    pin->length = max_u64(pin->length, length);
    return 0;
}

static uint64_t wall_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / NSEC_PER_USEC;
}

/* Whether @fd is a regular file that has all of the part. */
static int check_file(int fd, uint64_t offset, uint64_t length, struct stat *ret)
{
    if (fstat(fd, ret) < 0)
        return -errno;
    if (!S_ISREG(ret->st_mode) || length == 0 || add_u64(offset, length) > (uint64_t)ret->st_size)
        return -EINVAL;
    return 0;
}

int pin_table_open(PinTable *table, int fd, const PinPart *part, PinInfo *ret)
{
    struct stat st;

    int r = check_file(fd, part->offset, part->length, &st);
    if (r >= 0 && (part->offset % table->page != 0 || part->lock > HOLD_LOCK_ON_FAULT))
        r = -EINVAL;
    if (r < 0)
        return r;

    Pin *known = find(table, st.st_dev, st.st_ino);
    if (known && (known->offset != part->offset || known->lock != part->lock))
        return -EEXIST;
    cleanup(pin_freep) Pin *fresh = known ? NULL : calloc(1, sizeof(Pin));
    Pin *pin = known ?: fresh;
    if (!pin)
        return -ENOMEM;
    if (fresh) {
        fresh->id = (FileId){ .dev = st.st_dev, .ino = st.st_ino };
        fresh->offset = part->offset;
        fresh->lock = part->lock;
        fresh->since_usec = wall_clock();
    }

    r = extend(pin, fd, part, table->page);
    if (r < 0)
        return r;
    if (fresh) {
        HASH_ADD(hh, table->pins, id, sizeof(FileId), fresh);
        if (!fresh->hh.tbl)
            return -ENOMEM;
        if (fresh->regions[0].read && table->n_opened < HOLD_BATCH_MAX)
            table->opened[table->n_opened++] = fresh;
        fresh = NULL;
    }
    recount_mappings(table, pin);
    table->last = pin;
    if (ret)
        *ret = info_of(pin);
    return 0;
}

void pin_table_lock_opened(PinTable *table)
{
    Region *regions[HOLD_BATCH_MAX];

    for (size_t i = 0; i < table->n_opened; i++)
        regions[i] = table->opened[i]->regions;
    region_lock_together(regions, table->n_opened);
    table->n_opened = 0; /* all of a region: no more mappings than before */
}

int pin_table_lock(PinTable *table, uint64_t dev, uint64_t ino, uint64_t bytes, PinInfo *ret)
{
    Pin *pin = find(table, dev, ino);
    int r = 0;

    if (!pin)
        return -ENOENT;
    if (pin->lock != HOLD_LOCK_NOW)
        return -EINVAL;
    bytes = whole_pages(bytes, table->page);
    uint64_t left = whole_pages(pin->length, table->page); /* of the pin, from this region on */
    for (size_t i = 0; i < pin->n_regions && bytes > 0 && r >= 0; i++) {
        Region *region = &pin->regions[i];
        uint64_t usable = min_u64(region->size, left);
        uint64_t size = min_u64(bytes, usable - region->locked);
        if (size > 0)
            r = region_lock(region, size);
        bytes -= size;
        left -= usable;
    }
    recount_mappings(table, pin);

    *ret = info_of(pin);
    return r;
}

int pin_table_lock_resident(PinTable *table, uint64_t dev, uint64_t ino, uint64_t offset,
                            uint64_t length, uint64_t bytes, PinInfo *ret)
{
    Pin *pin = find(table, dev, ino);
    uint64_t page = table->page;
    int r = 0;

    if (!pin)
        return -ENOENT;
    if (pin->lock != HOLD_LOCK_ON_FAULT)
        return -EINVAL;
    /* From here on in pages of the pin, as far as the file has them. */
    uint64_t end = whole_pages(add_u64(offset, length), page) / page;
    uint64_t first = sub_u64(offset, pin->offset) / page;
    end = min_u64(sub_u64(end, pin->offset / page), whole_pages(pin->length, page) / page);
    bytes = whole_pages(bytes, page);
    for (size_t i = 0; i < pin->n_regions && first < end && r >= 0; i++) {
        Region *region = &pin->regions[i];
        uint64_t size = region->size / page;
        if (first < size)
            r = region_lock_pages(region, first, min_u64(end, size), page, &bytes);
        first = sub_u64(first, size);
        end = sub_u64(end, size);
    }

    *ret = info_of(pin);
    return r;
}

int pin_table_refresh(PinTable *table, uint64_t dev, uint64_t ino, uint64_t offset, uint64_t length,
                      PinInfo *ret)
{
    Pin *pin = find(table, dev, ino);
    int r = 0;

    if (!pin)
        return -ENOENT;
    if (offset % table->page != 0)
        return -EINVAL;
    /* From here on in bytes of the pin, and then of the region. */
    uint64_t end = length > 0 ? whole_pages(add_u64(offset, length), table->page) : UINT64_MAX;
    uint64_t begin = sub_u64(offset, pin->offset);
    end = sub_u64(end, pin->offset);
    for (size_t i = 0; i < pin->n_regions && begin < end && r >= 0; i++) {
        uint64_t size = pin->regions[i].size;
        if (begin < size)
            r = region_refresh(&pin->regions[i], begin, min_u64(end, size), table->page);
        begin = sub_u64(begin, size);
        end = sub_u64(end, size);
    }

    *ret = info_of(pin);
    return r;
}

int pin_table_release(PinTable *table, uint64_t dev, uint64_t ino)
{
    Pin *pin = find(table, dev, ino);
    if (!pin)
        return -ENOENT;

    table->n_mappings -= pin->n_mappings;
    table->n_opened = 0; /* it may be one of them */
    if (table->last == pin)
        table->last = NULL;
    HASH_DEL(table->pins, pin);
    pin_free(pin);
    return 0;
}

int pin_table_find(const PinTable *table, uint64_t dev, uint64_t ino, PinInfo *ret)
{
    const Pin *pin = find(table, dev, ino);
    if (!pin)
        return -ENOENT;

    if (ret)
        *ret = info_of(pin);
    return 0;
}

size_t pin_table_mappings(const PinTable *table)
{
    return table->n_mappings;
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

int pin_warm(int fd, uint64_t offset, uint64_t length)
{
    struct stat st;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

    int r = check_file(fd, offset, length, &st);
    if (r >= 0 && offset % page != 0)
        r = -EINVAL;
    if (r < 0)
        return r;

    Region region;
    r = region_map(fd, offset, whole_pages(length, page), 0, page, REGION_LOCK, &region);
    if (r < 0)
        return r;
    r = region_read(&region);
    region_unmap(&region);
    return r;
}
