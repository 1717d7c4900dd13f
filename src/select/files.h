/* SPDX-License-Identifier: MIT */
#pragma once

/* Lists of the files that rules mean, each file once. */

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "kernel/mapped.h"
#include "kernel/walk.h"
#include "util/pool.h"

/* Those whose mapped files are meant. */
typedef struct SelectProcesses {
    int proc_fd; /* of /proc */
    const pid_t *pids;
    size_t n_pids;
} SelectProcesses;

/* Where files are looked for, and who hears of it. */
typedef struct SelectScope {
    int root_fd; /* of "/" */
    WalkFlags flags;
    const SelectProcesses *processes; /* NULL: none */
    const char *const *avoid;     /* as WalkHandler has it, and of mapped files, too. May be NULL */
    const atomic_bool *cancelled; /* nobody wants the outcome any more: -ECANCELED. May be NULL */
    /* What a rule names or matches, and is passed over, as WalkHandler has it. May be NULL. */
    void (*passed_over)(const char *path, const char *why, void *userdata);
    /* A folder that paths of rules lead into, before it is listed. May be NULL. */
    void (*folder)(const WalkFolder *folder, void *userdata);
    void *userdata;
} SelectScope;

static inline bool select_is_cancelled(const SelectScope *scope)
{
    return scope->cancelled && atomic_load(scope->cancelled);
}

/* Where files were found. Those of a folder share it. */
typedef struct SelectedPlace {
    const struct SelectedPlace *above; /* internal */
    MappedPlace mapped;                /* if that is how it was found */
    char folder[]; /* with the '/' behind it, without links; of a mapped file what messages name */
} SelectedPlace;

/* There are many: see selected_path(), and for what the rule means of it pin_part() and
 * evict_part(). */
typedef struct SelectedFile {
    const SelectedPlace *place; /* in the list's pool, and so is */
    const char *name;           /* in the folder; of a mapped file: see MappedFile */
    uint64_t dev, ino;
    uint64_t size;       /* bytes */
    uint64_t ctime;      /* nanoseconds: when it was changed last */
    uint64_t mtime;      /* nanoseconds */
    uint32_t rule;       /* the first that means it */
    uint32_t found : 31; /* sorts as they were found: by rule, then by name */
    bool may_have_holes : 1;
} SelectedFile;

/* A part of a file. */
typedef struct SelectedPart {
    uint64_t offset; /* bytes, whole pages */
    uint64_t length; /* bytes */
} SelectedPart;

#define SELECTED_PATH_MAX (PATH_MAX + 16) /* one that is deleted says so */

typedef struct SelectedFiles {
    SelectedFile *files;
    size_t n_files;
    size_t n_too_large; /* files that no rule takes, and some rule would but for its max_size */
    size_t n_excluded;  /* files that a rule leaves out; one is counted for each such rule */
    size_t room;        /* internal, and so is the rest */
    Pool paths;
    const SelectedPlace *last;
} SelectedFiles;

/* Leaves an empty list. */
void selected_files_clear(SelectedFiles *list);

/* Adds a file that @rule means at the end of the list. @path is copied; NULL: it is too large for
 * the rule. @mapped: where it is; NULL: it is found by its path. -ENOMEM. */
int selected_files_add(SelectedFiles *list, const char *path, const MappedPlace *mapped,
                       const struct stat *st, size_t rule);

/* The same of one that stands in another list. */
int selected_files_add_copy(SelectedFiles *list, const SelectedFile *file);

/* Leaves the first @n, and gives the memory of the others back. */
void selected_files_trim(SelectedFiles *list, size_t n);

/* The path of a file, put together in @buffer. */
const char *selected_path(const SelectedFile *file, char buffer[static SELECTED_PATH_MAX]);

/* Once all are added: leaves of each file, by device and inode, the one that was found first, in
 * the order in which they were found. */
void selected_files_finish(SelectedFiles *list);

/* Opens it for reading, as walk_reopen() does. Returns the descriptor; -ESTALE: another file stands
 * (or is mapped) there now; -ENOENT: none; what walk_glob() and walk_reopen() fail with. */
int selected_file_open(const SelectScope *scope, const SelectedFile *file);

/* Opens up to PATTERN_READINGS_MAX of them so, with one walk; each of *fds is as above. */
void selected_files_open(const SelectScope *scope, const SelectedFile *files, size_t n, int *fds);
