/* SPDX-License-Identifier: MIT */
#pragma once

/* Tells those who follow files that something may have changed: in the folders that they watch, or
 * in the table of mounts. One for the host. */

#include <systemd/sd-event.h>

#include "kernel/watches.h"

typedef struct PinWatch PinWatch;

/* One who follows; embedded, and all but the first two are the watch's. */
typedef struct PinWatchUser {
    /* Something was read. Without news of the mounts, the user's folders tell whether it is his. */
    void (*told)(uint64_t arrived_usec, bool mounts, void *userdata);
    void *userdata;
    struct PinWatchUser *next;
} PinWatchUser;

/* @proc_fd: of /proc. Without inotify, or mountinfo, there is less to tell. */
int pin_watch_new(sd_event *event, int proc_fd, PinWatch **ret);

/* Takes NULL, returns NULL. Nobody uses it any more. */
PinWatch *pin_watch_free(PinWatch *watch);

DEFINE_CLEANUP(PinWatch *, pin_watch_free)

void pin_watch_join(PinWatch *watch, PinWatchUser *user);
void pin_watch_leave(PinWatch *watch, PinWatchUser *user);

/* Takes in what has arrived, and tells it. The moment of it: see watches_read(). */
uint64_t pin_watch_read(PinWatch *watch);

/* NULL: without inotify. */
Watches *pin_watch_folders(const PinWatch *watch);
