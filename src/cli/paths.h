/* SPDX-License-Identifier: MIT */
#pragma once

/* The files and folders that someone names on the command line, with his own rights. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "cli/progress.h"
#include "kernel/census.h"

typedef struct NamedPaths {
    bool unicode;
    bool files_only; /* a folder is an error */
    bool silent;     /* a second look: what is wrong was told */
    /* A regular file. @fd is open for reading, and stays ours: *@fd may be taken. What it returns
     * ends the walk, where it is not 0. */
    int (*file)(const char *path, int *fd, const struct stat *st, void *userdata);
    /* Instead of @file: what of it is in memory, where no more is wanted. That is faster. */
    int (*counted)(const char *path, const CensusFile *file, void *userdata);
    void *userdata;

    bool failed; /* out: something that was named could not be had */
    Progress progress;
    const char *named; /* internal: the argument that is being walked */
    size_t n_counted;  /* internal: files of those before */
} NamedPaths;

/* Walks each of @paths (ends with NULL; NULL: none). One that is named may be a symbolic link;
 * below it none is followed. What is named and is no file that can be read is an error, which is
 * told; what is merely met (a socket in a folder) is not. Returns 0, or why it makes no sense to go
 * on: -ENOMEM, -EMFILE, -ENFILE, which were told but for -ENOMEM, or what a function returned. */
int named_paths_walk(NamedPaths *walk, char *const paths[]);

/* "PATH: TEXT: ERROR" on standard error; @error (an errno) may be 0. */
void named_paths_complain(NamedPaths *walk, const char *path, const char *text, int error);
