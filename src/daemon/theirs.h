/* SPDX-License-Identifier: MIT */
#pragma once

/* The units whose memory.high someone else has set, until the policies are loaded again: what is
 * known of a unit otherwise ends with it. */

#include <stdbool.h>

/* Some units have a new name with each start, and whatever runs them may always set it. */
#define THEIRS_MAX 4096

typedef struct Theirs {
    char **units; /* NULL-terminated */
} Theirs;

void theirs_clear(Theirs *theirs);

/* @unit is copied; of a control group that is no unit it is the path. That it is there already is
 * no error. -E2BIG: there are too many; -ENOMEM. */
int theirs_add(Theirs *theirs, const char *unit);

bool theirs_has(const Theirs *theirs, const char *unit);
