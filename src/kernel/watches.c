/* SPDX-License-Identifier: MIT */
/* The kernel has one watch for an inode, whoever asks for it, so folders are shared by lists, and
 * counted. A walk adds them, on a worker, before it lists them: so nothing that happens meanwhile
 * is missed, and the mutex is for that. A watch is set through the descriptor that the walk judged,
 * by its link in /proc: the folder's path is not looked up again.
 *
 * There is no time here, only an order: every reading is a moment. Events of one are not told
 * apart, because nobody needs them: a burst is as good as one event.
 *
 * A folder's events carry the name of what changed. Of /var, where only /var/lib leads on, nothing
 * else matters; so names are kept, as hashes: that two share one costs a look at most. */

#include "kernel/watches.h"

#include <pthread.h>
#include <string.h>
#include <sys/inotify.h>

#include "util/array.h"
#include "util/units.h"

/* Out of memory is an unwatched folder, not the end of all, as uthash would have it. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* What there is in the folder, and whether it is where it was. IN_ATTRIB is not among it: neither
 * times nor modes change what is wanted, and a file's last name goes with IN_DELETE. */
#define EVENTS                                                                             \
    (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | \
     IN_ONLYDIR | IN_EXCL_UNLINK | IN_MASK_ADD)

#define NAMES_MAX  16    /* of one folder; with more all names count */
#define READ_BYTES 65536 /* about 1000 events with longer names */
#define READS_MAX  32    /* more than the kernel queues, by default; who writes on is for later */

struct WatchedFolder {
    int wd; /* -1: the kernel watches it no more */
    unsigned refs;
    uint64_t changed; /* the moment */
    bool all_names;
    uint8_t n_names;
    uint32_t names[NAMES_MAX]; /* hashes */
    UT_hash_handle hh;
};

struct Watches {
    int fd;
    size_t max;
    pthread_mutex_t mutex; /* for all of what follows */
    WatchedFolder *folders;
    uint64_t moment;
    uint64_t lost; /* the moment of the last overflow */
    uint64_t overflows;
};

int watches_new(size_t max, Watches **ret)
{
    Watches *w = calloc(1, sizeof(Watches));
    if (!w)
        return -ENOMEM;
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (w->fd < 0) {
        int r = -errno;
        free(w);
        return r;
    }
    w->max = max;
    pthread_mutex_init(&w->mutex, NULL);
    *ret = w;
    return 0;
}

Watches *watches_free(Watches *w)
{
    if (!w)
        return NULL;
    safe_close(w->fd);
    pthread_mutex_destroy(&w->mutex);
    free(w);
    return NULL;
}

int watches_fd(const Watches *w)
{
    return w->fd;
}

/* FNV-1a */
static uint32_t hash_name(const char *name)
{
    uint32_t hash = 2166136261u;

    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 16777619u;
    return hash;
}

static bool has_name(const WatchedFolder *folder, uint32_t hash)
{
    for (size_t i = 0; i < folder->n_names; i++)
        if (folder->names[i] == hash)
            return true;
    return folder->all_names;
}

static void add_names(WatchedFolder *folder, const WatchWish *wish)
{
    folder->all_names |= !wish->names;
    for (size_t i = 0; i < wish->n_names && !folder->all_names; i++) {
        uint32_t hash = hash_name(wish->names[i]);
        if (has_name(folder, hash))
            continue;
        if (folder->n_names == NAMES_MAX)
            folder->all_names = true;
        else
            folder->names[folder->n_names++] = hash;
    }
}

/* The table's entry of a watch, made where there is none. NULL: no memory, or one too many. */
static WatchedFolder *find_or_add(Watches *w, int wd)
{
    WatchedFolder *folder;

    HASH_FIND_INT(w->folders, &wd, folder);
    if (folder)
        return folder;
    folder = HASH_COUNT(w->folders) < w->max ? calloc(1, sizeof(WatchedFolder)) : NULL;
    if (folder) {
        folder->wd = wd;
        HASH_ADD_INT(w->folders, wd, folder);
    }
    if (!folder || !folder->hh.tbl) {
        (void)inotify_rm_watch(w->fd, wd);
        free(folder);
        return NULL;
    }
    return folder;
}

