/* SPDX-License-Identifier: MIT */
/* cachestat(2) counts a file's pages by state without mapping the file, from 6.5; it takes 17 ms
 * for a cached GiB where mincore(2) takes 54. mincore is the fallback on older kernels and on
 * overlayfs, where cachestat looks at the upper inode, which has no pages, and answers 0.
 *
 * Surprise: to a caller who neither owns the file nor may write it, cachestat says EPERM, but
 * mincore says that every page is resident. So before mincore is believed, its permission check is
 * made here.
 *
 * cachestat takes time for what is in memory, mincore for what is asked about, be it a hole: anyone
 * may make a file of exabytes. So of what is too much for mincore only the data is asked about. */
#include "kernel/residency.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kernel/extents.h"
#include "util/cleanup.h"
#include "util/units.h"

/* Debian 12's headers do not know it yet. The number is the same on every architecture but alpha.
 */
#ifdef __NR_cachestat
#define CACHESTAT_NR __NR_cachestat
#elif defined(__alpha__)
#define CACHESTAT_NR 561
#else
#define CACHESTAT_NR 451
#endif

#define OVERLAYFS_MAGIC 0x794c7630

/* struct cachestat_range and struct cachestat of <linux/mman.h>, in pages. */
typedef struct StatRange {
    uint64_t offset;
    uint64_t length;
} StatRange;

typedef struct StatPages {
    uint64_t cache;
    uint64_t dirty;
    uint64_t writeback;
    uint64_t evicted;
    uint64_t recently_evicted;
} StatPages;

/* Address space and, at a byte a page, stack of one look by mincore. */
#define MINCORE_WINDOW (128 * MIB)
#define PAGE_MIN       4096

/* As much as mincore is asked about at once, holes and all: some 9 ms for a GiB. */
#define WITH_HOLES_MAX (4 * GIB)

static uint64_t page_size(void)
{
    return (uint64_t)sysconf(_SC_PAGESIZE);
}

static int by_cachestat(int fd, StatRange range, Residency *ret)
{
    StatPages pages;

    if (syscall(CACHESTAT_NR, fd, &range, &pages, 0) < 0)
        return -errno;

    uint64_t page = page_size();
    *ret = (Residency){
        .resident = pages.cache * page,
        .dirty = pages.dirty * page,
        .writeback = pages.writeback * page,
        .evicted = pages.evicted * page,
        .recently_evicted = pages.recently_evicted * page,
        .has_resident = true,
        .has_counters = true,
    };
    return 0;
}

/* What mm/mincore.c asks in can_do_mincore(): owner or CAP_FOWNER, or write permission. O_NOATIME
 * is allowed to just the former, so that opening tells, user namespaces included. */
static bool mincore_tells_the_truth(int fd)
{
    char link[sizeof "/proc/self/fd/" + 11];

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    CLEANUP_CLOSE int again = open(link, O_RDONLY | O_NOATIME | O_CLOEXEC | O_NONBLOCK);
    return again >= 0 || faccessat(AT_FDCWD, link, W_OK, AT_EACCESS) == 0;
}

/* One byte a page of one window, into @vector; nothing of the mapping is ever touched. */
static int look_at_window(int fd, uint64_t offset, size_t length, unsigned char *vector)
{
    void *address = mmap(NULL, length, PROT_NONE, MAP_SHARED, fd, (off_t)offset);
    if (address == MAP_FAILED)
        return -errno;
    int r = mincore(address, length, vector) < 0 ? -errno : 0;
    munmap(address, length);
    return r;
}

static size_t pages_of(size_t length)
{
    return (length + page_size() - 1) / page_size();
}

static int count_window(int fd, uint64_t offset, size_t length, uint64_t *pages)
{
    unsigned char vector[MINCORE_WINDOW / PAGE_MIN];

    int r = look_at_window(fd, offset, length, vector);
    for (size_t i = 0; i < pages_of(length) && r >= 0; i++)
        *pages += vector[i] & 1;
    return r;
}

static int count_pages(int fd, StatRange range, uint64_t *pages)
{
    int r = 0;

    for (uint64_t done = 0, length; done < range.length && r >= 0; done += length) {
        length = min_u64(range.length - done, MINCORE_WINDOW);
        r = count_window(fd, range.offset + done, (size_t)length, pages);
    }
    return r;
}

