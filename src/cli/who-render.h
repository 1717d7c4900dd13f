/* SPDX-License-Identifier: MIT */
#pragma once

/* How `who` shows what it found. */

#include <stdio.h>

#include "cli/cli.h"
#include "kernel/users.h"

typedef struct WhoReport {
    char *const *paths; /* of the files that were asked for, in their order */
    size_t n_paths;
    FileUsers users;
} WhoReport;

/* The table or the JSON of pagewarden(1) to @out. 0, or -ENOMEM, -EIO. */
int who_render(const WhoReport *report, FILE *out, const OutputOptions *options);
