/* SPDX-License-Identifier: MIT */
#pragma once

/* Files that were met already, by whatever name: hard links, and paths that are named twice. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct InodeId {
    dev_t dev;
    ino_t ino;
    bool used; /* internal */
} InodeId;

typedef struct InodeSet {
    InodeId *slots; /* internal */
    size_t n_slots, n;
} InodeSet;

void inode_set_clear(InodeSet *set);

/* 1: it was not in the set, and is now; 0: it was; -ENOMEM. */
int inode_set_add(InodeSet *set, dev_t dev, ino_t ino);
