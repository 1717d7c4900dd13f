/* SPDX-License-Identifier: MIT */
#pragma once

/* The targets, and which policy governs each. */

#include "daemon/target.h"
#include "policy/set.h"

typedef struct Governed {
    Host *host;                      /* these four are the owner's to set */
    const PolicySet *set;            /* in force */
    void (*pressed)(void *userdata); /* see target_new() */
    void *userdata;
    Target **targets;
    size_t n_targets;
} Governed;

/* Frees the targets; what they did stays in force. */
void governed_clear(Governed *governed);

/* NULL: it is not governed. */
Target *governed_find(const Governed *governed, const char *unit);

/* A list of all units that run, or of all control groups that are no units, is told between these
 * two: what it does not have is gone. */
void governed_begin_list(Governed *governed, bool of_cgroups);
void governed_end_list(Governed *governed, bool of_cgroups, uint64_t now_usec);

/* It runs; where a policy matches, it is governed from now on. @cgroup may be NULL;
 * @object_path: see target_new(). */
void governed_note(Governed *governed, const char *unit, const char *cgroup,
                   const char *object_path, uint64_t now_usec);

/* The set has changed; that of before, @old, is there still. What was someone else's may be ours
 * again. */
void governed_adopt(Governed *governed, const PolicySet *old);

/* Tells each target of a critical one below it. Before they act. */
void governed_note_critical(Governed *governed);

/* Frees those for which nothing is left to do. */
void governed_remove_finished(Governed *governed, uint64_t now_usec);
