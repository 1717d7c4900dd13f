/* SPDX-License-Identifier: MIT */
/* The folders of a scan are watched before it lists them, and are compared with the moment at which
 * it began: so a change is seen by the scan, or makes another, however the two interleave.
 *
 * The folders of the scan before stay watched until the new list is there. */

#include "daemon/pin_follow.h"

#include "util/io.h"
#include "util/units.h"

static void arm(PinFollow *f)
{
    if (!f->timer || f->state.change_usec == 0)
        return;
    (void)sd_event_source_set_time(f->timer, follow_due(&f->state));
    (void)sd_event_source_set_enabled(f->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    PinFollow *f = userdata;

    f->due(f->userdata);
    return 0;
}

static void on_told(uint64_t arrived_usec, bool mounts, void *userdata)
{
    PinFollow *f = userdata;

    /* While a scan is on, its own list will tell; of mounts nobody else does. */
    if (!mounts && (f->scanning || !watch_list_changed(&f->folders, f->moment)))
        return;
    follow_note_change(&f->state, arrived_usec);
    arm(f);
}

int pin_follow_init(PinFollow *f, Host *host, void (*due)(void *userdata), void *userdata)
{
    *f = (PinFollow){ .host = host, .due = due, .userdata = userdata };
    f->user = (PinWatchUser){ .told = on_told, .userdata = f };
    if (!host->watch) /* a test's */
        return 0;
    int r = sd_event_add_time(host->event, &f->timer, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_timer,
                              f);
    if (r >= 0)
        r = sd_event_source_set_enabled(f->timer, SD_EVENT_OFF);
    if (r < 0)
        return r;
    f->folders.watches = pin_watch_folders(host->watch);
    pin_watch_join(host->watch, &f->user);
    f->joined = true;
    return 0;
}

void pin_follow_done(PinFollow *f)
{
    if (f->joined)
        pin_watch_leave(f->host->watch, &f->user);
    f->joined = false;
    f->timer = sd_event_source_disable_unref(f->timer);
    watch_list_clear(&f->folders);
}

WatchList pin_follow_begin(PinFollow *f)
{
    uint64_t moment = f->host->watch ? pin_watch_read(f->host->watch) : 0;

    if (f->timer)
        (void)sd_event_source_set_enabled(f->timer, SD_EVENT_OFF);
    /* Of a scan that was given up, the changes wait on. */
    uint64_t change = follow_begin(&f->state);
    if (f->change_usec == 0)
        f->change_usec = change;
    f->moment = moment;
    f->scanning = true;
    f->began_usec = now_usec();
    return (WatchList){ .watches = f->folders.watches };
}

void pin_follow_scanned(PinFollow *f, WatchList *folders)
{
    uint64_t now = now_usec();

    f->scanning = false;
    f->scan_usec = now - f->began_usec;
    if (folders) {
        watch_list_clear(&f->folders);
        f->folders = TAKE(*folders, (WatchList){ .watches = f->folders.watches });
    }
    /* When in the meantime is not known; it is counted from its beginning. */
    if (watch_list_changed(&f->folders, f->moment))
        follow_note_change(&f->state, f->began_usec);
}

void pin_follow_settled(PinFollow *f, bool requests, bool pins)
{
    uint64_t now = now_usec(), change = TAKE(f->change_usec, 0);

    if (change > 0 && requests) {
        f->status.changes++;
        f->status.last_usec = now - change;
        f->status.max_usec = max_u64(f->status.max_usec, f->status.last_usec);
    }
    /* Reading files from the disk does not count: there is no more of that than there are files. */
    follow_end(&f->state, now, pins ? f->scan_usec : now - f->began_usec);
    arm(f);
}

bool pin_follow_is_due(const PinFollow *f, uint64_t now)
{
    return now >= follow_due(&f->state);
}

PinFollowStatus pin_follow_status(const PinFollow *f)
{
    PinFollowStatus status = f->status;

    status.watched = f->folders.n;
    status.unwatched = f->folders.n_unwatched;
    status.overflows = f->folders.watches ? watches_overflows(f->folders.watches) : 0;
    return status;
}
