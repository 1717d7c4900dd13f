/* SPDX-License-Identifier: MIT */
#pragma once

/* What `pins` found out, and how it is shown. */

#include <stdio.h>

#include "cli/bus.h"
#include "cli/cli.h"

typedef struct PinsFile {
    char *path;   /* NULL: not known */
    char *unit;   /* NULL: none */
    char *policy; /* NULL: by hand */
    uint64_t dev, ino;
    uint64_t user;                   /* UINT64_MAX: not known */
    uint64_t since_usec, until_usec; /* CLOCK_REALTIME; 0: not known, for ever */
    uint64_t size, locked;           /* bytes */
} PinsFile;

typedef struct PinsReport {
    PinsFile *files;
    size_t n_files;
    size_t room; /* internal */
} PinsReport;

/* Copies @file; @policy NULL: it is pinned by hand. 0, or -ENOMEM with the report as it was. */
int pins_report_add(PinsReport *report, const BusHeldFile *file, const char *policy);

/* The table or the JSON of pagewarden(1) to @out. 0, or -ENOMEM, -EIO. */
int pins_report_render(const PinsReport *report, FILE *out, const OutputOptions *options);

void pins_report_clear(PinsReport *report);
