/* SPDX-License-Identifier: MIT */
#pragma once

/* What decides about evictions: should this file leave the page cache now, which part of it, by
 * what means next, and when is the next look. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum EvictVerdict {
    EVICT_NOW,
    EVICT_NOT_RESIDENT, /* nothing of it is in memory */
    EVICT_PINNED,       /* some policy pins it */
    EVICT_IN_USE,       /* somebody has it open or mapped */
    EVICT_NOT_IDLE,     /* nobody has, but not for long enough */
} EvictVerdict;

typedef struct EvictFacts {
    uint64_t resident; /* bytes in memory of what is to go */
    bool pinned;
    bool in_use;
    uint64_t idle_usec; /* for how long nobody has been seen to have it open */
} EvictFacts;

EvictVerdict evict_judge(const EvictFacts *facts, uint64_t idle_usec);

/* Bytes [begin, end) of a file; empty where begin == end. */
typedef struct EvictPart {
    uint64_t begin, end;
} EvictPart;

/* What may go of each file: bytes [begin, end), but for @first bytes of its head and @last of its
 * tail. */
typedef struct EvictBounds {
    uint64_t begin;
    uint64_t end; /* UINT64_MAX: the end of the file, wherever that is */
    uint64_t first, last;
} EvictBounds;

#define EVICT_WHOLE_FILE ((EvictBounds){ .end = UINT64_MAX })

/* That of a file of @size bytes: whole pages, of which none has a byte that stays. A part that
 * reaches the end of the file ends there, in the middle of a page or not. */
EvictPart evict_part(uint64_t size, const EvictBounds *bounds, uint64_t page);

/* Where the piece ends that begins at @at, within @part, which several share: some dozens of pieces
 * that no folio reaches out of but at the ends of @part, of 32 MiB and more. */
uint64_t evict_piece_end(EvictPart part, uint64_t at);

/* The rungs of the ladder, from what costs nobody anything to what costs more. */
typedef enum EvictRung {
    EVICT_ADVISE,     /* clean pages that nobody has mapped */
    EVICT_WRITE_BACK, /* dirty ones: written to the disk, then as above */
    EVICT_PAGE_OUT,   /* mapped ones: taken out of each process, then as above */
    EVICT_RECLAIM,    /* mapped by several: reclaimed in the cgroup of those who map them */
    _EVICT_RUNG_MAX,
    EVICT_NO_RUNG = _EVICT_RUNG_MAX,
} EvictRung;

/* "advise", "write-back", "page-out", "reclaim". */
const char *evict_rung_to_string(EvictRung rung);

typedef struct EvictAllowed {
    bool write_back;
    bool page_out;
    bool reclaim; /* only with page_out */
} EvictAllowed;

/* Of what is to go, bytes, measured. */
typedef struct EvictLeft {
    uint64_t resident;
    uint64_t dirty; /* of these; on the way to the disk counts */
    bool has_dirty; /* false: the kernel does not tell */
} EvictLeft;

/* The rung to try next, when @tried[rung] times each has been tried; EVICT_NO_RUNG: the rest stays.
 * After pages were taken out of processes, what these had written to them is written once more. */
EvictRung evict_next_rung(const unsigned tried[static _EVICT_RUNG_MAX], const EvictLeft *left,
                          const EvictAllowed *allowed);

/* What of it could go now, bytes: dirty pages only where they may be written. */
uint64_t evict_could_go(const EvictLeft *left, const EvictAllowed *allowed);

/* How much could be evicted, by how long it has been idle: half octaves of seconds. */
#define EVICT_AGES_MAX 64
typedef struct EvictAges {
    uint64_t bytes[EVICT_AGES_MAX];
} EvictAges;

void evict_ages_add(EvictAges *ages, uint64_t idle_usec, uint64_t bytes);

/* Adds all of @more to @sum; how much that is. */
uint64_t evict_ages_sum(EvictAges *sum, const EvictAges *more);

/* The age, µs, from which on there is enough, or all there is: the greatest such. */
uint64_t evict_ages_cutoff(const EvictAges *ages, uint64_t enough);

/* One look at all files of a rule, and what came of it. */
typedef struct EvictLook {
    uint64_t every_usec;    /* as the policy has it */
    uint64_t interval_usec; /* what came before this look; 0: it was the first */
    uint64_t freed;         /* bytes */
    uint64_t much;          /* bytes: what it is worth to come back sooner for; not 0 */
    bool waiting;           /* some file is in memory, and not idle for long enough yet */
} EvictLook;

/* Looks may come so much sooner or later than `every` says. */
#define EVICT_SOONER 2
#define EVICT_LATER  4

/* From this look to the next: sooner where much was freed, later where nothing was and nothing
 * waits to be. */
uint64_t evict_interval(const EvictLook *look);

/* The looks of all rules of all units together never take more than this share of one core, in
 * millionths: 2 %. */
#define EVICT_CPU_PPM UINT64_C(20000)

/* The share that a look of @cpu_usec takes every @interval_usec. */
uint64_t evict_cpu_ppm(uint64_t cpu_usec, uint64_t interval_usec);

/* What each rule may take, when they would like to take @shares: as much as the most modest ones
 * leave to the others. EVICT_CPU_PPM where there is enough for all. */
uint64_t evict_fair_ppm(const uint64_t *shares, size_t n);

/* From a look of @cpu_usec to the next one of the same rule at the least, at a share of @ppm. */
uint64_t evict_rest(uint64_t cpu_usec, uint64_t ppm);
