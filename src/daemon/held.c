/* SPDX-License-Identifier: MIT */
/* A sorted array with an unsorted end, where what is new is appended: 100,000 files come one after
 * another, and each is asked for again at most while it is the last. Entries without a length are
 * gone, and dropped when it is sorted.
 *
 * A scan shares the array instead of having a copy of it, and whoever changes a set whose array is
 * shared gets one of his own first. That is rare: while a scan lasts nothing is asked of the
 * holder. What is shared is sorted. */

#include "daemon/held.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/units.h"

typedef struct HeldBlock {
    size_t sharers; /* sets that have it, beyond the first */
    PinHeld entries[];
} HeldBlock;

void held_clear(HeldSet *set)
{
    if (set->block && set->block->sharers > 0)
        set->block->sharers--;
    else
        free(set->block);
    *set = (HeldSet){ .page = set->page };
}

HeldSet held_share(HeldSet *set)
{
    size_t n;

    (void)held_sorted(set, &n);
    if (set->block)
        set->block->sharers++;
    return *set;
}

static HeldBlock *block_resized(HeldBlock *block, size_t room)
{
    return room > SIZE_MAX / sizeof(PinHeld) - 1
               ? NULL
               : realloc(block, sizeof(HeldBlock) + room * sizeof(PinHeld));
}

/* A block with room for @room entries that no other set has. */
static int own(HeldSet *set, size_t room)
{
    bool shared = set->block && set->block->sharers > 0;

    if (!shared && room <= set->room)
        return 0;
    HeldBlock *block = block_resized(shared ? NULL : set->block, room);
    if (!block)
        return -ENOMEM;
    if (shared) {
        memcpy(block->entries, set->entries, set->n * sizeof(PinHeld));
        set->block->sharers--;
    }
    block->sharers = 0;
    set->block = block;
    set->entries = block->entries;
    set->room = room;
    return 0;
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
    if (set->n == set->room && own(set, set->room + set->room / 2 + 16) < 0)
        return -ENOMEM;
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
        .keep = true,
    };

    if (own(set, set->room) < 0)
        return -ENOMEM;
    PinHeld *held = find(set, &now, fresh);
    if (held)
        set->sum -= in_pages(set, held->locked);
    if (held && held->length > 0) {
        now.ctime = held->ctime;
        now.keep = held->keep;
        now.refresh = held->refresh;
    }
    if (!held && item->length == 0)
        return 0;
    if (!held && append(set, &held) < 0)
        return -ENOMEM;
    *held = now;
    set->sum += in_pages(set, now.locked);
    return 0;
}

/* To be changed. NULL: it is not held, or out of memory. */
static PinHeld *find_own(HeldSet *set, uint64_t dev, uint64_t ino)
{
    return own(set, set->room) < 0 ? NULL : find(set, &(PinHeld){ .dev = dev, .ino = ino }, false);
}

void held_note_ctime(HeldSet *set, uint64_t dev, uint64_t ino, uint64_t ctime)
{
    PinHeld *held = find_own(set, dev, ino);

    if (held)
        held->ctime = ctime;
}

void held_note_refreshed(HeldSet *set, uint64_t dev, uint64_t ino, bool done)
{
    PinHeld *held = find_own(set, dev, ino);

    if (held)
        held->refresh = !done;
}

/* Truncating a file takes even locked pages away, and writing it anew brings others. That leaves no
 * trace but the time of the change, which every other change has, too. */
static void note_mark(PinHeld *held, const HeldMark *mark)
{
    held->keep = mark->keep;
    if (!mark->keep || mark->ctime == 0)
        return;
    held->refresh |= held->ctime != 0 && held->ctime != mark->ctime;
    held->ctime = mark->ctime;
}

void held_note_scan(HeldSet *set, HeldSet *scanned, const HeldMark *marks)
{
    bool same = scanned->block == set->block; /* else what is in @set changed meanwhile */
    size_t n_scanned = scanned->n, n, at = 0;
    HeldSet before = *scanned;

    if (same)
        held_clear(scanned);
    PinHeld *held = held_sorted_own(set, &n);
    for (size_t i = 0; held && i < n_scanned; i++) {
        while (!same && at < n && pin_held_compare(&held[at], &before.entries[i]) < 0)
            at++;
        if (same)
            note_mark(&held[i], &marks[i]);
        else if (at < n && pin_held_compare(&held[at], &before.entries[i]) == 0)
            note_mark(&held[at], &marks[i]);
    }
    if (!same)
        held_clear(scanned);
}

static bool is_sorted(const HeldSet *set)
{
    for (size_t i = 0; i < set->n; i++)
        if (set->entries[i].length == 0)
            return false;
    return set->n == set->n_sorted;
}

const PinHeld *held_sorted(HeldSet *set, size_t *ret_n)
{
    size_t n = 0;

    *ret_n = set->n;
    if (is_sorted(set)) /* so it is where the array is shared */
        return set->entries;
    for (size_t i = 0; i < set->n; i++)
        if (set->entries[i].length > 0)
            set->entries[n++] = set->entries[i];
    if (set->n != set->n_sorted && n > 0)
        qsort(set->entries, n, sizeof(PinHeld), pin_held_compare);
    set->n = set->n_sorted = *ret_n = n;
    return set->entries;
}

PinHeld *held_sorted_own(HeldSet *set, size_t *ret_n)
{
    (void)held_sorted(set, ret_n);
    return set->n > 0 && own(set, set->room) >= 0 ? set->entries : NULL;
}

size_t held_behind(const HeldSet *set, const PinHeld *key)
{
    size_t from = 0, to = set->n_sorted;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (pin_held_compare(&set->entries[middle], key) <= 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}
