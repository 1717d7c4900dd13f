/* SPDX-License-Identifier: MIT */
#pragma once

/* What `inspect --by-cgroup` found out, and how it is shown. */

#include <stdio.h>

#include "cli/cli.h"
#include "kernel/cgroup_names.h"
#include "kernel/page_owner.h"

typedef struct OwnedFile {
    char *path;
    PageOwners owners; /* the most first */
} OwnedFile;

typedef struct OwnersReport {
    OwnedFile *files; /* as they were found */
    size_t n_files;
    size_t room; /* internal */
    CgroupNames names;
} OwnersReport;

/* Copies @path, takes @owners over in any case. 0, or -ENOMEM. */
int owners_report_add(OwnersReport *report, const char *path, PageOwners *owners);

/* The table or the JSON of pagewarden(1) to @out. 0, or -ENOMEM, -EIO. */
int owners_report_render(const OwnersReport *report, FILE *out, const OutputOptions *options);
void owners_report_clear(OwnersReport *report);
