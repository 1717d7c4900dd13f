/* SPDX-License-Identifier: MIT */
#pragma once

/* What `files` found out, and how it is shown. */

#include <stdint.h>
#include <stdio.h>

#include "cli/cli.h"
#include "util/pool.h"

typedef struct FilesEntry {
    const char *path; /* in the report's pool */
    bool deleted;
    unsigned open, mapped; /* by how many of the unit's processes */
    uint64_t size;         /* bytes */
    bool has_cached, has_charged;
    uint64_t cached;  /* bytes, by whoever */
    uint64_t charged; /* of these, to the unit */
} FilesEntry;

typedef struct FilesReport {
    const char *unit, *cgroup;
    FilesEntry *entries; /* the most cached first, once sorted */
    size_t n_entries, room;
    Pool paths;
    bool has_file;       /* the unit's page cache is known */
    uint64_t file;       /* this: bytes */
    bool has_charged;    /* whose pages are whose is known, of all entries */
    unsigned unreadable; /* processes that could not be looked into */
} FilesReport;

/* Copies @entry, its path too. -ENOMEM. */
int files_report_add(FilesReport *report, const FilesEntry *entry);
void files_report_clear(FilesReport *report);

/* The table or the JSON of pagewarden(1) to @out, without files of which nothing is in memory
 * unless @all. 0, or -ENOMEM, -EIO. */
int files_report_render(FilesReport *report, FILE *out, const OutputOptions *options, bool all);
