/* SPDX-License-Identifier: MIT */
#pragma once

/* What one look at a cgroup tells. Bytes and pages are as memory.stat(…) gives them, see
 * Documentation/admin-guide/cgroup-v2.rst; counters only grow while the cgroup lives. */

#include <stdbool.h>
#include <stdint.h>

typedef struct PsiTotals {
    bool valid; /* false: PSI is off in the kernel or for this cgroup; nothing below means anything
                 */
    uint64_t some_usec; /* "some" total: time in which at least one task stalled, since the cgroup
                           began */
    uint64_t full_usec; /* "full" total */
    double some_avg10;  /* percent, over 10 s, as the kernel smooths it */
    double full_avg10;  /* percent */
} PsiTotals;

typedef struct Sample {
    uint64_t at_usec; /* CLOCK_MONOTONIC */

    uint64_t current; /* memory.current, bytes */
    uint64_t high;    /* memory.high, bytes; LIMIT_NONE for "max" */
    uint64_t max;     /* memory.max, bytes; LIMIT_NONE for "max" */

    /* memory.stat, bytes */
    uint64_t anon;
    uint64_t file;
    uint64_t active_file;
    uint64_t inactive_file;
    uint64_t unevictable; /* locked pages that are charged here, whoever locked them */
    uint64_t file_mapped;
    uint64_t file_dirty;
    uint64_t file_writeback;
    uint64_t shmem;
    uint64_t slab_unreclaimable;
    uint64_t kernel; /* 0 on kernels before 5.18 */

    /* memory.stat, counters in pages or events */
    uint64_t pgscan;
    uint64_t pgsteal;
    uint64_t pgmajfault;
    uint64_t refault_anon;
    uint64_t refault_file; /* workingset_refault_file: a page came back that reclaim had taken */

    uint64_t events_high; /* memory.events: times the cgroup was throttled over memory.high */

    PsiTotals memory_psi;
    PsiTotals io_psi;
} Sample;
