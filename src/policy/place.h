/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/* One file of those that make up a policy or the settings. Borrowed by whoever decodes it. */
typedef struct Source {
    const char *path; /* for messages */
    const char *text;
    size_t size;
} Source;

/* Where a value stands. */
typedef struct PolicyPlace {
    size_t file;   /* index of the Source */
    size_t line;   /* from 1; 0: the file as a whole */
    size_t column; /* from 1, in characters, as editors count */
} PolicyPlace;
