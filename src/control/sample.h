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
    uint64_t cgroup;  /* its number: another one is another cgroup; 0: not known */
    uint64_t page;    /* bytes; what the counters in pages count */

    uint64_t current;      /* memory.current, bytes */
    uint64_t min;          /* memory.min, bytes */
    uint64_t high;         /* memory.high, bytes; LIMIT_NONE for "max" */
    uint64_t max;          /* memory.max, bytes; LIMIT_NONE for "max" */
    uint64_t swap_current; /* memory.swap.current, bytes; 0 without swap */
    uint64_t swap_max;     /* memory.swap.max, bytes; LIMIT_NONE for "max", 0 without swap */

    /* memory.stat, bytes */
    uint64_t anon;
    uint64_t file;
    uint64_t active_anon;
    uint64_t inactive_anon;
    uint64_t active_file;
    uint64_t inactive_file;
    uint64_t unevictable; /* locked pages that are charged here, whoever locked them */
    uint64_t file_mapped;
    uint64_t file_dirty;
    uint64_t file_writeback;
    uint64_t shmem;
    uint64_t slab_reclaimable;
    uint64_t slab_unreclaimable;
    uint64_t kernel; /* 0 on kernels before 5.18 */

    /* memory.stat, counters in pages or events */
    uint64_t pgscan;
    uint64_t pgsteal;
    uint64_t pgmajfault;
    uint64_t refault_anon;
    uint64_t refault_file;  /* workingset_refault_file: a page came back that reclaim had taken */
    uint64_t activate_file; /* workingset_activate_file: and was in use still */

    /* memory.events, with those of the cgroups below */
    uint64_t events_high; /* times that tasks were throttled over memory.high */
    uint64_t events_max;  /* times that memory.max was run into */
    uint64_t events_oom_kill;

    PsiTotals memory_psi;
    PsiTotals io_psi;
} Sample;

/* What of a sample later ones are compared with: laws keep several of these for each unit. */
typedef struct SampleMark {
    uint64_t at_usec; /* 0: none */
    uint64_t cgroup;
    uint64_t memory_some_usec, io_some_usec; /* PSI_UNKNOWN: not valid */
    uint64_t pgscan, pgsteal;
    uint64_t refault_anon, refault_file;
    uint64_t events_high;
} SampleMark;

#define PSI_UNKNOWN UINT64_MAX

/* Where the host keeps no PSI, figures that only some groups have are none. */
void sample_drop_psi(Sample *sample);

SampleMark sample_mark(const Sample *sample);

/* How one sample follows another. */
typedef enum SampleStep {
    SAMPLE_NEXT,  /* the same cgroup, later or at the same instant: the counters may be compared */
    SAMPLE_RESET, /* the cgroup was made anew, and nothing of before counts */
    SAMPLE_STALE, /* older than the one before */
} SampleStep;

/* All corner cases of counters in one place. @before may be all zero: a first sample is a reset.
 * Where a counter fell, the cgroup is another one, whatever the number. Without valid PSI in both,
 * its counters are not compared. */
SampleStep sample_step(const SampleMark *before, const Sample *now);

/* What grew between two samples of the same cgroup; PSI is 0 where either has none. */
typedef struct SampleGrowth {
    uint64_t usec;
    uint64_t memory_some_usec;
    uint64_t io_some_usec;
    uint64_t refaults; /* pages of files, and those that were swapped out */
    uint64_t scanned;  /* pages */
    uint64_t taken;    /* pages that reclaim got */
    uint64_t high_events;
} SampleGrowth;

/* Only where sample_step() says SAMPLE_NEXT. */
SampleGrowth sample_growth(const SampleMark *before, const Sample *now);
