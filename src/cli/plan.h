/* SPDX-License-Identifier: MIT */
#pragma once

/* What `plan` found out: what a controller that started now would do. */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/cli.h"
#include "config/load.h"
#include "control/cache_cap.h"
#include "control/evict_plan.h"
#include "control/limit.h"
#include "control/pin_room.h"
#include "kernel/cgroup_names.h"
#include "kernel/units.h"
#include "select/files.h"

/* A file that is to be pinned. Bytes. */
typedef struct PlanPin {
    const SelectedFile *file;
    SelectedPart part; /* that the rule means */
    PinLock lock;
    uint64_t wanted;   /* with lock: on-fault, no more than is in memory; else no holes */
    uint64_t data;     /* of the part that the rule means: not holes; whole pages, or all of it */
    uint64_t target;   /* within the budget, whole pages; 0: nothing is left for it */
    bool has_resident; /* the kernel tells, and it was asked */
    uint64_t resident; /* of what is wanted, whole pages */
} PlanPin;

#define PLAN_FIRST_SHOWN 20 /* files of a list, unless all are */

typedef struct PlanProblem {
    char *path;
    char *why; /* to be put behind the path: "is a FIFO" */
} PlanProblem;

typedef struct PlanProblems {
    PlanProblem *entries;
    size_t n_entries, n_allocated;
    size_t max;         /* PlanScope.max_problems */
    size_t n_more;      /* that were only counted */
    bool out_of_memory; /* some are missing */
} PlanProblems;

typedef struct PlanPins {
    SelectedFiles selected; /* in the order of their importance */
    PlanPin *files;         /* selected.n_files of them */
    uint64_t sum;           /* of the targets */
    PlanProblems passed_over;
    int error; /* -errno: the files could not be found */
} PlanPins;

/* A file that is in memory, and that a rule wants out of it. */
typedef struct PlanEvictFile {
    char *path;
    uint64_t size;        /* bytes */
    uint64_t resident;    /* bytes, whole pages */
    uint64_t dirty;       /* of these; has_dirty */
    bool has_dirty;       /* the kernel tells */
    EvictVerdict verdict; /* as soon as it was idle for long enough */
    bool unsure;          /* EVICT_NOW, though not every process could be looked into */
} PlanEvictFile;

typedef struct PlanEvict {
    const EvictRule *rule;
    PlanEvictFile *files; /* those in memory */
    size_t n_files, n_allocated;
    size_t n_matching; /* all that the rule means */
    size_t n_unknown;  /* of these, those of which the kernel does not tell what is in memory */
    uint64_t bytes;    /* to be evicted */
} PlanEvict;

typedef struct PlanUnit {
    const char *name, *cgroup; /* of Plan.running, or Plan.cgroups */
    const Policy *policy;      /* that governs it */
    const Policy *draw;        /* matches it equally well, and comes later by name; or NULL */
    int error;                 /* -errno: why its cgroup could not be read; nothing below means
                                * anything then */
    uint64_t current, high;    /* bytes; LIMIT_NONE for "max" */
    uint64_t stream;           /* of its page cache a rule for streams reclaims so much at once */
    uint64_t floor;            /* memory.high never goes below it, bytes */
    LimitDecision now;         /* .want: LIMIT_NONE: memory.high is left as it is */
    LimitDecision squeezed;    /* LIMIT_YIELD: where distress that lasts brings it to */
    uint64_t cache;            /* bytes of page cache that a cap is about */
    CapDecision cap;           /* .reclaim is all that would go, idle files included */
    uint64_t pin_room;         /* bytes that limits of it, and of slices above it, leave to pins; or
                                * LIMIT_NONE */
} PlanUnit;

typedef struct PlanUnits {
    PlanUnit *units; /* by name */
    size_t n_units, n_allocated;
    size_t n_cgroups; /* of these, control groups that are no units: their name is their path, and
                       * they have no pins */
} PlanUnits;

typedef struct PlanPolicy {
    const ConfigEntry *entry;
    const Policy *policy; /* NULL: not in force */
    bool shown;
    bool named;         /* by the user: has to be in force */
    PlanUnits governed; /* by it */
    PlanUnits others;   /* match it, and another governs them */
    PlanPins pins;
    PlanEvict *evicts; /* policy->n_evicts of them */
    PlanProblems evict_passed_over;
    int evict_error; /* -errno: the files could not be found */
} PlanPolicy;

typedef struct Plan {
    const Config *config;
    RunningUnits running;
    CgroupNames cgroups;  /* by path; empty where no policy matches by them */
    int units_error;      /* -errno: why nothing is known of units and cgroups */
    PlanPolicy *policies; /* one for each entry of the configuration */
    size_t n_policies;
    bool other_machine;  /* PlanScope.other_machine */
    bool has_psi;        /* the host's self-test, as the daemon does it at its start; of another
                          * machine true, as nothing is known */
    int host_error;      /* -errno: why nothing is known of the host's memory */
    PinHost host;        /* .locked: by anybody */
    uint64_t swap_free;  /* bytes, or LIMIT_SWAP_UNKNOWN */
    uint64_t host_room;  /* bytes that may be locked now */
    PinBound host_bound; /* what bounds that */
    bool openers_asked;
    int openers_error;     /* -errno: why nobody knows who has files open */
    unsigned n_unreadable; /* processes that could not be looked into */
} Plan;

/* Where is looked, and by what. */
typedef struct PlanScope {
    int root_fd;   /* of "/" */
    int cgroup_fd; /* of the root of the cgroup tree, or -errno */
    int proc_fd;
    bool other_machine;  /* an image, or with other memory: the memory and the processes of this
                          * one do not count */
    size_t max_problems; /* that are kept of each list; the others are counted */
    uint64_t page;       /* bytes */
    void (*progress)(void *userdata); /* after each file; may be NULL */
    void *userdata;
} PlanScope;

/* Looks, and changes nothing. Of the policies whose names are in @names (a strv; NULL: all). *ret
 * is for plan_clear(), on success only, and @config has to outlive it. 0; -ENOMEM, -EMFILE,
 * -ENFILE.
 */
int plan_collect(const PlanScope *scope, const Config *config, char *const *names, Plan *ret);
void plan_clear(Plan *plan);

/* Whether nothing that is shown is refused, and all that was named is in force. */
bool plan_is_good(const Plan *plan);

/* Whether it makes no sense to go on. */
static inline bool plan_is_fatal(int r)
{
    return r == -ENOMEM || r == -EMFILE || r == -ENFILE;
}

/* Parts of plan_collect(), in plan-files.c. Pins are measured if @measure. */
int plan_pins(const PlanScope *scope, const Plan *plan, PlanPolicy *policy, bool measure);
int plan_evictions(const PlanScope *scope, Plan *plan);
void plan_files_clear(PlanPolicy *policy);

/* Whether the host's memory is known. */
static inline bool plan_knows_host(const Plan *plan)
{
    return !plan->other_machine && plan->host_error >= 0;
}

/* The first file that is not pinned as a whole, or n_files. */
size_t plan_budget_end(const PlanPins *pins);

/* Bytes that are wanted and beyond the budget, from the file @i on. */
uint64_t plan_not_pinned(const PlanPins *pins, size_t i);

typedef struct PlanOptions {
    OutputOptions output;
    bool all; /* each file, however many */
} PlanOptions;

/* The tables or the JSON of pagewarden(1) to @out. 0, or -ENOMEM, -EIO. */
int plan_render(const Plan *plan, FILE *out, const PlanOptions *options);
int plan_render_json(const Plan *plan, FILE *out, JsonMode mode);
