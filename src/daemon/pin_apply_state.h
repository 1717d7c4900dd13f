/* SPDX-License-Identifier: MIT */
#pragma once

/* What pin_apply.c, which pins, shares with pin_apply_held.c, where what is held is let go or
 * refreshed, and pin_apply_fill.c, which sees to it that the right one is charged. For nobody else.
 */

#include "daemon/headroom.h"
#include "daemon/pin_apply.h"
#include "daemon/pin_fill.h"
#include "daemon/pin_look.h"
#include "daemon/pin_open.h"

typedef enum Phase {
    PHASE_SCORE,
    PHASE_RELEASE,
    PHASE_REFRESH,
    PHASE_PIN,
} Phase;

struct PinApply {
    PinApplySetup setup;
    PinScan *scan;
    Phase phase;
    PinHeld behind;      /* in PHASE_RELEASE and PHASE_REFRESH: all up to this file is done */
    PinHeld refreshing;  /* and of this one, which follows, */
    uint64_t refreshed;  /* so many bytes */
    bool refresh_failed; /* of it, some part */
    size_t at;           /* of scan->steps: all before is done */

    PinOpening *opening; /* in the queue's hands */
    size_t open_at;      /* of scan->steps: the next to be opened */
    size_t n_opened;     /* steps that are open and not begun */

    PinFill *filling; /* in the queue's hands; what it reads is the next request */
    bool filled;      /* and that is to be sent */

    PinLook *looking; /* in the queue's hands */
    PinRanges ranges; /* of the file that is looked at */

    bool asked; /* a request is under way: */
    HoldPacket packet;
    HoldFds fds;                  /* the steps' */
    size_t steps[HOLD_BATCH_MAX]; /* of its items, in PHASE_PIN */
};

static inline HoldItem *add_item(PinApply *a)
{
    HoldItem *item = &a->packet.items[a->packet.header.n_items++];

    *item = (HoldItem){ 0 };
    return item;
}

/* How many of @bytes there is room for now. */
static inline uint64_t room_for(const PinApply *a, uint64_t bytes, PinBound *bound)
{
    const PinApplySetup *setup = &a->setup;

    return setup->fill ? headroom(setup->host, setup->cgroup_path, bytes, bound)
                       : headroom_beside(setup->host, setup->cgroup_path, bytes, bound);
}

/* The first step that is not done, or NULL. */
PinStep *pin_apply_first(PinApply *a);

/* It is done, or cannot be. */
void pin_apply_finish(PinApply *a, PinStep *step);

/* It cannot be done: @why. */
void pin_apply_fail(PinApply *a, PinStep *step, const char *why);

/* After a job: there may be something to send. */
void pin_apply_go_on(PinApply *a);

/* Makes what the request asks for the charge of whoever is to have it. 1: a job does so, and the
 * request is to be sent afterwards; 0: nothing has to be done; -ENOMEM or another -errno. */
int pin_apply_fills(PinApply *a);

/* Fills in the next request to let go. False: there is none. */
bool pin_apply_releases(PinApply *a);

/* The same of what is refreshed. False: nothing is left, or there is no room: *bound. */
bool pin_apply_refreshes(PinApply *a, PinBound *bound);

/* The answer, to one item. */
int pin_apply_refreshed(PinApply *a, const HoldItem *item, bool is_last);
