/* SPDX-License-Identifier: MIT */
#pragma once

/* The files that a rule leaves out. */

#include "select/files.h"

typedef struct Excludes Excludes;

/* @globs, a strv, is borrowed; braces are expanded in it. One without "/" is matched with a file's
 * name; others are absolute and matched with its path, as they are, and with those links in their
 * literal beginning followed that walk_glob() would follow. Fails as walk_glob() does. */
int excludes_new(const SelectScope *scope, char *const *globs, Excludes **ret);

/* Takes NULL, returns NULL. */
Excludes *excludes_free(Excludes *excludes);

DEFINE_CLEANUP(Excludes *, excludes_free)

/* @path as a walk tells it. */
bool excludes_match(const Excludes *excludes, const char *path);
