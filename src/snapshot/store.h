/* SPDX-License-Identifier: MIT */
#pragma once

/* Where snapshots are: one file a unit in a folder that only root may enter. */

#include "snapshot/format.h"

#define SNAPSHOT_SUFFIX ".snapshot"

/* A snapshot in memory. */
typedef struct Snapshot {
    char *data;
    SnapshotHead head;
    SnapshotCursor files; /* before the first */
} Snapshot;

void snapshot_clear(Snapshot *snapshot);

/* The one of @unit in the folder @dir_fd, checked. -ENOENT: there is none; -EBADMSG: it is damaged,
 * or another unit's, and *ret_why (lives for ever) says how; -ENAMETOOLONG; what reading fails
 * with. *ret is to be cleared. */
int snapshot_load(int dir_fd, const char *unit, Snapshot *ret, const char **ret_why);

/* Replaces that of @unit by what @writer, which is finished, has; after a crash the old or the new
 * one is there. Waits for the disk. */
int snapshot_save(int dir_fd, const char *unit, const SnapshotWriter *writer);

/* That there is none is no error. */
int snapshot_remove(int dir_fd, const char *unit);

/* Removes those that were not written for @age_sec: of units that come no more. Returns how many,
 * or -errno. */
int snapshot_remove_older(int dir_fd, uint64_t now_sec, uint64_t age_sec);