/* But for zeros of holes that were read. */
static int count_pages_of_data(int fd, StatRange range, uint64_t *pages)
{
    uint64_t at = range.offset, end = range.offset + range.length;
    int r = 0;

    while (at < end && r >= 0) {
        Extent extent;
        size_t n = 0;

        r = extents_of(fd, at, end, &extent, 1, &n, &at);
        if (r >= 0 && n > 0)
            r = count_pages(fd, (StatRange){ extent.offset, extent.length }, pages);
    }
    return r;
}

static int by_mincore(int fd, StatRange range, Residency *ret)
{
    uint64_t pages = 0;

    if (!mincore_tells_the_truth(fd))
        return -EPERM;
    int r = range.length > WITH_HOLES_MAX ? count_pages_of_data(fd, range, &pages)
                                          : count_pages(fd, range, &pages);
    if (r < 0)
        return r;
    *ret = (Residency){ .resident = pages * page_size(), .has_resident = true };
    return 0;
}

static bool on_overlayfs(int fd)
{
    struct statfs fs;

    return fstatfs(fd, &fs) == 0 && (unsigned long)fs.f_type == OVERLAYFS_MAGIC;
}

int residency_of_range(int fd, uint64_t offset, uint64_t length, Residency *ret)
{
    *ret = (Residency){ 0 };
    if (offset > INT64_MAX || length > INT64_MAX - offset)
        return -EINVAL;
    if (length == 0) {
        /* To cachestat, 0 means "to the end". */
        *ret = (Residency){ .has_resident = true, .has_counters = true };
        return 0;
    }

    uint64_t first = offset & ~(page_size() - 1);
    StatRange range = { first, offset + length - first };
    int r = by_cachestat(fd, range, ret);
    if (r == -ENOSYS)
        return by_mincore(fd, range, ret);
    if (r == 0 && ret->resident == 0 && on_overlayfs(fd))
        return by_mincore(fd, range, ret);
    return r;
}

int residency_of(int fd, uint64_t size, Residency *ret)
{
    return residency_of_range(fd, 0, size, ret);
}

int residency_seek(int fd, uint64_t offset, uint64_t end, uint64_t step, ResidentPart *ret)
{
    uint64_t steps = 1; /* how many are asked about at once */

    while (offset < end) {
        steps = min_u64(steps, (end - offset) / step + 1);
        ResidentPart part = { offset, min_u64(end, (offset / step + steps) * step), { 0 } };
        int r = residency_of_range(fd, part.begin, part.end - part.begin, &part.residency);
        if (r < 0)
            return r;
        if (part.residency.resident == 0) {
            offset = part.end;
            steps *= 2;
        } else if (steps > 1) {
            steps /= 2;
        } else {
            *ret = part;
            return 0;
        }
    }
    *ret = (ResidentPart){ end, end, { 0 } };
    return 0;
}

typedef struct Ranges {
    ResidentRange *entries;
    size_t room, n;
} Ranges;

/* Adds a resident page. False: there is no room for it. */
static bool add_page(Ranges *ranges, uint64_t offset)
{
    ResidentRange *last = ranges->n > 0 ? &ranges->entries[ranges->n - 1] : NULL;

    if (last && last->offset + last->length == offset) {
        last->length += page_size();
        return true;
    }
    if (ranges->n == ranges->room)
        return false;
    ranges->entries[ranges->n++] = (ResidentRange){ offset, page_size() };
    return true;
}

int residency_ranges(int fd, uint64_t offset, uint64_t end, ResidentRange *ranges, size_t room,
                     size_t *ret_n, uint64_t *ret_next)
{
    unsigned char vector[MINCORE_WINDOW / PAGE_MIN];
    Ranges found = { .entries = ranges, .room = room };
    uint64_t at = offset & ~(page_size() - 1);
    bool full = false;

    if (offset > end || end > INT64_MAX)
        return -EINVAL;
    if (!mincore_tells_the_truth(fd))
        return -EPERM;
    while (at < end && !full) {
        ResidentPart part;
        int r = residency_seek(fd, at, end, MINCORE_WINDOW, &part);
        at = r < 0 ? at : part.begin;
        size_t length = r < 0 ? 0 : (size_t)(part.end - part.begin);
        if (length > 0)
            r = look_at_window(fd, at, length, vector);
        if (r < 0)
            return r;
        for (size_t i = 0; i < pages_of(length) && !full; i++) {
            full = vector[i] & 1 && !add_page(&found, at);
            at += full ? 0 : page_size();
        }
    }
    *ret_n = found.n;
    *ret_next = at;
    return 0;
}
