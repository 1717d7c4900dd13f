/* SPDX-License-Identifier: MIT */
#include "daemon/stall_watch.h"

#include <sys/epoll.h>

#include "control/limit.h"
#include "util/io.h"

static void look(StallWatch *w)
{
    w->pressed = true;
    w->look(w->userdata);
    w->pressed = false;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    look(userdata);
    return 0;
}

/* Without memory for it the next interval does. */
static void look_again(StallWatch *w, sd_event *event)
{
    if (!w->timer) {
        (void)sd_event_add_time_relative(event, &w->timer, CLOCK_MONOTONIC, LIMIT_PRESSED_USEC, 1,
                                         on_timer, w);
        return;
    }
    (void)sd_event_source_set_time_relative(w->timer, LIMIT_PRESSED_USEC);
    (void)sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
}

static int on_pressure(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    StallWatch *w = userdata;

    if (events & EPOLLERR) { /* the cgroup was removed */
        w->trigger = sd_event_source_disable_unref(w->trigger);
        return 0;
    }
    w->check.fired = true;
    w->deaths = 0;
    look_again(w, sd_event_source_get_event(source));
    look(w);
    return 0;
}

static int on_early(sd_event_source *source, uint64_t usec, void *userdata)
{
    StallWatch *w = userdata;

    w->look(w->userdata);
    return 0;
}

int stall_watch_look_at(StallWatch *w, sd_event *event, uint64_t usec, void (*call)(void *userdata),
                        void *userdata)
{
    uint64_t poll = now_usec() + STALL_POLL_USEC;

    w->early = sd_event_source_disable_unref(w->early);
    w->look = call;
    w->userdata = userdata;
    if (w->polls)
        usec = usec == 0 ? poll : min_u64(usec, poll);
    return usec == 0 ? 0
                     : sd_event_add_time(event, &w->early, CLOCK_MONOTONIC, usec, 1, on_early, w);
}

int stall_watch_arm(StallWatch *w, sd_event *event, Cgroup *cgroup, uint64_t stall_usec,
                    uint64_t window_usec, void (*call)(void *userdata), void *userdata)
{
    if (w->trigger)
        return 0;
    w->look = call;
    w->userdata = userdata;
    w->stall_usec = stall_usec;
    w->window_usec = window_usec;
    w->check = (TriggerCheck){ 0 };
    CLEANUP_CLOSE int fd = w->deaths > TRIGGER_DEATHS_MOST
                               ? -EIO
                               : cgroup_arm_psi(cgroup, "memory", stall_usec, window_usec);
    int r = fd < 0 ? fd : sd_event_add_io(event, &w->trigger, fd, EPOLLPRI, on_pressure, w);
    if (r >= 0)
        r = sd_event_source_set_ratelimit(w->trigger, window_usec, TRIGGER_EVENTS_MOST);
    if (r >= 0)
        r = sd_event_source_set_io_fd_own(w->trigger, 1);
    if (r >= 0)
        TAKE_FD(fd);
    else
        w->trigger = sd_event_source_disable_unref(w->trigger);
    w->polls = r < 0;
    return r;
}

bool stall_watch_note(StallWatch *w, const Sample *sample)
{
    if (!w->trigger || !trigger_is_dead(&w->check, w->stall_usec, w->window_usec, sample))
        return false;
    w->trigger = sd_event_source_disable_unref(w->trigger);
    return w->deaths++ == 0;
}

void stall_watch_disarm(StallWatch *w)
{
    w->trigger = sd_event_source_disable_unref(w->trigger);
    w->timer = sd_event_source_disable_unref(w->timer);
    w->early = sd_event_source_disable_unref(w->early);
    w->polls = false;
}
