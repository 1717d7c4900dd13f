/* SPDX-License-Identifier: MIT */
#pragma once

/* All readings of one path glob, walked together one name at a time, as an automaton: a state
 * stands in front of one component of one reading. Since a name is stepped over once for all
 * states, no file is found twice, whatever the readings and however `**` could be split. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

typedef struct GlobSet GlobSet;

/* After a name: what it may be. */
typedef struct GlobStep {
    bool file;              /* a file of this name is one of those looked for */
    bool matched;           /* a component matched it, rather than `**` passing it by */
    bool named;             /* the path up to and with this name is literal in some reading */
    const uint32_t *states; /* for the names below it, if it is a folder; the set's, until the next
                             * step */
    size_t n_states;        /* 0: nothing below it can match */
} GlobStep;

/* Asked once for each reading, for the literal path in front of its first wildcard, escapes taken
 * out ("" where it begins with one): the path to look in instead, to be freed. */
typedef struct GlobResolver {
    int (*resolve)(const char *path, char **ret, void *userdata);
    void *userdata;
} GlobResolver;

/* @resolver may be NULL. -EINVAL: @pattern is not absolute, has ".." or unbalanced braces; -E2BIG:
 * too many readings; -ENOMEM; what @resolver fails with. */
int globset_new(const char *pattern, const GlobResolver *resolver, GlobSet **ret);

/* Matches everything, names that begin with a dot included. */
int globset_new_everything(GlobSet **ret);

/* Takes NULL, returns NULL. */
GlobSet *globset_free(GlobSet *set);

DEFINE_CLEANUP(GlobSet *, globset_free)

/* The states in the topmost folder. */
void globset_start(GlobSet *set, GlobStep *ret);

void globset_step(GlobSet *set, const uint32_t *states, size_t n_states, const char *name,
                  GlobStep *ret);

/* The one name that @state takes, or NULL where it is a wildcard, so that the folder has to be
 * listed. */
const char *globset_literal(const GlobSet *set, uint32_t state);

/* Whether a listed name is worth a look: some wildcard takes it, as a folder if @may_be_folder. */
bool globset_takes(const GlobSet *set, const uint32_t *states, size_t n_states, const char *name,
                   bool may_be_folder);

/* Whether @path, which is absolute and has no "." or ".." in it, is a file looked for. */
bool globset_matches(GlobSet *set, const char *path);
