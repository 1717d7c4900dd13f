/* SPDX-License-Identifier: MIT */
#pragma once

/* The program files that processes have mapped: what they execute, and their libraries. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

typedef enum MappedKind {
    MAPPED_EXECUTABLE, /* some process' /proc/PID/exe */
    MAPPED_LIBRARY,    /* mapped as executable, and not that */
} MappedKind;

/* A mapping, by which its file can be opened. */
typedef struct MappedPlace {
    pid_t pid; /* 0: none */
    uint64_t begin, end;
} MappedPlace;

typedef struct MappedFile {
    char *path;   /* of the process' mount namespace, and maybe another file's in ours */
    bool deleted; /* it has lost that name, and lives as long as it is mapped */
    MappedKind kind;
    struct stat st; /* as this kernel knows it; no server was asked */
    MappedPlace place;
} MappedFile;

typedef struct MappedFiles {
    MappedFile *files; /* executables first, each kind by path */
    size_t n_files;
    size_t room; /* internal */
} MappedFiles;

/* Whom to look at, and who hears of it. */
typedef struct MappedScope {
    int proc_fd; /* of /proc */
    const pid_t *pids;
    size_t n_pids;
    unsigned kinds;               /* bits, 1 << MAPPED_…: of what is to be found, and told */
    bool network;                 /* files on network and FUSE file systems, too */
    const atomic_bool *cancelled; /* nobody wants the outcome any more: -ECANCELED. May be NULL */
    /* What is left out: "is on a network file system …", "cannot be read: …". May be NULL. */
    void (*passed_over)(const char *path, const char *why, void *userdata);
    void *userdata;
} MappedScope;

#define MAPPED_FILES_MAX    4096 /* of all processes; a browser or a JVM has some 200 */
#define MAPPED_MAPPINGS_MAX 4096 /* that may be executed, of one process */

/* The regular files that any of the processes may execute parts of (a mapping with `x`), each once
 * by device and inode: a library's data, which is mapped without, is in the same file. Left out are
 * those that never had a name (memfd, shared memory), and what is over the limits above.
 *
 * Needs CAP_SYS_PTRACE and CAP_CHECKPOINT_RESTORE (or CAP_SYS_ADMIN). A process that ends is no
 * error. *ret is for mapped_files_clear() on success only. -ECANCELED, -ENOMEM, -EMFILE, -ENFILE.
 */
int mapped_files(const MappedScope *scope, MappedFiles *ret);
void mapped_files_clear(MappedFiles *list);

/* Opens for reading, as walk_reopen() does, what is mapped at @place. Returns the descriptor.
 * -ENOENT: nothing is any more; -ESTALE: something else than @dev and @ino. */
int mapped_open(int proc_fd, const MappedPlace *place, dev_t dev, ino_t ino);
