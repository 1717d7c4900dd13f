/* SPDX-License-Identifier: MIT */
#pragma once

/* Carries out what a scan found, request by request: releases, refreshes, pins. While the holder
 * works at one batch of files, a worker opens the next. */

#include "control/pin_room.h"
#include "daemon/held.h"
#include "daemon/host.h"
#include "daemon/pin_scan.h"
#include "hold/wire.h"

typedef struct PinApply PinApply;

typedef struct PinApplySetup {
    Host *host;
    const char *cgroup_path; /* all of these are borrowed, and outlive it */
    HeldSet *held;
    PinProblems *problems; /* out: more of them */
    bool refresh;          /* what is held, all of it; else what the scan says */
    bool tell_score;       /* first of all, the holder's oom_score_adj: */
    int score;
    bool fill; /* what is read is charged to the service, whose cgroup this is */
    /* After PIN_APPLY_WAIT: there is something to send. */
    void (*ready)(void *userdata);
    void *userdata;
} PinApplySetup;

/* Takes @scan over. NULL: out of memory, and @scan is freed. */
PinApply *pin_apply_new(const PinApplySetup *setup, PinScan *scan);

/* Takes NULL, returns NULL. */
PinApply *pin_apply_free(PinApply *apply);

DEFINE_CLEANUP(PinApply *, pin_apply_free)

typedef enum PinApplyNext {
    PIN_APPLY_SEND, /* the request, to be answered through pin_apply_answer() */
    PIN_APPLY_WAIT, /* files are being opened */
    PIN_APPLY_DONE, /* nothing is left to do, or *bound says why not */
} PinApplyNext;

/* What to do next. *ret_packet and *ret_fds belong to @apply, until it is asked again. */
PinApplyNext pin_apply_next(PinApply *apply, const HoldPacket **ret_packet, const HoldFds **ret_fds,
                            PinBound *bound);

/* What is not to be kept is released. */
bool pin_apply_has_released(const PinApply *apply);

/* A request waits for its answer. */
bool pin_apply_is_asked(const PinApply *apply);

/* The answer to the last request. -EPROTO: it is none; -ENOMEM. */
int pin_apply_answer(PinApply *apply, const HoldPacket *answer);

/* What is remembered of files that were only warmed, for the next scan. */
WarmSet pin_apply_take_warmed(PinApply *apply);

/* Bytes of these that were in memory right after they were read. */
uint64_t pin_apply_warmed(const PinApply *apply);
