/* SPDX-License-Identifier: MIT */
/* An array that is sorted when it is searched: it is filled and searched in turns. A scan marks in
 * its copy what is still wanted, and drops the rest. */

#include "daemon/warmed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/units.h"

/* A sum instead of them all, since there are many: two that differ in several of them are taken for
 * one once in 2^64 times, and then a file is not read. */
uint64_t warmed_version(uint64_t size, uint64_t mtime, uint64_t offset, uint64_t length)
{
    const uint64_t parts[] = { size, mtime, offset, length };
    uint64_t version = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < ELEMENTS(parts); i++)
        version = (version ^ parts[i]) * UINT64_C(0x9e3779b97f4a7c15);
    return version;
}

void warmed_clear(WarmSet *set)
{
    free(set->entries);
    *set = (WarmSet){ 0 };
}

int warmed_copy(const WarmSet *set, WarmSet *ret)
{
    Warmed *entries = reallocarray(NULL, set->n + 1, sizeof(Warmed));
    if (!entries)
        return -ENOMEM;
    if (set->n > 0)
        memcpy(entries, set->entries, set->n * sizeof(Warmed));
    *ret = *set;
    ret->entries = entries;
    ret->room = set->n + 1;
    return 0;
}

int warmed_add(WarmSet *set, const Warmed *warmed)
{
    if (set->n == WARMED_MAX)
        return -ENOSPC;
    if (set->n == set->room) {
        size_t room = set->room + set->room / 2 + 16;
        Warmed *grown = reallocarray(set->entries, room, sizeof(Warmed));
        if (!grown)
            return -ENOMEM;
        set->entries = grown;
        set->room = room;
    }
    set->entries[set->n++] = *warmed;
    set->sorted = false;
    set->sum = add_u64(set->sum, warmed->resident);
    return 0;
}

static int compare(const void *a, const void *b)
{
    const Warmed *x = a, *y = b;

    if (x->dev != y->dev)
        return x->dev < y->dev ? -1 : 1;
    if (x->ino != y->ino)
        return x->ino < y->ino ? -1 : 1;
    return 0;
}

bool warmed_keep(WarmSet *set, const Warmed *key)
{
    if (set->n == 0)
        return false;
    if (!set->sorted)
        qsort(set->entries, set->n, sizeof(Warmed), compare);
    set->sorted = true;
    Warmed *found = bsearch(key, set->entries, set->n, sizeof(Warmed), compare);
    if (!found || found->version != key->version)
        return false;
    found->kept = true;
    return true;
}

void warmed_drop_others(WarmSet *set)
{
    size_t n = 0;

    set->sum = 0;
    for (size_t i = 0; i < set->n; i++) {
        if (!set->entries[i].kept)
            continue;
        set->entries[n] = set->entries[i];
        set->entries[n].kept = false;
        set->sum = add_u64(set->sum, set->entries[n++].resident);
    }
    set->n = n;
    Warmed *trimmed = reallocarray(set->entries, n + 1, sizeof(Warmed));
    if (!trimmed)
        return;
    set->entries = trimmed;
    set->room = n + 1;
}
