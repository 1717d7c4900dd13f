/* SPDX-License-Identifier: MIT */
/* The kernel tells the number of a page only to who has it in his page tables (/proc/self/pagemap),
 * and by that number whom it is charged to and its flags (/proc/kpagecgroup, kpageflags). So what
 * is in memory is mapped, a window after the other, asked about and unmapped.
 *
 * Looking should change little: MADV_RANDOM keeps the unmapping from counting as use of the pages
 * (vma_has_recency() in the kernel), and reading ahead from happening. On older kernels only the
 * head of a compound page knows its cgroup. */
#include "kernel/page_owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "kernel/residency.h"
#include "util/cleanup.h"
#include "util/units.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* from 5.14 */
#endif

#define WINDOW_PAGES 4096 /* 16 MiB, and 96 KiB of numbers */

/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_PFN     ((UINT64_C(1) << 55) - 1)
#define KPF_TAIL        (UINT64_C(1) << 16)
#define KPF_UNEVICTABLE (UINT64_C(1) << 18)

typedef struct Window {
    uint64_t pfn[WINDOW_PAGES];
    uint64_t cgroup[WINDOW_PAGES];
    uint64_t flags[WINDOW_PAGES];
} Window;

static uint64_t page_size(void)
{
    return (uint64_t)sysconf(_SC_PAGESIZE);
}

void page_tables_close(PageTables *tables)
{
    tables->pagemap = safe_close(tables->pagemap);
    tables->kpagecgroup = safe_close(tables->kpagecgroup);
    tables->kpageflags = safe_close(tables->kpageflags);
}

int page_tables_open(int proc_fd, PageTables *ret)
{
    CLEANUP_CLOSE int pagemap = openat(proc_fd, "self/pagemap", O_RDONLY | O_CLOEXEC);
    CLEANUP_CLOSE int kpagecgroup = -1, kpageflags = -1;

    if (pagemap < 0)
        return -errno;
    kpagecgroup = openat(proc_fd, "kpagecgroup", O_RDONLY | O_CLOEXEC);
    if (kpagecgroup < 0)
        return -errno;
    kpageflags = openat(proc_fd, "kpageflags", O_RDONLY | O_CLOEXEC);
    if (kpageflags < 0)
        return -errno;
    *ret = (PageTables){ TAKE_FD(pagemap), TAKE_FD(kpagecgroup), TAKE_FD(kpageflags) };
    return 0;
}

void page_owners_clear(PageOwners *owners)
{
    free(owners->owners);
    *owners = (PageOwners){ 0 };
}

static int add(PageOwners *list, uint64_t cgroup, bool locked)
{
    PageOwner *owner = NULL;

    /* A file is of few, and pages of one lie together. */
    for (size_t i = list->n_owners; i > 0 && !owner; i--)
        if (list->owners[i - 1].cgroup == cgroup)
            owner = &list->owners[i - 1];
    if (!owner) {
        if (list->n_owners == list->room) {
            size_t room = list->room * 2 + 4;
            PageOwner *grown = reallocarray(list->owners, room, sizeof *grown);
            if (!grown)
                return -ENOMEM;
            list->owners = grown;
            list->room = room;
        }
        owner = &list->owners[list->n_owners++];
        *owner = (PageOwner){ .cgroup = cgroup };
    }
    owner->resident += page_size();
    owner->locked += locked ? page_size() : 0;
    return 0;
}

static int read_numbers(int fd, uint64_t first, uint64_t *numbers, size_t n)
{
    ssize_t r = pread(fd, numbers, n * sizeof *numbers, (off_t)(first * sizeof *numbers));

    if (r < 0)
        return -errno;
    return (size_t)r == n * sizeof *numbers ? 0 : -EIO;
}

/* The cgroup of the page whose tail @pfn is. */
static uint64_t cgroup_of_head(const PageTables *tables, uint64_t pfn)
{
    uint64_t flags = KPF_TAIL, cgroup = 0;

    while (flags & KPF_TAIL && pfn > 0)
        if (read_numbers(tables->kpageflags, --pfn, &flags, 1) < 0)
            return 0;
    return read_numbers(tables->kpagecgroup, pfn, &cgroup, 1) < 0 ? 0 : cgroup;
}

