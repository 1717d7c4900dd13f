/* SPDX-License-Identifier: MIT */
/* mlock() looks every page up once more, to bring in what is missing, and costs as much as
 * populating did. MLOCK_ONFAULT locks what is mapped, and leaves that out. A page may have been
 * reclaimed since it was populated, though, and only our page table tells: mincore(2) looks in the
 * page cache, too, and tells everything resident to who does not own the file. */
#include "hold/lock.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "util/cleanup.h"
#include "util/units.h"

#define PRESENT (UINT64_C(1) << 63) /* of an entry in /proc/PID/pagemap, proc_pid_pagemap(5) */

/* False, too, where @pagemap_fd does not tell. */
static bool is_all_mapped(int pagemap_fd, const uint8_t *begin, uint64_t size)
{
    uint64_t entries[512], page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t at = (uintptr_t)begin / page, end = at + size / page;

    for (ssize_t n; at < end; at += (uint64_t)n / sizeof(uint64_t)) {
        n = pread(pagemap_fd, entries, min_u64(end - at, ELEMENTS(entries)) * sizeof(uint64_t),
                  (off_t)(at * sizeof(uint64_t)));
        if (n < (ssize_t)sizeof(uint64_t))
            return false;
        for (size_t i = 0; i < (size_t)n / sizeof(uint64_t); i++)
            if (!(entries[i] & PRESENT))
                return false;
    }
    return true;
}

int lock_populated(uint8_t *begin, uint64_t size)
{
    CLEANUP_CLOSE int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

    if (fd >= 0 && mlock2(begin, size, MLOCK_ONFAULT) >= 0 && is_all_mapped(fd, begin, size))
        return 0;
    if (fd >= 0) /* mlock() passes over what is locked already */
        (void)munlock(begin, size);
    return mlock(begin, size) < 0 ? -errno : 0;
}
