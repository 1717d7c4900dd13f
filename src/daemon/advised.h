/* SPDX-License-Identifier: MIT */
#pragma once

/* Which files of which units were advised, in a file that outlives us, so that the advice can be
 * taken back whatever happens. An entry is on the file before the advice is given, and leaves it
 * after it was taken back. */

#include <stdbool.h>
#include <stddef.h>

#include "kernel/walk.h"

typedef struct AdvisedEntry {
    char *unit;
    char *cgroup; /* its path below the root */
    char *path;   /* the glob of the policy */
} AdvisedEntry;

typedef struct Advised {
    int dir_fd; /* borrowed */
    AdvisedEntry *entries;
    size_t n_entries;
} Advised;

#define ADVISED_NAME "advised"

/* Reads the file; none is an empty one, a line that cannot be read is skipped. 0, -ENOMEM, or what
 * reading failed with. */
int advised_open(Advised *advised, int dir_fd);
void advised_close(Advised *advised);

/* Whether anything is noted of @unit. */
bool advised_has(const Advised *advised, const char *unit);

/* Notes that those of @unit are @paths, and no others; none: forgets the unit. What is noted
 * already is not written again. On failure nothing is noted anew; -EFBIG: there is too much to be
 * read again. */
int advised_note(Advised *advised, const char *unit, const char *cgroup, const char *const *paths,
                 size_t n_paths);

/* Takes back what is noted, and forgets it: for when the controller ends, after a crash, and at the
 * next start. @cgroup_fd may be -1. Without WALK_NETWORK what is on a network file system keeps its
 * advice: a server that is away would keep the controller from ending. */
int advised_undo(Advised *advised, int root_fd, int proc_fd, int cgroup_fd, WalkFlags flags);
