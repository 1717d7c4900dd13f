/* SPDX-License-Identifier: MIT */
/* fadvise(2) takes as long as it has pages to take, and two take about half of that where a
 * processor is to spare. So the part is cut into pieces (pure, control/evict_plan.h), and each
 * thread takes the next one until none is left: where the other one does not get to run, the caller
 * does most of it, and waits for one piece at most. What came of it is not counted here. */
#include "evict/shared.h"

#include <pthread.h>

#include "control/evict_plan.h"
#include "util/units.h"

#define WORTHWHILE (128 * MIB) /* 0.3 ms and more: a thread is started in less than 0.1 */

typedef struct Shared {
    const Evicting *whole;
    pthread_mutex_t lock; /* of the next two */
    uint64_t at;          /* where the next piece begins */
    int error;            /* the first: there is no next piece */
} Shared;

static bool next_piece(Shared *shared, EvictPart *ret)
{
    const EvictPart whole = { shared->whole->begin, shared->whole->end };

    pthread_mutex_lock(&shared->lock);
    bool any = shared->error == 0 && shared->at < whole.end;
    if (any) {
        *ret = (EvictPart){ shared->at, evict_piece_end(whole, shared->at) };
        shared->at = ret->end;
    }
    pthread_mutex_unlock(&shared->lock);
    return any;
}

static int evict_piece(const Evicting *whole, EvictPart piece)
{
    Pace pace = { .cancelled = whole->pace->cancelled };
    Evicting e = *whole;

    e.begin = piece.begin;
    e.end = piece.end;
    e.to_the_end = whole->to_the_end && piece.end == whole->end;
    e.pace = &pace;
    e.measured = whole->measured->dirty == 0 ? whole->measured : NULL;
    return evict_advise(&e);
}

static void *work(void *argument)
{
    Shared *shared = argument;
    EvictPart piece;

    while (next_piece(shared, &piece)) {
        int r = evict_piece(shared->whole, piece);
        if (r >= 0)
            continue;
        pthread_mutex_lock(&shared->lock);
        shared->error = shared->error < 0 ? shared->error : r;
        pthread_mutex_unlock(&shared->lock);
    }
    return NULL;
}

int evict_advise_shared(const Evicting *e)
{
    Shared shared = { .whole = e, .lock = PTHREAD_MUTEX_INITIALIZER, .at = e->begin };
    pthread_t other;

    if (e->pace->rate > 0 || !e->measured || e->measured->resident < WORTHWHILE)
        return evict_advise(e);
    /* One that cannot be started is missed, and that is all. */
    bool two = pthread_create(&other, NULL, work, &shared) == 0;
    (void)work(&shared);
    if (two)
        (void)pthread_join(other, NULL);
    return shared.error;
}
