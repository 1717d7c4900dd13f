/* SPDX-License-Identifier: MIT */
/* A sorted array with an unsorted end, where what is new is appended: 100,000 files come one after
 * another, and each is asked for again at most while it is the last. Entries without a length are
 * gone, and dropped when it is sorted. */

#include "daemon/held.h"

#include <errno.h>
#include <stdlib.h>

#include "util/units.h"

void held_clear(HeldSet *set)
{
    free(set->entries);
    *set = (HeldSet){ .page = set->page };
}

/* What a file costs in memory: the last page is locked as a whole. */
static uint64_t in_pages(const HeldSet *set, uint64_t bytes)
{
    return add_u64(bytes, set->page - 1) / set->page * set->page;
}

static PinHeld *find(const HeldSet *set, const PinHeld *key, bool fresh)
{
    PinHeld *found = set->n_sorted > 0 ? bsearch(key, set->entries, set->n_sorted, sizeof(PinHeld),
                                                 pin_held_compare)
                                       : NULL;

    for (size_t i = set->n; !found && !fresh && i-- > set->n_sorted;)
        if (pin_held_compare(&set->entries[i], key) == 0)
            found = &set->entries[i];
    return found;
}

static int append(HeldSet *set, PinHeld **ret)
{
    if (set->n == set->room) {
        size_t room = set->room + set->room / 2 + 16;
        PinHeld *grown = reallocarray(set->entries, room, sizeof(PinHeld));
        if (!grown)
            return -ENOMEM;
        set->entries = grown;
        set->room = room;
    }
    *ret = &set->entries[set->n++];
    return 0;
}

int held_note(HeldSet *set, const HoldItem *item, bool fresh)
{
    PinHeld now = {
        .dev = item->dev,
        .ino = item->ino,
        .offset = item->offset,
        .length = item->length,
        .locked = item->length > 0 ? item->locked : 0,
        .since = item->since,
        .way = item->lock,
    };
    PinHeld *held = find(set, &now, fresh);

    if (held) {
        set->sum -= in_pages(set, held->locked);
        now.ctime = held->ctime;
    }
    if (!held && item->length == 0)
        return 0;
    if (!held && append(set, &held) < 0)
        return -ENOMEM;
    *held = now;
    set->sum += in_pages(set, now.locked);
    return 0;
}

void held_note_ctime(HeldSet *set, uint64_t dev, uint64_t ino, uint64_t ctime)
{
    PinHeld *held = find(set, &(PinHeld){ .dev = dev, .ino = ino }, false);

    if (held)
        held->ctime = ctime;
}

void held_note_scan(HeldSet *set, const PinHeld *scanned, size_t n_scanned)
{
    size_t n, at = 0;
    PinHeld *held = held_sorted(set, &n);

    for (size_t i = 0; i < n_scanned; i++) {
        while (at < n && pin_held_compare(&held[at], &scanned[i]) < 0)
            at++;
        if (at < n && !scanned[i].refresh && pin_held_compare(&held[at], &scanned[i]) == 0)
            held[at].ctime = scanned[i].ctime;
    }
}

PinHeld *held_sorted(HeldSet *set, size_t *ret_n)
{
    size_t n = 0;

    for (size_t i = 0; i < set->n; i++)
        if (set->entries[i].length > 0)
            set->entries[n++] = set->entries[i];
    if (set->n != set->n_sorted && n > 0)
        qsort(set->entries, n, sizeof(PinHeld), pin_held_compare);
    set->n = set->n_sorted = n;
    *ret_n = n;
    return set->entries;
}
