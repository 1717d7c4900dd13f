/* SPDX-License-Identifier: MIT */
#pragma once

/* What the files of the limiter share, and nobody else. */

#include "daemon/high_job.h"
#include "daemon/limiter.h"

/* Where the use could not be brought down to what is wanted, or something failed, try again after
 * this. */
#define RETRY_USEC (2 * USEC_PER_SEC)

struct Limiter {
    Host *host;
    char *unit;
    char *cgroup_path;
    bool direct; /* systemd knows nothing of it: what is written to its file is all */
    LimitState state;
    LimitReason reason;      /* of the last decision */
    const char *changed_for; /* the reason of the last change */
    bool applied;            /* memory.high is a value of ours, */
    bool by_file;            /* and systemd does not know of it yet */
    bool foreign;            /* someone else changed it */
    bool observes;           /* the last look changed nothing */
    bool taken_over;         /* and on the way to what someone else's files say, then foreign */
    bool releasing;          /* on the way back, for good */
    bool back;               /* the last decision was to give it back */
    uint64_t value;          /* applied: bytes */
    uint64_t original;       /* applied: what was before */
    uint64_t setting;        /* the change under way: bytes being set, */
    LimitReason setting_for; /* and why */
    uint64_t settling;       /* a new control group that may have no limit yet, */
    uint64_t settled_usec;   /* until then */
    uint64_t unanswered;     /* bytes that systemd was asked for, and may set yet; 0: none */
    int note_error;          /* that the ledger could not be written: said once */
    uint64_t retry_usec;     /* no further way down before */
    uint64_t return_usec;    /* no further way back before */
    uint64_t want;           /* of the last decision, */
    LimitReason want_for;    /* and the reason of the first that wanted it: why it changes */
    LimitReason back_for;    /* why it is given back */
    uint64_t next_usec;      /* of the last decision: look again by then */
    uint64_t to_reclaim;     /* bytes, of the last decision, that are left */
    uint64_t reclaimed;      /* bytes, in all */
    uint64_t asked;          /* likewise, be it that they were not had */
    ReclaimScope scope;
    bool no_option; /* the kernel refused it, and the journal has it */
    Job *job;       /* reclaiming, or writing the file: */
    bool writing;
    bool asking;       /* systemd */
    bool returning;    /* asking for the original: nothing else is begun before the answer */
    sd_bus_slot *slot; /* asking */

    uint64_t files_high; /* what the unit's files said last, */
    bool has_files;      /* if they were looked at, */
    unsigned checked; /* after which of systemd's reloads; before it is seen what they say now, */
    bool waits;       /* which is waited for, systemd is asked for nothing */
};

int limiter_open_cgroup(const Limiter *limiter, Cgroup **ret);
int limiter_read_high(const Limiter *limiter, uint64_t *ret);

/* Writes the cgroup's file, where no more is in use than @bytes, so that nothing is reclaimed for
 * it: any other write is a worker's. Returns whether it is in force; -errno: there is no cgroup. */
int limiter_write_at_once(const Limiter *limiter, uint64_t bytes);

/* Takes it out of the ledger. */
void limiter_forget(Limiter *limiter);

/* What memory.high is now, before anything is decided or changed: ours, what was before, or someone
 * else's; then it is hands off, and false. While systemd is asked that is not settled yet; nor is
 * it of a new control group, whose number is @cgroup (0: not known), until systemd has set what it
 * is to have. Of a unit that was made anew nothing of before counts: false, too, this once. */
bool limiter_recognize(Limiter *limiter, uint64_t high, uint64_t cgroup);

/* The same of what is there, right before each change. A cgroup that is gone is undisturbed. */
bool limiter_is_undisturbed(Limiter *limiter, uint64_t *ret_high);

/* Whether systemd may be asked: what would come after a daemon-reload could override what an admin
 * has written into the unit's files. */
bool limiter_may_ask(Limiter *limiter);

/* It is someone else's from now on. */
void limiter_leave_to_them(Limiter *limiter);

/* Begins, or goes on. */
void limiter_give_back(Limiter *limiter);
