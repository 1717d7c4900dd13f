/* SPDX-License-Identifier: MIT */
#pragma once

/* Private to this folder: one file on its way up the ladder. */

#include "evict/ladder.h"
#include "kernel/mappers.h"

typedef struct Climb {
    char *path;
    int fd;
    struct stat st;
    EvictPart part;              /* that is to go, but for */
    const ResidentRange *spared; /* these; borrowed */
    size_t n_spared;
    unsigned tried[_EVICT_RUNG_MAX];
    Residency now;
    EvictOutcome outcome;
} Climb;

/* What lies between the ranges that are spared: the @i-th of n_spared + 1 parts, which may be
 * empty. */
EvictPart climb_part(const Climb *climb, size_t i);

/* All parts together. Errors are residency_of()'s. */
int climb_measure(const Climb *climb, Residency *ret);

EvictLeft climb_left(const Residency *residency);

/* Whether no disk is behind it: tmpfs, memfd. */
bool file_is_in_memory_only(int fd);

/* Tells climb->outcome why what is left, as of climb->now, is; of who maps it @mappers are known.
 * @all: there are no others. @may_write: dirty pages were no obstacle. */
void climb_explain(Climb *climb, bool may_write, const Mapper *mappers, size_t n, bool all);
