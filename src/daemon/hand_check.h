/* SPDX-License-Identifier: MIT */
#pragma once

/* Looks, on a worker, whether files that are pinned by hand still stand where they stood. */

#include <pagewarden/hold-protocol.h>

#include "daemon/host.h"
#include "select/files.h"

typedef struct HandCheck {
    Job job;

    /* in */
    int root_fd; /* borrowed, lives as long as the daemon */
    int proc_fd; /* so is this */
    WalkFlags walk_flags;
    SelectedFiles list; /* path, dev and ino of up to HOLD_BATCH_MAX; out: size */

    /* out */
    char **mounts;           /* that these files are on, other than "/"; NULL: none, or not known */
    int fds[HOLD_BATCH_MAX]; /* the owner's to take (TAKE_FD); or why it cannot be opened */
} HandCheck;

/* An empty one, to be filled by hand_check_add() and submitted. NULL: out of memory. */
HandCheck *hand_check_new(const Host *host, void (*done)(Job *job, void *owner), void *owner);
void hand_check_free(HandCheck *check);

/* False: it is full. Out of memory leaves the file out. */
bool hand_check_add(HandCheck *check, const char *path, uint64_t dev, uint64_t ino);

/* Whether the file @i is gone for good: deleted, renamed, or another one stands in its place. */
bool hand_check_is_gone(const HandCheck *check, size_t i);
