/* SPDX-License-Identifier: MIT */
#pragma once

/* What waits for the kernel to reclaim, on the reclaim worker: a piece at a time, so that one
 * unit's long way down does not keep another one's limit waiting. */

#include "daemon/host.h"
#include "kernel/cgroup.h"

/* What came of it. */
typedef struct HighDone {
    int error;       /* 0 or -errno: the unit could not be looked at, or written */
    Sample sample;   /* after it */
    int answer;      /* reclaim: of cgroup_reclaim() */
    bool exhausted;  /* reclaim: there was less than asked for */
    uint64_t taken;  /* bytes that reclaim took from the unit meanwhile, whoever asked for it */
    uint64_t wanted; /* bytes, as asked for */
} HighDone;

typedef void (*high_done_t)(const HighDone *done, void *userdata);

/* One write to memory.reclaim: small, so that a shutdown does not wait for it. */
#define HIGH_RECLAIM_CHUNK (16 * MIB)

/* Reclaims @bytes, at most HIGH_RECLAIM_CHUNK, from the cgroup at @path. The job may be abandoned
 * until @done is told. NULL: out of memory, or there is no such cgroup. */
Job *high_reclaim(const Host *host, const char *path, uint64_t bytes, ReclaimScope scope,
                  high_done_t done, void *userdata);

/* Writes memory.high, which reclaims where the use is above @bytes. */
Job *high_write(const Host *host, const char *path, uint64_t bytes, high_done_t done,
                void *userdata);

/* The same of a limit that is given back, which may be far below the use: on a worker that no other
 * unit's limit waits for. */
Job *high_write_back(const Host *host, const char *path, uint64_t bytes, high_done_t done,
                     void *userdata);
