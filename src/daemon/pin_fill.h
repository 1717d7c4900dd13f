/* SPDX-License-Identifier: MIT */
#pragma once

/* Reads, on a worker, what is missing of some files at the charge of a service's control group: by
 * a process that is put into it for that. And takes out of memory what is charged to others. */

#include "daemon/jobs.h"
#include "evict/barred.h"
#include "hold/wire.h"

typedef struct PinFill {
    Job job;

    /* in */
    int cgroup_fd;              /* borrowed, lives as long as the daemon */
    char *cgroup_path;          /* NULL: nothing is read */
    const char *program;        /* pagewarden-hold */
    Barred *barred;             /* borrowed; may be NULL */
    HoldPacket packet;          /* what to read: HOLD_LOCK_NONE, at most HOLD_SLICE_MAX */
    HoldFds fds;                /* one each */
    bool evict[HOLD_BATCH_MAX]; /* first take it out of memory: it is charged to somebody else */

    /* out */
    int error;                  /* the group, or the process: nothing may have been read */
    int errors[HOLD_BATCH_MAX]; /* of each */
} PinFill;

/* One to be filled in by pin_fill_add() and submitted. @cgroup_path is NULL where nothing is to be
 * read. NULL: out of memory. */
PinFill *pin_fill_new(int cgroup_fd, const char *cgroup_path, Barred *barred,
                      void (*done)(Job *job, void *owner), void *owner);

/* Adds a part of the file @fd, which stays the caller's. -errno: it cannot be duplicated. */
int pin_fill_add(PinFill *fill, int fd, uint64_t offset, uint64_t length, bool evict);

void pin_fill_free(PinFill *fill);

/* What @error means, to be put behind a file's path. */
const char *pin_fill_error_text(int error);
