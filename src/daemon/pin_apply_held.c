/* SPDX-License-Identifier: MIT */
/* What comes before anything new is pinned: letting go of what is not to be kept, and reading again
 * what was rewritten in place. */

#include "daemon/pin_apply_state.h"

#include <stdlib.h>

#include "util/parse.h"
#include "util/units.h"

/* The next files that are not to be kept. */
bool pin_apply_releases(PinApply *a)
{
    a->packet.header = (HoldHeader){ .type = HOLD_RELEASE };
    for (; a->at < a->scan->n_held && a->packet.header.n_items < HOLD_BATCH_MAX; a->at++) {
        const PinHeld *held = &a->scan->held[a->at];
        if (held->keep)
            continue;
        HoldItem *item = add_item(a);
        item->dev = held->dev;
        item->ino = held->ino;
    }
    return a->packet.header.n_items > 0;
}

static bool is_to_refresh(const PinApply *a, const PinHeld *held)
{
    return held->keep && (held->refresh || a->setup.refresh);
}

static bool refreshes_are_left(PinApply *a)
{
    while (a->at < a->scan->n_held && !is_to_refresh(a, &a->scan->held[a->at]))
        a->at++;
    return a->at < a->scan->n_held;
}

/* The next parts of what was rewritten, up to @room bytes. */
static void add_refreshes(PinApply *a, uint64_t room)
{
    uint64_t sum = 0;

    for (; a->at < a->scan->n_held && a->packet.header.n_items < HOLD_BATCH_MAX; a->at++) {
        const PinHeld *held = &a->scan->held[a->at];
        uint64_t size = page_floor(add_u64(held->length, a->setup.host->page - 1),
                                   a->setup.host->page);
        if (!is_to_refresh(a, held))
            continue;
        uint64_t part = min_u64(size - a->refreshed, room - sum);
        if (part == 0)
            break;
        HoldItem *item = add_item(a);
        item->dev = held->dev;
        item->ino = held->ino;
        item->offset = held->offset + a->refreshed;
        item->length = part;
        a->refreshed += part;
        sum += part;
        if (a->refreshed < size)
            break;
        a->refreshed = 0;
    }
}

/* As much room is asked for as if all of it was lost. What finds none is the next scan's. */
bool pin_apply_refreshes(PinApply *a, PinBound *bound)
{
    PinBound bound_now = PIN_BOUND_NONE;

    a->packet.header = (HoldHeader){ .type = HOLD_REFRESH };
    if (!refreshes_are_left(a))
        return false;
    uint64_t room = room_for(a, HOLD_SLICE_MAX, &bound_now);
    if (room == 0)
        *bound = bound_now;
    else
        add_refreshes(a, room);
    return a->packet.header.n_items > 0;
}

/* A file's time is noted with its last part: what is not done is due again. */
int pin_apply_refreshed(PinApply *a, const HoldItem *item, bool is_last)
{
    const PinHeld *scanned = bsearch(&(PinHeld){ .dev = item->dev, .ino = item->ino },
                                     a->scan->held, a->scan->n_held, sizeof(PinHeld),
                                     pin_held_compare);

    int r = held_note(a->setup.held, item, false);
    a->refresh_failed |= item->error < 0;
    if (!is_last)
        return r;
    if (!TAKE(a->refresh_failed, false) && r >= 0 && scanned)
        held_note_ctime(a->setup.held, item->dev, item->ino, scanned->ctime);
    return r;
}
