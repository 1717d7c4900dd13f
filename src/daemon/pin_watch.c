/* SPDX-License-Identifier: MIT */
/* After each reading the kernel is left to queue for a while, where it merges what is the same: so
 * a file that is appended to a thousand times a second wakes the loop ten times. What waited so may
 * have come right after the reading before, and counts as if it had. */

#include "daemon/pin_watch.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>

#include "util/io.h"
#include "util/log.h"
#include "util/units.h"

/* All policies together. Each keeps an inode, about a KiB of the kernel's, in memory. */
#define WATCHES_MAX 8192
/* Less than a change waits for anyway. */
#define PAUSE_USEC (100 * USEC_PER_MSEC)

struct PinWatch {
    Watches *folders;        /* NULL: no inotify */
    sd_event_source *io;     /* of the folders; off in a pause */
    sd_event_source *resume; /* ends it */
    sd_event_source *mounts; /* NULL: no mountinfo */
    uint64_t paused_usec;    /* since when; 0: no pause */
    PinWatchUser *users;
};

static void tell(PinWatch *watch, uint64_t arrived_usec, bool mounts)
{
    for (PinWatchUser *user = watch->users; user; user = user->next)
        user->told(arrived_usec, mounts, user->userdata);
}

uint64_t pin_watch_read(PinWatch *watch)
{
    if (!watch->folders)
        return 0;
    uint64_t moment = watches_read(watch->folders);
    tell(watch, watch->paused_usec > 0 ? watch->paused_usec : now_usec(), false);
    if (watch->paused_usec > 0)
        watch->paused_usec = now_usec();
    return moment;
}

static int on_folders(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    PinWatch *watch = userdata;

    (void)pin_watch_read(watch);
    if (sd_event_source_set_time_relative(watch->resume, PAUSE_USEC) >= 0 &&
        sd_event_source_set_enabled(watch->resume, SD_EVENT_ONESHOT) >= 0 &&
        sd_event_source_set_enabled(source, SD_EVENT_OFF) >= 0)
        watch->paused_usec = now_usec();
    return 0;
}

static int on_resume(sd_event_source *source, uint64_t usec, void *userdata)
{
    PinWatch *watch = userdata;

    /* What is there now came in the pause; what comes later is not the pause's. */
    (void)pin_watch_read(watch);
    watch->paused_usec = 0;
    return sd_event_source_set_enabled(watch->io, SD_EVENT_ON);
}

static int on_mounts(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    tell(userdata, now_usec(), true);
    return 0;
}

static int watch_folders(PinWatch *watch, sd_event *event)
{
    int r = watches_new(WATCHES_MAX, &watch->folders);
    if (r == -ENOMEM)
        return r;
    if (r < 0) {
        log_warning("Folders cannot be watched (%s): changes of files are seen later",
                    strerror(-r));
        return 0;
    }
    r = sd_event_add_io(event, &watch->io, watches_fd(watch->folders), EPOLLIN, on_folders, watch);
    if (r >= 0)
        r = sd_event_add_time_relative(event, &watch->resume, CLOCK_MONOTONIC, 0, 0, on_resume,
                                       watch);
    return r < 0 ? r : sd_event_source_set_enabled(watch->resume, SD_EVENT_OFF);
}

static int watch_mounts(PinWatch *watch, sd_event *event, int proc_fd)
{
    CLEANUP_CLOSE int fd = openat(proc_fd, "self/mountinfo", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    int r = sd_event_add_io(event, &watch->mounts, fd, EPOLLPRI, on_mounts, watch);
    if (r >= 0)
        r = sd_event_source_set_io_fd_own(watch->mounts, 1);
    if (r >= 0)
        TAKE_FD(fd);
    return r == -EPERM ? 0 : r; /* a file that cannot be polled: a test's */
}

int pin_watch_new(sd_event *event, int proc_fd, PinWatch **ret)
{
    cleanup(pin_watch_freep) PinWatch *watch = calloc(1, sizeof(PinWatch));
    if (!watch)
        return -ENOMEM;

    int r = watch_folders(watch, event);
    if (r >= 0)
        r = watch_mounts(watch, event, proc_fd);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(watch);
    return 0;
}

PinWatch *pin_watch_free(PinWatch *watch)
{
    if (!watch)
        return NULL;
    sd_event_source_disable_unref(watch->io);
    sd_event_source_disable_unref(watch->resume);
    sd_event_source_disable_unref(watch->mounts);
    watches_free(watch->folders);
    free(watch);
    return NULL;
}

void pin_watch_join(PinWatch *watch, PinWatchUser *user)
{
    user->next = watch->users;
    watch->users = user;
}

void pin_watch_leave(PinWatch *watch, PinWatchUser *user)
{
    for (PinWatchUser **at = &watch->users; *at; at = &(*at)->next)
        if (*at == user) {
            *at = user->next;
            return;
        }
}

Watches *pin_watch_folders(const PinWatch *watch)
{
    return watch->folders;
}