static WatchedFolder *watch(Watches *w, int fd, const WatchWish *wish)
{
    char link[sizeof "/proc/self/fd/" + 11];

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int wd = inotify_add_watch(w->fd, link, EVENTS | (wish->content ? IN_MODIFY : 0));
    WatchedFolder *folder = wd >= 0 ? find_or_add(w, wd) : NULL;
    if (folder) {
        folder->refs++;
        add_names(folder, wish);
    }
    return folder;
}

static bool make_room(WatchList *list)
{
    return ARRAY_RESERVE(list->folders, list->n, list->room) >= 0;
}

void watch_list_add(WatchList *list, int fd, const WatchWish *wish)
{
    WatchedFolder *folder = NULL;

    if (list->watches && make_room(list)) {
        pthread_mutex_lock(&list->watches->mutex);
        folder = watch(list->watches, fd, wish);
        pthread_mutex_unlock(&list->watches->mutex);
    }
    if (folder)
        list->folders[list->n++] = folder;
    else
        list->n_unwatched++;
}

void watch_list_add_unwatched(WatchList *list)
{
    list->n_unwatched++;
}

static void forget(Watches *w, WatchedFolder *folder)
{
    if (folder->wd < 0)
        return;
    HASH_DEL(w->folders, folder);
    folder->wd = -1;
}

void watch_list_clear(WatchList *list)
{
    Watches *w = list->watches;

    if (w)
        pthread_mutex_lock(&w->mutex);
    for (size_t i = 0; i < list->n; i++) {
        WatchedFolder *folder = list->folders[i];
        if (--folder->refs > 0)
            continue;
        if (folder->wd >= 0)
            (void)inotify_rm_watch(w->fd, folder->wd);
        forget(w, folder);
        free(folder);
    }
    if (w)
        pthread_mutex_unlock(&w->mutex);
    free(list->folders);
    *list = (WatchList){ .watches = w };
}

static void take_event(Watches *w, const struct inotify_event *event, const char *name)
{
    WatchedFolder *folder;

    if (event->mask & IN_Q_OVERFLOW) {
        w->lost = w->moment;
        w->overflows++;
        return;
    }
    HASH_FIND_INT(w->folders, &event->wd, folder);
    if (!folder) /* let go of while the event waited */
        return;
    /* The folder went, or its file system did. Where another stands there now, that has no watch.
     */
    if (event->mask & IN_IGNORED)
        forget(w, folder);
    if (!name || has_name(folder, hash_name(name)))
        folder->changed = w->moment;
}

static void take(Watches *w, const char *events, size_t size)
{
    struct inotify_event event;

    for (size_t at = 0; at + sizeof event <= size; at += sizeof event + event.len) {
        memcpy(&event, events + at, sizeof event);
        const char *name = events + at + sizeof event; /* ends with a NUL, if there is one */
        if (event.len > size - at - sizeof event)
            return;
        take_event(w, &event, event.len > 0 ? name : NULL);
    }
}

uint64_t watches_take(Watches *w, const char *events, size_t size)
{
    pthread_mutex_lock(&w->mutex);
    uint64_t moment = ++w->moment;
    take(w, events, size);
    pthread_mutex_unlock(&w->mutex);
    return moment;
}

uint64_t watches_read(Watches *w)
{
    char buffer[READ_BYTES];
    ssize_t n = 1;

    pthread_mutex_lock(&w->mutex);
    uint64_t moment = ++w->moment;
    for (int i = 0; i < READS_MAX && n > 0; i++) {
        n = read(w->fd, buffer, sizeof buffer);
        take(w, buffer, n > 0 ? (size_t)n : 0);
    }
    pthread_mutex_unlock(&w->mutex);
    return moment;
}

bool watch_list_changed(const WatchList *list, uint64_t moment)
{
    Watches *w = list->watches;

    if (!w)
        return false;
    pthread_mutex_lock(&w->mutex);
    bool changed = w->lost > moment;
    for (size_t i = 0; i < list->n && !changed; i++)
        changed = list->folders[i]->changed > moment;
    pthread_mutex_unlock(&w->mutex);
    return changed;
}

size_t watches_count(Watches *w)
{
    pthread_mutex_lock(&w->mutex);
    size_t n = HASH_COUNT(w->folders);
    pthread_mutex_unlock(&w->mutex);
    return n;
}

uint64_t watches_overflows(const Watches *w)
{
    return w->overflows;
}
