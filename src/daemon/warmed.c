/* SPDX-License-Identifier: MIT */
/* An array that is sorted when it is searched: it is filled and searched in turns. A scan makes a
 * new one of what is still wanted, so nothing is ever removed. */

#include "daemon/warmed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/units.h"

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

const Warmed *warmed_find(WarmSet *set, const Warmed *key)
{
    if (set->n == 0)
        return NULL;
    if (!set->sorted)
        qsort(set->entries, set->n, sizeof(Warmed), compare);
    set->sorted = true;
    const Warmed *found = bsearch(key, set->entries, set->n, sizeof(Warmed), compare);
    return found && found->size == key->size && found->mtime == key->mtime &&
                   found->offset == key->offset && found->length == key->length
               ? found
               : NULL;
}
