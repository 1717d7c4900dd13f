/* SPDX-License-Identifier: MIT */
/* MADV_PAGEOUT takes clean pages that one process maps, and drops page tables over dirty ones; what
 * several mappings share it leaves, saying success. It is refused (EINVAL) where mlock() holds the
 * mapping.
 *
 * Surprise: it goes by addresses, and swaps out what it finds there. So before each slice the
 * process is asked again what it maps: by then it may have ended and its number be another's, or
 * have become another program. As long as a call through the pidfd succeeds, the number was that
 * process'. What a private mapping has copied because it was written to (a library's relocations,
 * even if that is read-only afterwards) is left out by what pagemap says. That the process maps
 * something else between the question and the call cannot be ruled out, and costs it no more than
 * page faults. */
#include "kernel/evict_mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "kernel/residency.h"
#include "util/cleanup.h"
#include "util/io.h"
#include "util/units.h"

#define SLICE (32 * MIB) /* so that a cancellation does not wait for gigabytes */

/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_FILE    (UINT64_C(1) << 61)
#define ENTRIES         512 /* that are read at once: 2 MiB of addresses */

/* The process that is asked. */
typedef struct Process {
    int proc_fd;
    int pidfd;
    pid_t pid;
    int pagemap; /* of its addresses when this was opened; -1: not yet */
} Process;

static void process_close(Process *process)
{
    safe_close(process->pidfd);
    safe_close(process->pagemap);
}

static int page_out(const Process *process, uint64_t begin, uint64_t end)
{
    struct iovec range = { (void *)(uintptr_t)begin, end - begin };

    if (begin == end)
        return 0;
    return syscall(__NR_process_madvise, process->pidfd, &range, 1UL, MADV_PAGEOUT, 0UL) < 0
               ? -errno
               : 0;
}

static int open_pagemap(Process *process)
{
    char name[32];

    process->pagemap = safe_close(process->pagemap);
    snprintf(name, sizeof name, "%d/pagemap", process->pid);
    process->pagemap = openat(process->proc_fd, name, O_RDONLY | O_CLOEXEC);
    if (process->pagemap >= 0)
        return 0;
    return errno == ENOENT ? -ESRCH : -errno;
}

/* What lies between pages that are not the file's. */
static int page_out_private(Process *process, uint64_t begin, uint64_t end)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), entries[ENTRIES], from = begin;
    int r = open_pagemap(process);

    for (uint64_t at = begin; at < end && r >= 0;) {
        size_t n = (size_t)min_u64(ENTRIES, (end - at) / page);
        ssize_t bytes = pread(process->pagemap, entries, n * sizeof *entries,
                              (off_t)(at / page * sizeof *entries));
        if (bytes < (ssize_t)sizeof *entries)
            return bytes < 0 ? -errno : -ESRCH; /* its memory is gone */
        for (size_t i = 0; i < (size_t)bytes / sizeof *entries && r >= 0; i++, at += page) {
            if (!(entries[i] & PAGEMAP_PRESENT) || entries[i] & PAGEMAP_FILE)
                continue;
            r = page_out(process, from, at);
            from = at + page;
        }
    }
    return r < 0 ? r : page_out(process, from, end);
}

static int page_out_slice(const Evicting *e, const Mapper *m, Process *process, uint64_t begin,
                          uint64_t end)
{
    int r = mapper_is_there(process->proc_fd, m, e->fd);
    if (r <= 0)
        return r < 0 ? r : -ESRCH;
    return m->private ? page_out_private(process, begin, end) : page_out(process, begin, end);
}

/* -ESRCH: it is not there any more. */
static int page_out_mapping(const Evicting *e, const Mapper *m, Process *process)
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
            r = page_out_slice(e, m, process, m->begin + (part.begin - m->offset),
                               m->begin + (part.end - m->offset));
    }
    return r;
}

int evict_page_out(const Evicting *e, int proc_fd, const Mapper *mappers, size_t n_mappers,
                   PageOut *ret)
{
    cleanup(process_close) Process process = { proc_fd, -1, 0, -1 };
    PageOut out = { 0 };
    int gone = 0;

    for (size_t i = 0; i < n_mappers; i++) {
        const Mapper *m = &mappers[i];

        if (m->pid != process.pid) {
            process.pid = m->pid;
            safe_close(process.pidfd);
            process.pidfd = (int)syscall(__NR_pidfd_open, m->pid, 0);
            gone = process.pidfd < 0 ? -errno : 0;
        }
        int r = process.pidfd < 0 ? gone : page_out_mapping(e, m, &process);
        if (r == -ECANCELED || r == -ENOMEM)
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
