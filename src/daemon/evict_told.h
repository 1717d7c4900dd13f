/* SPDX-License-Identifier: MIT */
#pragma once

/* What the journal is told of a rule's looks: what they evicted, and once, until it changes, what
 * stood in their way. */

#include "daemon/evict_job.h"

/* All zero: nothing yet. */
typedef struct EvictTold {
    int error;         /* the last one, */
    char *file;        /* and what it was about; NULL: no file */
    char *passed_over; /* the first that was; NULL: nothing was */
} EvictTold;

/* Of a look of @unit that is over. Takes from @ej what it keeps. */
void evict_told_note(EvictTold *told, const char *unit, EvictJob *ej);

void evict_told_clear(EvictTold *told);
