/* SPDX-License-Identifier: MIT */
#pragma once

/* Follows the files that some processes have open, behind their positions, and takes out of memory
 * what they have passed: as far as it was not there before, and nobody else has the file. For a
 * worker. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evict/barred.h"
#include "kernel/openers.h"
#include "kernel/procs.h"
#include "util/cleanup.h"

typedef struct Follower Follower;

/* NULL: out of memory. */
Follower *follower_new(void);

/* Takes NULL, returns NULL. */
Follower *follower_free(Follower *follower);

DEFINE_CLEANUP(Follower *, follower_free)

typedef struct FollowerOptions {
    int proc_fd;                                                /* of /proc */
    int root_fd;                                                /* of "/"; for follower_finish() */
    const Pids *pids;                                           /* whose files */
    bool (*spares)(uint64_t dev, uint64_t ino, void *userdata); /* files to leave alone; or NULL */
    void *userdata;
    Barred *barred;               /* files of which nothing is dropped; may be NULL */
    bool write_back;              /* write first what is dirty; else it stays until somebody has */
    bool network;                 /* on such file systems, too */
    uint64_t may_write, may_drop; /* bytes, now */
    const atomic_bool *cancelled;
} FollowerOptions;

/* Bytes, measured. */
typedef struct FollowerOutcome {
    uint64_t passed; /* by the positions */
    uint64_t dropped;
    uint64_t written;  /* asked to be */
    size_t files;      /* that were dropped of */
    size_t followed;   /* that are open, and of a size to be followed */
    uint64_t cpu_usec; /* that looking took, not dropping */
    bool asks;         /* follower_note_others() is due */
} FollowerOutcome;

/* To look into all processes takes this share of one core at most: 2 %. */
#define FOLLOWER_ASK_SHARE 50

/* Who else has files open or mapped, a set without the processes that are followed, which is taken
 * over, and took @cpu_usec to find out. Nothing is dropped until it is told, and where nothing was
 * told for long: 4 s after the set was begun, or 100 times @cpu_usec where that is more. */
void follower_note_others(Follower *follower, OpenSet *others, uint64_t cpu_usec);

/* One look. It opens what it acts on for the time of the call, and holds nothing in between, so
 * that no file system stays busy because of it. -ECANCELED, -ENOMEM, -EMFILE, -ENFILE; what fails
 * for one file alone is passed by. */
int follower_look(Follower *follower, const FollowerOptions *options, FollowerOutcome *ret);

/* After the last look: the processes have ended. Of the files that they had open then, or up to
 * five minutes before, what the positions had passed goes, and what was read on from there without
 * a gap, STREAM_READ_ON at most, unless one of @others has the file, or it is not found by the name
 * that it had. *ret_done: nothing is left to do, be it that the disk has yet to take something.
 * -ECANCELED, -ENOMEM. */
int follower_finish(Follower *follower, const FollowerOptions *options, const OpenSet *others,
                    FollowerOutcome *ret, bool *ret_done);
