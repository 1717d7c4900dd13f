/* SPDX-License-Identifier: MIT */
#pragma once

/* What pinner.c shares with the files that are parts of it: pinner_scan.c, which looks, and
 * pinner_shed.c, which lets go when memory is short. For nobody else. */

#include "daemon/holder.h"
#include "daemon/measure.h"
#include "daemon/pin_apply.h"
#include "daemon/pinner.h"
#include "daemon/recharge.h"

typedef enum PinnerState {
    PINNER_OFF,
    PINNER_WAITING,
    PINNER_CONNECTING,
    PINNER_LISTING,
    PINNER_SCANNING,
    PINNER_APPLYING,
    PINNER_SETTLED,
} PinnerState;

struct Pinner {
    Host *host;
    char *unit, *slice, *cgroup_path;
    PinnerState state;

    bool wanted;
    PinRule *rules;
    size_t n_rules;
    PinOrder order;
    uint64_t budget;
    PinCharge charge;
    bool changed; /* what is wanted, since the scan that is under way began */

    Holder *holder;
    pid_t holder_pid;
    int score; /* that the holder was told to have; 0: none yet */
    HeldSet held;
    uint64_t sum;  /* of what is held: our part of host->locked */
    PinId *unheld; /* see pinner_unheld() */
    size_t n_unheld;
    bool unsure; /* there was no memory for them */
    PinGeneration generation;
    WarmSet warmed; /* as the last scan left it */
    uint64_t warmed_sum;

    bool keeps; /* when the host's memory is short */
    ShortageRank rank;
    bool withheld; /* something went because it was, and nothing more is taken meanwhile */
    uint64_t shed; /* bytes that are to go, as soon as no request is under way */
    bool shedding; /* they are going, until sum is shed_to */
    uint64_t shed_to;
    uint64_t released; /* bytes, since it is withheld */

    PinFollow follow;    /* when to scan */
    PinScan *scanning;   /* in the queue's hands */
    size_t wanted_files; /* at the last scan */
    uint64_t wanted_sum;
    PinApply *apply;      /* what it found */
    bool hurry;           /* as soon as what was asked is answered, and shed, another scan */
    uint64_t let_go_usec; /* the last scan that let go of everything it wanted to began then */
    char **mounts;        /* that the last scan found */
    bool requested;       /* there was something to do */
    bool pinned;          /* and files to lock */
    PinProblems problems;
    PinBound bound, last_bound;

    Job *measuring;
    Measured measured;                      /* as last measured */
    uint64_t measured_usec, measuring_usec; /* when it began last, and how long it took */
    bool unmeasured;                        /* something was done since then */
    Recharge recharge;
    bool refresh; /* less was measured than should be locked: a file was rewritten in place */

    uint64_t next_usec;    /* WAITING: when to go on */
    uint64_t backoff_usec; /* of the next failure */
};

/* pinner.c */

void pinner_enter(Pinner *p, PinnerState state);

/* Lets go of a scan, and of what it found, wherever it is. */
void pinner_drop_scan(Pinner *p);

/* Nothing was done since the last measurement began. */
bool pinner_is_measured(const Pinner *p);
void pinner_measure_if_due(Pinner *p);

/* The next thing that the scan found to do; @userdata is the pinner. */
void pinner_next_request(void *userdata);

/* Until it is time to look again. */
void pinner_rest(Pinner *p);

/* What is held is wanted further, when it is not. */
void pinner_note_lost(Pinner *p);

/* pinner_scan.c */

void pinner_start_scan(Pinner *p);

/* Takes @scan over. @refresh: all that is held. */
void pinner_apply(Pinner *p, PinScan *scan, bool refresh);

/* pinner_shed.c */

/* Lets pinner->shed bytes go; no request is under way. */
void pinner_begin_shedding(Pinner *p);
void pinner_end_shedding(Pinner *p);
