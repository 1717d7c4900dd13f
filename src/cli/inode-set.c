/* SPDX-License-Identifier: MIT */
/* Open addressing, at most half full. */
#include "cli/inode-set.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

void inode_set_clear(InodeSet *set)
{
    free(set->slots);
    *set = (InodeSet){ 0 };
}

/* Where it is, or is to be; @n_slots is a power of 2. */
static InodeId *find(InodeId *slots, size_t n_slots, dev_t dev, ino_t ino)
{
    size_t i = (ino * UINT64_C(0x9e3779b97f4a7c15)) >> 20 & (n_slots - 1);

    while (slots[i].used && (slots[i].ino != ino || slots[i].dev != dev))
        i = (i + 1) & (n_slots - 1);
    return &slots[i];
}

static int grow(InodeSet *set)
{
    size_t n = set->n_slots > 0 ? set->n_slots * 2 : 64;
    InodeId *slots = calloc(n, sizeof *slots);

    if (!slots)
        return -ENOMEM;
    for (size_t i = 0; i < set->n_slots; i++)
        if (set->slots[i].used)
            *find(slots, n, set->slots[i].dev, set->slots[i].ino) = set->slots[i];
    free(set->slots);
    set->slots = slots;
    set->n_slots = n;
    return 0;
}

int inode_set_add(InodeSet *set, dev_t dev, ino_t ino)
{
    if (set->n * 2 >= set->n_slots && grow(set) < 0)
        return -ENOMEM;
    InodeId *id = find(set->slots, set->n_slots, dev, ino);
    if (id->used)
        return 0;
    *id = (InodeId){ dev, ino, true };
    set->n++;
    return 1;
}
