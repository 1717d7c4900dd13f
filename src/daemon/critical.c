/* SPDX-License-Identifier: MIT */
#include "daemon/critical.h"

#include <string.h>
#include <sys/epoll.h>

#include "util/io.h"
#include "util/log.h"

Critical *critical_new(const char *unit, void (*pressed)(void *userdata), void *userdata)
{
    Critical *c = calloc(1, sizeof(Critical));

    if (!c)
        return NULL;
    c->unit = unit;
    c->pressed = pressed;
    c->userdata = userdata;
    return c;
}

Critical *critical_free(Critical *c)
{
    if (!c)
        return NULL;
    sd_event_source_disable_unref(c->trigger);
    free(c);
    return NULL;
}

static int on_pressure(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    Critical *c = userdata;

    if (events & EPOLLERR) { /* the cgroup was removed */
        c->trigger = sd_event_source_disable_unref(c->trigger);
        return 0;
    }
    c->check.fired = true;
    c->deaths = 0;
    distress_note_trigger(&c->distress);
    c->pressed(c->userdata);
    return 0;
}

void critical_arm(Critical *c, sd_event *event, Cgroup *cgroup, const DistressConfig *config)
{
    const DistressTrigger trigger = distress_trigger(config);

    if (c->trigger || c->refused || c->deaths > TRIGGER_DEATHS_MOST)
        return;
    c->check = (TriggerCheck){ 0 };
    CLEANUP_CLOSE int fd = cgroup_arm_psi(cgroup, "memory", trigger.stall_usec,
                                          trigger.window_usec);
    int r = fd < 0 ? fd : sd_event_add_io(event, &c->trigger, fd, EPOLLPRI, on_pressure, c);
    if (r >= 0)
        r = sd_event_source_set_ratelimit(c->trigger, trigger.window_usec, TRIGGER_EVENTS_MOST);
    if (r >= 0)
        r = sd_event_source_set_io_fd_own(c->trigger, 1);
    if (r >= 0)
        TAKE_FD(fd);
    else {
        c->trigger = sd_event_source_disable_unref(c->trigger);
        c->refused = true;
        log_warning("%s: no pressure trigger (%s): distress is seen a second later", c->unit,
                    strerror(-r));
    }
}

void critical_disarm(Critical *c)
{
    c->trigger = sd_event_source_disable_unref(c->trigger);
    c->refused = false;
}

void critical_cgroup_gone(Critical *c)
{
    if (!c)
        return;
    critical_disarm(c);
    c->deaths = 0;
    c->distress = (DistressState){ 0 };
}

/* Where the files of pressure were hidden (cgroup.pressure) and are there again, a trigger that is
 * dead may look well. */
bool critical_note(Critical *c, sd_event *event, Cgroup *cgroup, const DistressConfig *config,
                   const Sample *sample)
{
    const DistressTrigger trigger = distress_trigger(config);
    bool dead = false;

    if (!sample->memory_psi.valid) {
        c->refused = false;
        return false;
    }
    if (c->trigger && trigger_is_dead(&c->check, trigger.stall_usec, trigger.window_usec, sample)) {
        c->trigger = sd_event_source_disable_unref(c->trigger);
        dead = c->deaths++ == 0;
    }
    critical_arm(c, event, cgroup, config);
    return dead;
}
