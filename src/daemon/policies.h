/* SPDX-License-Identifier: MIT */
#pragma once

/* The policy files of a folder, read and decoded. */

#include "policy/set.h"

typedef struct PolicyFile {
    char *name; /* the stem */
    char *path;
    char *error; /* why it is refused, one mistake a line; NULL: it is in force */
} PolicyFile;

typedef struct Policies {
    PolicySet set;
    PolicyFile *files; /* by name; refused ones too */
    size_t n_files;
    size_t n_refused;
} Policies;

/* Reads every *.yaml in @dir, which need not exist. A file that cannot be read or decoded is a
 * refused one. 0, -ENOMEM, or what reading the folder failed with; *ret is for policies_clear() on
 * success only. */
int policies_load(const char *dir, uint64_t ram, Policies *ret);
void policies_clear(Policies *policies);

const PolicyFile *policies_find_file(const Policies *policies, const char *name);

/* Notes in @policies that @file's newer text was refused, while the older one stays in force. */
int policies_note_error(Policies *policies, const PolicyFile *file);
