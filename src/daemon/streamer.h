/* SPDX-License-Identifier: MIT */
#pragma once

/* Sees to it that a unit which streams leaves nothing behind in the page cache, as its policy says.
 */

#include "daemon/host.h"
#include "policy/policy.h"

typedef struct Streamer Streamer;

int streamer_new(Host *host, const char *unit, Streamer **ret);

/* Takes NULL, returns NULL. */
Streamer *streamer_free(Streamer *streamer);

/* What @policy says of streams, from now on; it is not kept. NULL: nothing. */
void streamer_want(Streamer *streamer, const Policy *policy);

/* The unit runs in @control_group, whose page cache may be reclaimed if @reclaims: it is looked at
 * from now on, many times a second while it reads or writes. Until it is known what is pinned
 * (Host.pinned) nothing is dropped but what is reclaimed. -ENOMEM: the next call tries again. */
int streamer_follow(Streamer *streamer, const char *control_group, bool reclaims);

/* It is not to be touched, for now. */
void streamer_leave(Streamer *streamer);

/* The unit has ended: once more, what is left of the files that it had open. */
void streamer_end(Streamer *streamer);

/* That is under way. */
bool streamer_is_ending(const Streamer *streamer);

/* Bytes, all measured. */
typedef struct StreamerStatus {
    bool wanted;
    size_t followed; /* files that are open now */
    uint64_t file;   /* page cache of the unit, but for what is locked, */
    uint64_t dirty;  /* and what of it the disk has not taken yet: that nothing can drop */
    /* since the unit is governed */
    uint64_t dropped, reclaimed, written;
    uint64_t files; /* times a file was dropped of */
    /* Why it is not followed, or not as far as it should be, as of the last look. */
    unsigned unreadable; /* processes that may have its files open, and cannot be looked into */
    int error;           /* of the look; 0: none */
    int reclaim_error;   /* the kernel cannot; 0: it can */
} StreamerStatus;

StreamerStatus streamer_status(const Streamer *streamer);
