/* SPDX-License-Identifier: MIT */
#pragma once

/* Folders below which nothing is to be pinned for now, because somebody wants to unmount. */

#include <stdbool.h>
#include <stddef.h>

#include "util/cleanup.h"

typedef struct ReleasedFolder {
    char *path;
    char *mount; /* the mount point that it is on */
    bool gone;   /* nothing was mounted there any more */
} ReleasedFolder;

typedef struct Released {
    ReleasedFolder *folders;
    size_t n;
} Released;

void released_clear(Released *released);

/* Until released_note_mounts() finds that its mount went and came back. @mounts is what
 * mounts_read() found. That it is released already is no error. -EINVAL: not an absolute path, or
 * one with "//", "." or ".." in it, or with a slash at its end; -E2BIG: too many; -ENOMEM. */
int released_add(Released *released, char *const *mounts, const char *path);

/* -ENOENT: it was not released. */
int released_undo(Released *released, const char *path);

/* Whether @path, which is absolute, is or is below one of the folders. NULL: none is released. */
bool released_has(const Released *released, const char *path);

/* Whether one is no longer released now. */
bool released_note_mounts(Released *released, char *const *mounts);

/* The paths, NULL-terminated, to be freed by strv_free(); NULL for none. -ENOMEM. */
int released_paths(const Released *released, char ***ret);
