/* SPDX-License-Identifier: MIT */
/* MADV_PAGEOUT takes clean pages that one process maps, and drops page tables over dirty ones; what
 * several mappings share it leaves, saying success. It is refused (EINVAL) where mlock() holds the
 * mapping. A pidfd taken before the process is asked anything is that process' for good: should its
 * number be given to another, the call fails. That a process maps something else there meanwhile
 * cannot be ruled out, and costs it no more than page faults. */
#include "kernel/evict_mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "kernel/residency.h"
#include "util/cleanup.h"
#include "util/units.h"

#define SLICE (32 * MIB) /* so that a cancellation does not wait for gigabytes */

static int page_out(int pidfd, uint64_t address, uint64_t length)
{
    struct iovec range = { (void *)(uintptr_t)address, length };

    return syscall(__NR_process_madvise, pidfd, &range, 1UL, MADV_PAGEOUT, 0UL) < 0 ? -errno : 0;
}

static int page_out_mapping(const Evicting *e, const Mapper *m, int pidfd)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t begin = max_u64(m->offset, e->begin);
    uint64_t end = min_u64(m->offset + (m->end - m->begin), (e->end + page - 1) / page * page);
    ResidentPart part = { .end = begin };
    int r = 0;

    while (part.end < end && r >= 0) {
        r = residency_seek(e->fd, part.end, end, SLICE, &part);
        if (r < 0 || part.begin == part.end)
            return r;
        r = pace_wait(e->pace, part.residency.resident);
        if (r >= 0)
            r = page_out(pidfd, m->begin + (part.begin - m->offset), part.end - part.begin);
    }
    return r;
}

int evict_page_out(const Evicting *e, const Mapper *mappers, size_t n_mappers, PageOut *ret)
{
    PageOut out = { 0 };
    pid_t pid = 0;
    int gone = 0;
    CLEANUP_CLOSE int pidfd = -1;

    for (size_t i = 0; i < n_mappers; i++) {
        const Mapper *m = &mappers[i];

        if (m->pid != pid) {
            safe_close(pidfd);
            pid = m->pid;
            pidfd = (int)syscall(__NR_pidfd_open, pid, 0);
            gone = pidfd < 0 ? -errno : 0;
        }
        int r = pidfd < 0 ? gone : page_out_mapping(e, m, pidfd);
        if (r == -ECANCELED)
            return r;
        if (r == -ESRCH)
            continue;
        out.asked++;
        out.locked += r == -EINVAL;
        if (r < 0 && r != -EINVAL) {
            out.failed++;
            out.error = r;
        }
    }
    *ret = out;
    return 0;
}
