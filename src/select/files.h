/* SPDX-License-Identifier: MIT */
#pragma once

/* Lists of the files that rules mean, each file once. */

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

typedef struct SelectedFile {
    char *path; /* in the list's pool; without links, of a mapped file as messages name it: see
                   MappedFile */
    MappedPlace place; /* where it is mapped, if that is how it was found */
    uint64_t dev, ino;
    uint64_t size;   /* bytes */
    uint64_t ctime;  /* nanoseconds: when it was changed last */
    uint64_t mtime;  /* nanoseconds */
    uint64_t offset; /* bytes, whole pages: where what the rule means begins */
    uint64_t wanted; /* bytes of it that the rule means, from there on; not 0 */
    bool may_have_holes;
    size_t rule;  /* the first that means it */
    size_t found; /* sorts as they were found: by rule, then by name */
} SelectedFile;

typedef struct SelectedFiles {
    SelectedFile *files;
    size_t n_files;
    size_t n_too_large; /* files that no rule takes, and some rule would but for its max_size */
    size_t n_excluded;  /* files that a rule leaves out; one is counted for each such rule */
    size_t room;        /* internal */
    Pool paths;         /* whoever keeps a path longer than the list takes all of it */
} SelectedFiles;

/* Leaves an empty list. */
void selected_files_clear(SelectedFiles *list);

/* Adds a file of which @rule means @wanted bytes from @offset on, at the end of the list. @path is
 * copied; NULL: it is too large for the rule. */
int selected_files_add(SelectedFiles *list, const char *path, const struct stat *st,
                       uint64_t offset, uint64_t wanted, size_t rule);

/* Once all are added: leaves of each file, by device and inode, the one that was found first, in
 * the order in which they were found. */
void selected_files_finish(SelectedFiles *list);

/* Opens it for reading, as walk_reopen() does. Returns the descriptor; -ESTALE: another file stands
 * (or is mapped) there now; -ENOENT: none; what walk_glob() and walk_reopen() fail with. */
int selected_file_open(const SelectScope *scope, const SelectedFile *file);

/* Opens up to PATTERN_READINGS_MAX of them so, with one walk; each of *fds is as above. */
void selected_files_open(const SelectScope *scope, const SelectedFile *files, size_t n, int *fds);
