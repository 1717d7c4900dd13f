/* SPDX-License-Identifier: MIT */
/* A list never changes, and lives as long as anybody has it. A view takes the newest one when it is
 * asked and there is another, so that a question costs no lock. */

#include "daemon/pinned.h"

#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

typedef struct PinnedList {
    atomic_uint users;
    PinId *ids;
    size_t n;
} PinnedList;

static PinnedList *list_unref(PinnedList *list)
{
    if (list && atomic_fetch_sub(&list->users, 1) == 1) {
        free(list->ids);
        free(list);
    }
    return NULL;
}

void pinned_init(Pinned *pinned)
{
    *pinned = (Pinned){ .version = 1 };
    pthread_mutex_init(&pinned->mutex, NULL);
}

void pinned_clear(Pinned *pinned)
{
    pinned->list = list_unref(pinned->list);
    pthread_mutex_destroy(&pinned->mutex);
}

static void exchange(Pinned *pinned, PinnedList *list)
{
    pthread_mutex_lock(&pinned->mutex);
    PinnedList *before = TAKE(pinned->list, list);
    atomic_fetch_add(&pinned->version, 1);
    pthread_mutex_unlock(&pinned->mutex);
    list_unref(before);
}

static bool is_told(const Pinned *pinned, const PinId *ids, size_t n)
{
    const PinnedList *list = pinned->list;

    return list && list->n == n && (n == 0 || memcmp(list->ids, ids, n * sizeof(PinId)) == 0);
}

void pinned_tell(Pinned *pinned, PinId *ids, size_t n)
{
    if (is_told(pinned, ids, n)) {
        free(ids);
        return;
    }
    PinnedList *list = calloc(1, sizeof(PinnedList));
    if (list)
        *list = (PinnedList){ .users = 1, .ids = ids, .n = n };
    else
        free(ids);
    exchange(pinned, list);
}

void pinned_tell_unknown(Pinned *pinned)
{
    if (pinned->list)
        exchange(pinned, NULL);
}

bool pinned_is_known(const Pinned *pinned)
{
    return pinned->list != NULL;
}

static void renew(PinnedView *view)
{
    Pinned *pinned = view->pinned;

    list_unref(view->list);
    pthread_mutex_lock(&pinned->mutex);
    view->version = atomic_load(&pinned->version);
    view->list = pinned->list;
    if (view->list)
        atomic_fetch_add(&view->list->users, 1);
    pthread_mutex_unlock(&pinned->mutex);
}

void pinned_view_clear(PinnedView *view)
{
    view->list = list_unref(view->list);
    view->version = 0;
}

bool pinned_view_has(PinnedView *view, uint64_t dev, uint64_t ino)
{
    PinId key = { dev, ino };

    if (!view->pinned)
        return false;
    if (atomic_load(&view->pinned->version) != view->version)
        renew(view);
    if (!view->list)
        return true;
    return view->list->n > 0 &&
           bsearch(&key, view->list->ids, view->list->n, sizeof(PinId), pin_id_compare) != NULL;
}
