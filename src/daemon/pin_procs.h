/* SPDX-License-Identifier: MIT */
#pragma once

/* A unit's processes, for what a policy means by `mapped`. */

#include <stdbool.h>
#include <stdint.h>

#include "kernel/procs.h"
#include "policy/rules.h"

/* What one scan asks. The paths and descriptors are borrowed. */
typedef struct PinProcesses {
    /* in */
    bool wanted;       /* some rule means what they have mapped */
    int proc_fd;       /* of /proc */
    int cgroup_fd;     /* of the root of the cgroup tree; -1: there is none */
    char *cgroup_path; /* of the unit; of the scan's own */
    Pids before;       /* at the scan before */
    bool patient;      /* a restart may be under way */

    /* out */
    Pids now;
    bool lost; /* none of before is left, and so what they had mapped is kept for a while */
} PinProcesses;

/* Looks who is there. -EOPNOTSUPP: nobody knows; -ENOMEM, -EMFILE, -ENFILE. */
int pin_processes_read(PinProcesses *processes);
void pin_processes_clear(PinProcesses *processes);

/* What a pinner remembers from one scan to the next. */
typedef struct PinGeneration {
    Pids pids;
    uint64_t steady_usec; /* when some process was there at two scans in a row; 0: not yet */
} PinGeneration;

void pin_generation_clear(PinGeneration *generation);

/* Fills in what a scan at @now_usec needs, for @rules. -ENOMEM. */
int pin_generation_ask(PinGeneration *generation, const PinRule *rules, size_t n_rules,
                       const char *cgroup_path, uint64_t now_usec, PinProcesses *processes);

/* Takes what it found. */
void pin_generation_note(PinGeneration *generation, PinProcesses *processes, uint64_t now_usec);
