/* SPDX-License-Identifier: MIT */
#pragma once

/* The mistakes of one file, in the order of their places. */

#include <stddef.h>

#include "util/cleanup.h"

typedef struct Diagnostic {
    size_t line;   /* from 1; 0: the file as a whole */
    size_t column; /* from 1, in characters, as editors count */
    char *message; /* "what is wrong (what would be right)" */
} Diagnostic;

typedef struct Diagnostics {
    Diagnostic *entries;
    size_t n_entries;
    size_t n_more; /* counted away; the entry behind the first DIAGNOSTICS_MAX says so */
} Diagnostics;

/* 0, or -ENOMEM. More than DIAGNOSTICS_MAX of one file are counted away, the last entry says so. */
#define DIAGNOSTICS_MAX 100
int diagnostics_add(Diagnostics *diagnostics, size_t line, size_t column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

void diagnostics_clear(Diagnostics *diagnostics);

/* "FILE:LINE:COLUMN: message" ("FILE: message" for the file as a whole), to be freed; NULL: out of
 * memory. */
char *diagnostic_format(const Diagnostic *diagnostic, const char *file);
