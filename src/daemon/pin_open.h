/* SPDX-License-Identifier: MIT */
#pragma once

/* Opens, on a worker, a batch of the files that a scan found. */

#include <pagewarden/hold-protocol.h>

#include "daemon/jobs.h"
#include "daemon/pin_scan.h"
#include "select/files.h"

typedef struct PinOpening {
    Job job;

    /* in */
    int root_fd; /* borrowed, and so is proc_fd: they live as long as the daemon */
    int proc_fd;
    WalkFlags walk_flags;
    SelectedFiles list;           /* HOLD_BATCH_MAX at the most */
    size_t steps[HOLD_BATCH_MAX]; /* their places in the scan */

    /* out */
    int fds[HOLD_BATCH_MAX]; /* the owner's to take (TAKE_FD); or why it cannot be opened: -ESTALE:
                              * it was exchanged */
} PinOpening;

/* An opening of the steps of @scan from @from on that have to be opened, as many as fit, to be
 * submitted; *ret_next: where the next one goes on. NULL: out of memory. */
PinOpening *pin_opening_new(const PinScan *scan, size_t from, size_t *ret_next,
                            void (*done)(Job *job, void *owner), void *owner);
void pin_opening_free(PinOpening *opening);
