/* SPDX-License-Identifier: MIT */
#pragma once

/* Advice on the files that other processes have open: posix_fadvise(2) on their own open file
 * descriptions, so that it is their read-ahead which changes. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "control/advise.h"
#include "kernel/walk.h"

typedef struct AdvisePattern {
    const char *path; /* absolute glob, as walk_glob() has it */
    Access access;
    /* By the name that the process knows it by, which another file or none may have here: to take
     * advice back that was given, which nothing is lost by. */
    bool by_name;
} AdvisePattern;

typedef struct AdviseScope {
    int root_fd, proc_fd;
    WalkFlags flags; /* where what matches may be, by_name too */
    const AdvisePattern *patterns;
    size_t n_patterns;
    const pid_t *pids;
    size_t n_pids;
    const atomic_bool *cancelled; /* -ECANCELED. May be NULL */
} AdviseScope;

typedef struct AdviseOutcome {
    size_t descriptors; /* that were advised, but for those by_name */
    size_t unreachable; /* processes that may not be looked into, or whose descriptors not taken */
    int error;          /* why not, of one of them; -errno */
} AdviseOutcome;

/* Gives each descriptor of a regular file that matches a pattern the advice of the first such one.
 * What processes open meanwhile may be missed. Needs CAP_SYS_PTRACE for those of others.
 *
 * 0, whatever becomes of single processes and files; -ECANCELED, -ENOMEM, -EMFILE, -ENFILE, or what
 * walk_read_glob() says of a pattern. */
int advise_descriptors(const AdviseScope *scope, AdviseOutcome *ret);
