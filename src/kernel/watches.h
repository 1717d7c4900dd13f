/* SPDX-License-Identifier: MIT */
#pragma once

/* Folders that are watched for changes, by inotify. What is told is only that something in a folder
 * changed: whoever wants to know what looks again. Lists are made on any thread; the rest is for
 * one. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

typedef struct Watches Watches;
typedef struct WatchedFolder WatchedFolder;

/* The folders that somebody wants to hear of. Zeroes, and the table, make an empty one. */
typedef struct WatchList {
    Watches *watches; /* borrowed; NULL: nothing can be watched, folders are only counted */
    WatchedFolder **folders;
    size_t n, room;
    size_t n_unwatched; /* folders that are not */
} WatchList;

/* At most @max folders, of all lists together. -EMFILE: the user has too many instances. */
int watches_new(size_t max, Watches **ret);

/* All lists are cleared before. Takes NULL, returns NULL. */
Watches *watches_free(Watches *watches);

DEFINE_CLEANUP(Watches *, watches_free)

/* To be polled for input. */
int watches_fd(const Watches *watches);

/* What of a folder matters. */
typedef struct WatchWish {
    const char *const *names; /* these in it; NULL: all */
    size_t n_names;
    bool content; /* that files in it are written to, too, not only what there is */
} WatchWish;

/* Adds the folder, of which @fd may be O_PATH, to the list, from now on. Where that cannot be done
 * (too many, no memory, no inotify) it counts as unwatched, which is no error. */
void watch_list_add(WatchList *list, int fd, const WatchWish *wish);

void watch_list_add_unwatched(WatchList *list);

/* Leaves an empty list of the same table. */
void watch_list_clear(WatchList *list);

/* Takes in all that happened up to now: a moment later than all before. Returns that moment. */
uint64_t watches_read(Watches *watches);

/* The same for events as they come from the kernel. */
uint64_t watches_take(Watches *watches, const char *events, size_t size);

/* Something that matters happened to a folder of the list in a moment after @moment, or may have:
 * events were lost. */
bool watch_list_changed(const WatchList *list, uint64_t moment);

/* Folders that are watched now, and how often events were lost. */
size_t watches_count(Watches *watches);
uint64_t watches_overflows(const Watches *watches);
