/* SPDX-License-Identifier: MIT */
/* One timer drives the connection: when it fires and there is none, one is tried.
 * sd_bus_open_system() does not block beyond connect(2) on a local socket; the handshake is the
 * loop's. */

#include "systemd/bus.h"

struct SystemBus {
    sd_event *event;
    SystemBusHandler handler;
    sd_event_source *timer;
    sd_bus *bus;
    sd_bus_slot *disconnected;
};

static void drop(SystemBus *s)
{
    s->disconnected = sd_bus_slot_unref(s->disconnected);
    if (s->bus) {
        sd_bus_detach_event(s->bus);
        s->bus = sd_bus_close_unref(s->bus);
    }
}

static int retry(SystemBus *s)
{
    int r = sd_event_source_set_time_relative(s->timer, SYSTEM_BUS_RETRY_USEC);
    return r < 0 ? r : sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

static int on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    SystemBus *s = userdata;

    s->handler.down(-ECONNRESET, s->handler.userdata);
    drop(s);
    return retry(s);
}

static int connect_bus(SystemBus *s)
{
    int r = sd_bus_open_system(&s->bus);
    if (r >= 0)
        r = sd_bus_set_exit_on_disconnect(s->bus, 0);
    if (r >= 0)
        r = sd_bus_match_signal(s->bus, &s->disconnected, NULL, "/org/freedesktop/DBus/Local",
                                "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, s);
    if (r >= 0)
        r = sd_bus_attach_event(s->bus, s->event, SD_EVENT_PRIORITY_NORMAL);
    if (r >= 0)
        r = s->handler.up(s->bus, s->handler.userdata);
    return r;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    SystemBus *s = userdata;

    int r = connect_bus(s);
    if (r >= 0)
        return 0;
    s->handler.down(r, s->handler.userdata);
    drop(s);
    return retry(s);
}

int system_bus_new(sd_event *event, const SystemBusHandler *handler, SystemBus **ret)
{
    cleanup(system_bus_freep) SystemBus *s = calloc(1, sizeof(SystemBus));
    if (!s)
        return -ENOMEM;

    s->event = sd_event_ref(event);
    s->handler = *handler;
    int r = sd_event_add_time_relative(event, &s->timer, CLOCK_MONOTONIC, 0, 0, on_timer, s);
    if (r < 0)
        return r;

    *ret = TAKE_PTR(s);
    return 0;
}

SystemBus *system_bus_free(SystemBus *s)
{
    if (!s)
        return NULL;
    sd_event_source_disable_unref(s->timer);
    drop(s);
    sd_event_unref(s->event);
    free(s);
    return NULL;
}
