/* SPDX-License-Identifier: MIT */
#pragma once

/* What is to be said of the files of one policy, in the order of their places. */

#include <stddef.h>

#include "policy/place.h"
#include "util/cleanup.h"

typedef enum Severity {
    SEVERITY_MISTAKE, /* the policy is refused */
    SEVERITY_WARNING, /* it is in force, and likely not what was meant */
    SEVERITY_NOTE,    /* worth knowing */
} Severity;

#define N_SEVERITIES 3

typedef struct Diagnostic {
    Severity severity;
    PolicyPlace place;
    char *message; /* "what is wrong (what would be right)" */
} Diagnostic;

typedef struct Diagnostics {
    Diagnostic *entries;
    size_t n_entries;
    size_t n_more; /* counted away; the entry behind the first DIAGNOSTICS_MAX says so */
    size_t n_of[N_SEVERITIES]; /* of each severity, those counted away too */
} Diagnostics;

/* 0, or -ENOMEM. Of more than DIAGNOSTICS_MAX of one policy the least important are counted away,
 * and the last entry, with the highest severity of them, says so. */
#define DIAGNOSTICS_MAX 100
int diagnostics_add(Diagnostics *diagnostics, Severity severity, PolicyPlace place,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

void diagnostics_clear(Diagnostics *diagnostics);

/* "FILE:LINE:COLUMN: message" ("FILE: message" for the file as a whole), with "warning: " or
 * "note: " before the message of what is no mistake; to be freed; NULL: out of memory. @sources are
 * those that were decoded. */
char *diagnostic_format(const Diagnostic *diagnostic, const Source *sources);

const char *severity_to_string(Severity severity);