/* Numbers that follow each other are asked for at once. */
static int ask(const PageTables *tables, Window *window, size_t n)
{
    for (size_t i = 0, end; i < n; i = end) {
        end = i + 1;
        if (window->pfn[i] == 0)
            continue;
        while (end < n && window->pfn[end] == window->pfn[end - 1] + 1)
            end++;
        int r = read_numbers(tables->kpagecgroup, window->pfn[i], window->cgroup + i, end - i);
        if (r >= 0)
            r = read_numbers(tables->kpageflags, window->pfn[i], window->flags + i, end - i);
        if (r < 0)
            return r;
    }
    return 0;
}

static int count(const PageTables *tables, Window *window, size_t n, PageOwners *owners)
{
    int r = ask(tables, window, n);

    for (size_t i = 0; i < n && r >= 0; i++) {
        if (window->pfn[i] == 0)
            continue;
        if (window->cgroup[i] == 0 && window->flags[i] & KPF_TAIL) {
            bool follows = i > 0 && window->pfn[i - 1] + 1 == window->pfn[i];
            window->cgroup[i] = follows ? window->cgroup[i - 1]
                                        : cgroup_of_head(tables, window->pfn[i]);
        }
        r = add(owners, window->cgroup[i], window->flags[i] & KPF_UNEVICTABLE);
    }
    return r;
}

/* The numbers of pages mapped at @address; 0: not there any more. */
static int read_pfns(const PageTables *tables, const void *address, Window *window, size_t n)
{
    bool any = false, hidden = true;

    int r = read_numbers(tables->pagemap, (uintptr_t)address / page_size(), window->pfn, n);
    for (size_t i = 0; i < n && r >= 0; i++) {
        bool present = window->pfn[i] & PAGEMAP_PRESENT;
        window->pfn[i] = present ? window->pfn[i] & PAGEMAP_PFN : 0;
        any |= present;
        hidden &= window->pfn[i] == 0;
    }
    return r >= 0 && any && hidden ? -EPERM : r;
}

static int look_at(const PageTables *tables, int fd, uint64_t offset, size_t length, Window *window,
                   PageOwners *owners)
{
    void *address = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, (off_t)offset);
    if (address == MAP_FAILED)
        return -errno;

    size_t n = length / page_size();
    (void)madvise(address, length, MADV_RANDOM);
    (void)madvise(address, length, MADV_POPULATE_READ); /* what was cut off is not there */
    int r = read_pfns(tables, address, window, n);
    if (r >= 0)
        r = count(tables, window, n, owners);
    munmap(address, length);
    return r;
}

int page_owners_add(const PageTables *tables, int fd, uint64_t size, PageOwners *owners)
{
    CLEANUP_FREE Window *window = malloc(sizeof *window);
    ResidentRange ranges[64];
    uint64_t at = 0;
    size_t n = 0;

    if (!window)
        return -ENOMEM;
    while (at < size) {
        int r = residency_ranges(fd, at, size, ranges, ELEMENTS(ranges), &n, &at);
        for (size_t i = 0; i < n && r >= 0; i++)
            for (uint64_t done = 0; done < ranges[i].length && r >= 0;) {
                uint64_t length = min_u64(ranges[i].length - done, WINDOW_PAGES * page_size());
                r = look_at(tables, fd, ranges[i].offset + done, (size_t)length, window, owners);
                done += length;
            }
        if (r < 0)
            return r;
    }
    return 0;
}

static int compare(const void *a, const void *b)
{
    const PageOwner *x = a, *y = b;

    if (x->resident != y->resident)
        return x->resident > y->resident ? -1 : 1;
    return (x->cgroup > y->cgroup) - (x->cgroup < y->cgroup);
}

void page_owners_sort(PageOwners *owners)
{
    if (owners->n_owners > 0)
        qsort(owners->owners, owners->n_owners, sizeof *owners->owners, compare);
}
