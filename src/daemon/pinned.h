/* SPDX-License-Identifier: MIT */
#pragma once

/* Which files nobody may evict, because a policy wants them pinned, or somebody pinned them by
 * hand: told by the loop, and asked by workers in the midst of what they do, which may last. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/pin_plan.h"

typedef struct Pinned {
    pthread_mutex_t mutex;
    struct PinnedList *list; /* NULL: not known */
    atomic_uint version;     /* another one than before: the list is, too */
} Pinned;

/* Nothing is known yet. Lives as long as any view of it. */
void pinned_init(Pinned *pinned);
void pinned_clear(Pinned *pinned);

/* On the loop. @ids, sorted by pin_id_compare(), are taken over; NULL where there are none. */
void pinned_tell(Pinned *pinned, PinId *ids, size_t n);
void pinned_tell_unknown(Pinned *pinned);

/* On the loop. */
bool pinned_is_known(const Pinned *pinned);

/* One thread's: zeroed but for @pinned. */
typedef struct PinnedView {
    Pinned *pinned; /* NULL: nothing is */
    struct PinnedList *list;
    unsigned version;
} PinnedView;

void pinned_view_clear(PinnedView *view);

/* As told last. Where that is not known, any file may be. */
bool pinned_view_has(PinnedView *view, uint64_t dev, uint64_t ino);
