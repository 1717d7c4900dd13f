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
    const HeldSet *set = a->setup.held;

    a->packet.header = (HoldHeader){ .type = HOLD_RELEASE };
    for (size_t i = held_behind(set, &a->behind);
         i < set->n_sorted && a->packet.header.n_items < HOLD_BATCH_MAX; i++) {
        const PinHeld *held = &set->entries[i];
        a->behind = *held;
        if (held->keep || held->length == 0)
            continue;
        HoldItem *item = add_item(a);
        item->dev = held->dev;
        item->ino = held->ino;
    }
    return a->packet.header.n_items > 0;
}

static bool is_to_refresh(const PinApply *a, const PinHeld *held)
{
    return held->length > 0 && held->keep && (held->refresh || a->setup.refresh);
}

static bool refreshes_are_left(const PinApply *a)
{
    const HeldSet *set = a->setup.held;
    size_t i = held_behind(set, &a->behind);

    while (i < set->n_sorted && !is_to_refresh(a, &set->entries[i]))
        i++;
    return i < set->n_sorted;
}

/* The next parts of what was rewritten, up to @room bytes. */
static void add_refreshes(PinApply *a, uint64_t room)
{
    const HeldSet *set = a->setup.held;
    uint64_t sum = 0;

    for (size_t i = held_behind(set, &a->behind);
         i < set->n_sorted && a->packet.header.n_items < HOLD_BATCH_MAX; i++) {
        const PinHeld *held = &set->entries[i];
        uint64_t size = page_floor(add_u64(held->length, a->setup.host->page - 1),
                                   a->setup.host->page);
        if (!is_to_refresh(a, held))
            continue;
        if (pin_held_compare(held, &a->refreshing) != 0)
            a->refreshed = 0;
        a->refreshing = *held;
        uint64_t part = min_u64(sub_u64(size, a->refreshed), room - sum);
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
        a->behind = *held;
    }
}

/* As much room is asked for as if all of it was lost. What finds none is the next scan's. */
bool pin_apply_refreshes(PinApply *a, PinBound *bound)
{
    PinBound bound_now = PIN_BOUND_NONE;

    a->packet.header = (HoldHeader){ .type = HOLD_REFRESH };
    if (a->scan->only_held || !refreshes_are_left(a)) /* it reads, and waits for better times */
        return false;
    uint64_t room = room_for(a, HOLD_SLICE_MAX, &bound_now);
    if (room == 0)
        *bound = bound_now;
    else
        add_refreshes(a, room);
    return a->packet.header.n_items > 0;
}

/* What is not done is due again. */
int pin_apply_refreshed(PinApply *a, const HoldItem *item, bool is_last)
{
    int r = held_note(a->setup.held, item, false);

    a->refresh_failed |= item->error < 0;
    if (is_last)
        held_note_refreshed(a->setup.held, item->dev, item->ino,
                            !TAKE(a->refresh_failed, false) && r >= 0);
    return r;
}
