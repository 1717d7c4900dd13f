/* SPDX-License-Identifier: MIT */
#include "daemon/pin_look.h"

#include <fcntl.h>
#include <string.h>

#include "kernel/extents.h"
#include "util/cleanup.h"
#include "util/units.h"

static int look_for_data(PinLook *look)
{
    Extent extents[PIN_LOOK_MAX];

    int r = extents_of(look->fd, look->from, look->end, extents, PIN_LOOK_MAX, &look->n,
                       &look->next);
    for (size_t i = 0; r >= 0 && i < look->n; i++)
        look->ranges[i] = (ResidentRange){ extents[i].offset, extents[i].length };
    return r;
}

static void run(Job *job)
{
    PinLook *look = (PinLook *)job;

    look->error = look->data ? look_for_data(look)
                             : residency_ranges(look->fd, look->from, look->end, look->ranges,
                                                PIN_LOOK_MAX, &look->n, &look->next);
}

static void destroy(Job *job)
{
    safe_close(((PinLook *)job)->fd);
    free(job);
}

PinLook *pin_look_new(int fd, uint64_t from, uint64_t end, void (*done)(Job *job, void *owner),
                      void *owner)
{
    PinLook *look = calloc(1, sizeof(PinLook));
    if (!look)
        return NULL;

    look->job = (Job){ .run = run, .done = done, .destroy = destroy, .owner = owner };
    look->from = from;
    look->end = end;
    look->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (look->fd < 0) {
        free(look);
        return NULL;
    }
    return look;
}

void pin_ranges_take(PinRanges *ranges, const PinLook *look)
{
    memcpy(ranges->entries, look->ranges, look->n * sizeof(ResidentRange));
    ranges->n = look->n;
    ranges->next = look->next;
    ranges->read = look->data;
    ranges->known = true;
}

void pin_ranges_ask(PinRanges *ranges, const HoldItem *id, uint64_t bytes, HoldPacket *packet)
{
    uint64_t reach = ranges->read ? HOLD_SLICE_MAX : UINT64_MAX;

    for (ranges->n_asked = 0; ranges->n_asked < ranges->n && min_u64(bytes, reach) > 0;
         ranges->n_asked++) {
        ResidentRange *range = &ranges->entries[ranges->n_asked];
        HoldItem *item = &packet->items[packet->header.n_items++];
        /* It is to be read first, and no more than that at once. */
        range->length = min_u64(range->length, reach);
        reach -= range->length;
        *item = (HoldItem){
            .dev = id->dev,
            .ino = id->ino,
            .offset = range->offset,
            .length = range->length,
            .locked = min_u64(range->length, bytes),
            .lock = HOLD_LOCK_ON_FAULT,
        };
        bytes -= item->locked;
        ranges->asked_last = item->locked;
    }
}

/* What was asked for and is not all locked was locked before. Then a range of which only a part was
 * asked for may have more, as when all was locked. */
void pin_ranges_advance(PinRanges *ranges, uint64_t got)
{
    ranges->known = false;
    if (ranges->n_asked == 0)
        return;
    const ResidentRange *last = &ranges->entries[ranges->n_asked - 1];
    if (got > 0 && ranges->asked_last < last->length)
        ranges->cursor = last->offset;
    else if (!ranges->read && ranges->n_asked == ranges->n)
        ranges->cursor = ranges->next;
    else
        ranges->cursor = last->offset + last->length;
}
