/* SPDX-License-Identifier: MIT */
#pragma once

/* Looks, on a worker, which files a policy wants pinned, and says what is to be done about it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pagewarden/hold-protocol.h>

#include "control/pin_plan.h"
#include "daemon/held.h"
#include "daemon/jobs.h"
#include "daemon/pin_procs.h"
#include "daemon/warmed.h"
#include "kernel/walk.h"
#include "kernel/watches.h"
#include "policy/rules.h"
#include "select/files.h"

/* Problems that are kept with their paths; more are counted. */
#define PIN_PROBLEMS_MAX 50

typedef struct PinProblem {
    char *path;
    char *reason;
} PinProblem;

typedef struct PinProblems {
    PinProblem *entries;
    size_t n_entries;
    size_t n_total;
} PinProblems;

void pin_problems_add(PinProblems *problems, const char *path, const char *reason);
void pin_problems_clear(PinProblems *problems);

/* What @error of opening, measuring or pinning means, to be put behind the path. */
const char *pin_problem_text(int error);

/* One file that is not yet in memory as far as it should be: see pin_step_file(). */
typedef struct PinStep {
    uint64_t target;   /* bytes to have locked of its part, or warmed */
    uint64_t locked;   /* bytes that are */
    uint64_t resident; /* HOLD_LOCK_NONE: see Warmed */
    int fd;            /* once it is opened; else -1 */
    HoldLock lock : 8;
    bool data : 1;     /* HOLD_LOCK_ON_FAULT: of what is data, not of what is in memory */
    bool held : 1;     /* the holder has it mapped as far as that; else it is to be handed over */
    bool opens : 1;    /* it is to be opened before anything is done with it */
    bool recharge : 1; /* it was released to be read again, at the charge of somebody else */
} PinStep;

typedef struct PinScan {
    Job job;

    /* in */
    int root_fd; /* borrowed, lives as long as the daemon */
    WalkFlags walk_flags;
    PinRule *rules;
    size_t n_rules;
    PinOrder order;
    HeldSet held;    /* sorted; only read */
    uint64_t budget; /* bytes */
    uint64_t page;   /* bytes */
    bool only_held;  /* nothing more is to be pinned; what is gone is let go all the same */
    PinProcesses processes;
    char **avoid;           /* what is there, or below, is not wanted, nor even opened */
    WarmSet warmed;         /* out: as far as it is still wanted */
    bool fill;              /* what is read is charged to the service */
    uint64_t recharge;      /* bytes that may be read again, because they are charged elsewhere */
    PinHeld recharge_first; /* internal */
    PinHeld recharge_after; /* what was before: device and inode; out: the last of this time */

    /* out; and processes.now */
    int error;
    char **mounts;       /* mount points, other than "/", that files to be pinned are on */
    WatchList folders;   /* that the walks looked into, watched; in: empty */
    HeldMark *marks;     /* of what is held; NULL: there is nothing to say of it */
    SelectedFiles files; /* those of the steps */
    PinStep *steps;      /* in order */
    size_t n_steps;
    PinId *unheld; /* wanted, and not among what is held and stays so; sorted */
    size_t n_unheld;
    size_t unheld_room; /* internal */
    size_t n_wishes;    /* files that the rules mean */
    uint64_t wanted;    /* bytes of these, whole pages */
    size_t n_recharged; /* files that are read again; 0: there are no more */
    PinProblems problems;
} PinScan;

/* A scan to be filled with its inputs and submitted; owner, done and job.destroy are the caller's
 * to use as with any job: destroy is set. */
PinScan *pin_scan_new(void (*done)(Job *job, void *owner), void *owner);
void pin_scan_free(PinScan *scan);

/* Which file it is about, and which part of it is to be mapped. */
const SelectedFile *pin_step_file(const PinScan *scan, const PinStep *step);
SelectedPart pin_step_part(const PinScan *scan, const PinStep *step);

/* What is to be remembered of a step that was warmed. */
Warmed pin_step_warmed(const PinScan *scan, const PinStep *step, uint64_t resident);

/* A scan of its own with everything that @scan, which is finished, has; for done(), whose job the
 * queue frees. NULL: out of memory. */
PinScan *pin_scan_take(PinScan *scan);
