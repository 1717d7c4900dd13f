/* SPDX-License-Identifier: MIT */
#pragma once

/* Takes files out of memory, rung by rung, as far as it is allowed to, and tells what became of
 * them. For a worker, or a command: it waits for disks where it may write. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "control/evict_plan.h"
#include "evict/barred.h"
#include "kernel/residency.h"

/* Bytes, in whole pages, of the part that was to go; all measured. */
typedef struct EvictOutcome {
    uint64_t before;                   /* resident before */
    uint64_t after;                    /* resident after; more than before where someone reads it */
    uint64_t evicted[_EVICT_RUNG_MAX]; /* by each rung */
    uint64_t written;                  /* asked to be written to the disk, of the whole file */

    /* Why that is left; together they are `after`. */
    uint64_t dirty;   /* not on the disk yet, or on its way there */
    uint64_t locked;  /* by mlock(), such as pins */
    uint64_t mapped;  /* by processes */
    uint64_t beside;  /* hangs together with a part that stays: one folio */
    uint64_t memory;  /* has no disk behind it: tmpfs, memfd */
    uint64_t unsure;  /* maybe dirty: changed a moment ago, and the kernel does not tell */
    uint64_t refused; /* the rung `failed` did */
    uint64_t interrupted;
    uint64_t unseen;  /* maybe mapped: not all processes could be looked into */
    uint64_t unknown; /* being read */
    bool has_dirty;   /* false: the kernel does not tell what is dirty, which is not counted then */

    /* The rung that failed, and how; EVICT_NO_RUNG and 0: none did. -ECANCELED: it was
     * left in the middle. */
    EvictRung failed;
    int error;
} EvictOutcome;

uint64_t evict_outcome_evicted(const EvictOutcome *outcome);

/* Adds @more to @sum, but for failures. */
void evict_outcome_add(EvictOutcome *sum, const EvictOutcome *more);

typedef struct Ladder Ladder;

typedef struct LadderOptions {
    EvictAllowed allowed;
    EvictBounds bounds; /* nothing goes outside */
    uint64_t rate;      /* bytes per second, written or evicted; 0: no limit */
    bool hurry;         /* somebody waits for it: two threads take a large file */
    int proc_fd;        /* of /proc, borrowed */
    Barred *barred;     /* borrowed; NULL: what the disk refuses is forgotten */
    /* Passes over /proc to find out who maps what is left where that is only to be told; paging out
     * makes as many as it needs, for LADDER_BATCH files each. */
    unsigned explanations;
    const atomic_bool *cancelled; /* may be NULL */

    /* Reclaims @bytes of page cache in the cgroup that all of @pids are in, waiting for it; only
     * with allowed.reclaim. -ENOENT: there is none in which it is allowed; -EINVAL: this kernel
     * would take more than page cache. Either way the file is one that is mapped. */
    int (*reclaim)(const pid_t *pids, size_t n_pids, uint64_t bytes, void *userdata);
    /* Whether a file that waited is to be left alone now. May be NULL. */
    bool (*spares)(const struct stat *st, void *userdata);
    /* A file is done with; not in the order in which they came. @error: it could not be measured,
     * and nothing was done. What it returns ends the ladder, where it is not 0. */
    int (*done)(const char *path, const struct stat *st, int error, const EvictOutcome *outcome,
                void *userdata);
    /* Now and then, while a file takes long: ladder_so_far() tells what has come of it. May be
     * NULL. */
    void (*tick)(const Ladder *ladder, void *userdata);
    void *userdata;
} LadderOptions;

/* Files that wait to be asked for together. Each costs a descriptor. */
#define LADDER_BATCH 64

/* @options is copied. */
int ladder_new(const LadderOptions *options, Ladder **ret);

/* Drops those that wait. Takes NULL, returns NULL. */
Ladder *ladder_free(Ladder *ladder);

/* What of the file is resident, of the part that is to go. Errors are residency_of()'s. */
typedef struct EvictSeen {
    uint64_t resident, dirty;
    bool has_dirty;
} EvictSeen;
int ladder_look(const Ladder *ladder, int fd, const struct stat *st, EvictSeen *ret);

/* Bytes of the file that is being evicted: measured, and asked to be written. For tick(). */
void ladder_so_far(const Ladder *ladder, uint64_t *ret_evicted, uint64_t *ret_written);

/* Evicts the file open for reading as *fd, which may be taken; @path is copied where it is. 0;
 * -ENOMEM; what done() returned. -ECANCELED: if *fd was not taken, done() has been told what came
 * of it, if anything did; those that wait go on with ladder_finish(). Other failures are told to
 * done(). */
int ladder_evict(Ladder *ladder, const char *path, int *fd, const struct stat *st);

/* The same without @spared, whole pages, rising and apart, which stay; borrowed until done() is
 * told of the file. */
int ladder_evict_between(Ladder *ladder, const char *path, int *fd, const struct stat *st,
                         const ResidentRange *spared, size_t n_spared);

/* Goes on with the files that wait, before any other. Returns as ladder_evict(). */
int ladder_finish(Ladder *ladder);

/* Tells done() of those that wait what came of them until now, and drops them. @error: why,
 * negative.
 */
void ladder_give_up(Ladder *ladder, int error);
