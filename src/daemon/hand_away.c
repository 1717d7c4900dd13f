/* SPDX-License-Identifier: MIT */
/* A file that is away keeps its place among ours, and in the record: only its holder lets go of it.
 * No check opens what is released. What comes back does so by a check, as if a holder had lost it:
 * where another file stands there now, it does not. */

#include "daemon/hand_away.h"

#include <stdlib.h>

#include "control/pin_shed.h"
#include "daemon/released.h"
#include "util/io.h"
#include "util/log.h"
#include "util/strv.h"
#include "util/units.h"

/* A check that is under way may have passed by what came back: then another one follows. */
static void check_soon(Hand *h)
{
    h->check_usec = 0;
    h->check_again = h->check != NULL;
    hand_tick(h, now_usec());
}

static void set_released(Hand *h, HandFile *file, bool released)
{
    file->released = released;
    file->error = 0;
    if (!released)
        return;
    if (file->asked)
        pin_problems_add(&h->calls->problems, file->path, HAND_IS_RELEASED);
    hand_set_fd(h, file, -1);
    h->releases = true;
}

void hand_look(Hand *h)
{
    for (HandFile *file = h->files; file; file = file->hh.next) {
        bool released = file->path && released_has(h->host->released, file->path);
        if (released != file->released)
            set_released(h, file, released);
    }
    h->mounts = strv_free(h->mounts); /* the check finds those that stay */
    check_soon(h);
}

/* Calls that wait hold what they brought. */
static bool is_asked_for_released(const Hand *h)
{
    for (const HandCall *call = h->calls; call; call = call->next)
        for (size_t i = 0; i < call->n_wishes; i++) {
            const HandWish *wish = &call->wishes[i];
            if (wish->fd >= 0 && wish->path && released_has(h->host->released, wish->path))
                return true;
        }
    return false;
}

bool hand_has_let_go(const Hand *h, uint64_t since)
{
    bool is_told_of = h->state == HAND_CONNECTING || h->state == HAND_LISTING;

    if (is_told_of || h->fds.n > 0 || (h->check && h->check_began_usec < since) ||
        is_asked_for_released(h))
        return false;
    for (const HandFile *file = h->files; file; file = file->hh.next)
        if (file->released && file->length > 0)
            return false;
    return true;
}

/* Shortage */

static uint64_t pending(const Hand *h)
{
    uint64_t sum = 0;

    for (const HandFile *file = h->withheld ? h->files : NULL; file; file = file->hh.next)
        if (file->shed)
            sum = add_u64(sum, file->locked);
    return min_u64(sum, h->sum);
}

ShortageHolding hand_holding(const Hand *h, uint64_t *ret_pending)
{
    *ret_pending = pending(h);
    return (ShortageHolding){ .locked = h->sum - *ret_pending, .withheld = h->withheld };
}

static PinHeld *copy_held(const Hand *h, size_t *ret_n)
{
    PinHeld *held = malloc((HASH_COUNT(h->files) + 1) * sizeof(PinHeld));
    size_t n = 0;

    for (const HandFile *file = held ? h->files : NULL; file; file = file->hh.next)
        if (file->length > 0 && !file->let_go && !hand_is_away(file))
            held[n++] = (PinHeld){
                .dev = file->id.dev,
                .ino = file->id.ino,
                .length = file->length,
                .locked = file->locked,
            };
    *ret_n = n;
    return held;
}

uint64_t hand_shed(Hand *h, uint64_t bytes)
{
    size_t n;
    CLEANUP_FREE PinHeld *held = copy_held(h, &n);

    if (!held)
        return 0; /* it will be asked for again */
    if (!h->withheld)
        log_notice("%s: pins are let go: the host's memory is short", h->label);
    h->withheld = true;
    bytes = pin_shed(held, n, bytes);
    for (size_t i = 0; i < n; i++) {
        HandFile *file = held[i].keep ? NULL : hand_find(h, held[i].dev, held[i].ino);
        if (!file)
            continue;
        file->shed = h->releases = true;
        file->error = 0;
        hand_set_fd(h, file, -1);
    }
    hand_tick(h, now_usec());
    return bytes;
}

void hand_resume(Hand *h)
{
    if (!h->withheld)
        return;
    log_notice("%s: pins come back", h->label);
    h->withheld = false;
    h->bound = PIN_BOUND_NONE;
    for (HandFile *file = h->files; file; file = file->hh.next)
        file->shed = false;
    check_soon(h);
}

bool hand_is_busy(const Hand *h)
{
    return h->check || (h->state != HAND_WAITING && h->state != HAND_SETTLED);
}
