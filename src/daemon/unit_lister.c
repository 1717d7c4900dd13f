/* SPDX-License-Identifier: MIT */
#include "daemon/unit_lister.h"

#include <string.h>

#include "util/io.h"
#include "util/log.h"
#include "util/units.h"

/* What starts is seen soon; a burst of signals (a boot, a daemon-reload) costs few lists, each
 * twice as late as the one before. */
#define DELAY_MIN_USEC (20 * USEC_PER_MSEC)
#define DELAY_MAX_USEC (200 * USEC_PER_MSEC)
/* Even without any signal. */
#define EVERY_USEC (30 * USEC_PER_SEC)

struct UnitLister {
    Host *host;
    UnitListerHandler handler;
    UnitWatch *watch;
    sd_bus_slot *listing;
    sd_event_source *timer;
    uint64_t listed_usec, asked_usec, delay_usec, reload_usec;
    bool again; /* asked for while one was under way */
};

static void on_listed(int error, const UnitEntry *units, size_t n_units, void *userdata)
{
    UnitLister *lister = userdata;

    lister->listing = sd_bus_slot_unref(lister->listing);
    if (lister->again)
        unit_lister_request(lister);
    if (error < 0) {
        log_warning("systemd does not list its units: %s", strerror(-error));
        return;
    }
    lister->listed_usec = now_usec();
    if (lister->asked_usec > lister->reload_usec) /* who answers does not reload any more */
        lister->host->reloading = false;
    lister->handler.listed(units, n_units, lister->asked_usec, lister->handler.userdata);
}

void unit_lister_list(UnitLister *lister)
{
    lister->again = lister->listing;
    if (!lister->host->bus || lister->listing)
        return;
    lister->asked_usec = now_usec();
    (void)units_list(lister->host->bus, &lister->listing, on_listed, lister);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    unit_lister_list(userdata);
    return 0;
}

void unit_lister_request(UnitLister *lister)
{
    int enabled = SD_EVENT_OFF;

    if (sd_event_source_get_enabled(lister->timer, &enabled) >= 0 && enabled != SD_EVENT_OFF)
        return;
    bool burst = now_usec() - lister->listed_usec < USEC_PER_SEC;
    lister->delay_usec = burst ? min_u64(2 * lister->delay_usec, DELAY_MAX_USEC) : DELAY_MIN_USEC;
    (void)sd_event_source_set_time_relative(lister->timer, lister->delay_usec);
    (void)sd_event_source_set_enabled(lister->timer, SD_EVENT_ONESHOT);
}

void unit_lister_tick(UnitLister *lister, bool waits, uint64_t now_usec)
{
    if (waits || now_usec - lister->listed_usec >= EVERY_USEC)
        unit_lister_request(lister);
}

static void on_reloading(bool on, void *userdata)
{
    UnitLister *lister = userdata;

    lister->reload_usec = now_usec();
    lister->host->reloading = on;
    lister->host->reloads += on;
}

static void on_changed(void *userdata)
{
    unit_lister_request(userdata);
}

int unit_lister_bus_up(UnitLister *lister)
{
    int r = unit_watch_new(lister->host->bus, on_changed, on_reloading, lister, &lister->watch);
    if (r >= 0)
        unit_lister_request(lister);
    return r;
}

void unit_lister_bus_lost(UnitLister *lister)
{
    lister->listing = sd_bus_slot_unref(lister->listing);
    lister->watch = unit_watch_free(lister->watch);
    /* One that nobody tells of. */
    lister->host->reloading = false;
    lister->host->reloads++;
}

int unit_lister_new(Host *host, const UnitListerHandler *handler, UnitLister **ret)
{
    cleanup(unit_lister_freep) UnitLister *lister = calloc(1, sizeof(UnitLister));
    if (!lister)
        return -ENOMEM;
    lister->host = host;
    lister->handler = *handler;
    int r = sd_event_add_time_relative(host->event, &lister->timer, CLOCK_MONOTONIC, DELAY_MAX_USEC,
                                       0, on_timer, lister);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(lister);
    return 0;
}

UnitLister *unit_lister_free(UnitLister *lister)
{
    if (!lister)
        return NULL;
    unit_lister_bus_lost(lister);
    sd_event_source_disable_unref(lister->timer);
    free(lister);
    return NULL;
}
