/* SPDX-License-Identifier: MIT */
#pragma once

/* What `inspect` found out, and how it is shown. */

#include <stddef.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/file-map.h"
#include "kernel/census.h"
#include "util/pool.h"

typedef struct InspectFile {
    const char *path;
    dev_t dev;
    ino_t ino;
    uint64_t size;       /* bytes */
    Residency residency; /* .has_resident is false where the kernel does not tell */
    FileMap map;         /* where .has_map */
    bool has_map;
} InspectFile;

typedef struct InspectReport {
    InspectFile *files; /* as they were found */
    size_t n_files;
    size_t n_allocated;
    Pool paths;
    bool maps;  /* to be set: shown is where in each file, instead of how it is */
    bool ascii; /* to be set: drawings are of ASCII, whatever the terminal can */
} InspectReport;

/* Each file once, whatever number of names it was found by. */
typedef struct InspectTotal {
    uint64_t files;
    uint64_t size;    /* bytes */
    uint64_t covered; /* resident bytes, without what a last page has behind the end of its file */
    uint64_t unknown; /* files of which the kernel does not tell what is resident */
    Residency sum;    /* of those where it tells; the flags: of at least one, or there is no file */
} InspectTotal;

/* Copies @path. 0, or -ENOMEM with the report as it was. */
int inspect_report_add(InspectReport *report, const char *path, const CensusFile *file);

/* Of the file that was added last: where what is resident lies. Takes @map over. */
void inspect_report_set_map(InspectReport *report, FileMap *map);

/* 0, or -ENOMEM. */
int inspect_report_total(const InspectReport *report, InspectTotal *ret);

/* The table or the JSON of pagewarden(1) to @out. 0, or -ENOMEM, -EIO. */
int inspect_report_render(const InspectReport *report, FILE *out, const OutputOptions *options);

void inspect_report_clear(InspectReport *report);
