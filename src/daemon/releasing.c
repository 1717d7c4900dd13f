/* SPDX-License-Identifier: MIT */
/* What is released is an input of every scan, and a scan that began after it lets go of what is
 * there: so pins are let go like those of deleted files. Whoever asked waits until every pinner is
 * past that; there is nothing to be told of that is not asked for a few times a second anyway.
 *
 * Paths are compared, never opened: the caller may say whatever he likes. */

#include "daemon/releasing.h"

#include <pagewarden/names.h>
#include <string.h>

#include "daemon/pin_watch.h"
#include "kernel/mounts.h"
#include "util/io.h"
#include "util/log.h"
#include "util/strv.h"
#include "util/units.h"

#define ASK_USEC (20 * USEC_PER_MSEC)
/* Less than the caller's timeout, and than that of the unit that guards a mount. */
#define PATIENCE_USEC (20 * USEC_PER_SEC)

typedef struct Waiting {
    sd_bus_message *message;
    uint64_t since_usec;
} Waiting;

struct Releasing {
    Host *host;
    ReleasingHandler handler;
    Released released;
    PinWatchUser user;
    sd_event_source *timer;
    Waiting *waiting;
    size_t n_waiting;
};

static void answer(Waiting *waiting, bool done)
{
    int r = done ? sd_bus_reply_method_return(waiting->message, NULL)
                 : sd_bus_reply_method_errorf(waiting->message, PAGEWARDEN_BUS_NAME ".Error.Busy",
                                              "Not everything is let go yet: a holder does not "
                                              "answer, or files could not be looked for");
    if (r < 0)
        log_debug("A call of Release() could not be answered: %s", strerror(-r));
    sd_bus_message_unref(waiting->message);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    Releasing *r = userdata;
    uint64_t now = now_usec();

    for (size_t i = r->n_waiting; i-- > 0;) {
        Waiting *waiting = &r->waiting[i];
        bool done = r->handler.has_let_go(waiting->since_usec, r->handler.userdata);
        if (!done && now - waiting->since_usec < PATIENCE_USEC)
            continue;
        answer(waiting, done);
        *waiting = r->waiting[--r->n_waiting];
    }
    if (r->n_waiting == 0)
        return 0;
    int e = sd_event_source_set_time_relative(source, ASK_USEC);
    return e < 0 ? e : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void on_told(uint64_t arrived_usec, bool mounts, void *userdata)
{
    Releasing *r = userdata;
    cleanup(strv_freep) char **table = NULL;

    if (!mounts || r->released.n == 0 || mounts_read(r->host->proc_fd, &table) < 0)
        return;
    if (!released_note_mounts(&r->released, table))
        return;
    log_info("A file system that was released is mounted again: its files are pinned again");
    r->handler.look(r->handler.userdata);
}

int releasing_new(Host *host, const ReleasingHandler *handler, Releasing **ret)
{
    cleanup(releasing_freep) Releasing *r = calloc(1, sizeof(Releasing));
    if (!r)
        return -ENOMEM;

    r->host = host;
    r->handler = *handler;
    r->user = (PinWatchUser){ .told = on_told, .userdata = r };
    pin_watch_join(host->watch, &r->user);
    host->released = &r->released;
    int e = sd_event_add_time_relative(host->event, &r->timer, CLOCK_MONOTONIC, 0, USEC_PER_MSEC,
                                       on_timer, r);
    if (e >= 0)
        e = sd_event_source_set_enabled(r->timer, SD_EVENT_OFF);
    if (e < 0)
        return e;
    *ret = TAKE_PTR(r);
    return 0;
}

Releasing *releasing_free(Releasing *r)
{
    if (!r)
        return NULL;
    releasing_bus_lost(r);
    pin_watch_leave(r->host->watch, &r->user);
    r->host->released = NULL;
    released_clear(&r->released);
    sd_event_source_disable_unref(r->timer);
    free(r->waiting);
    free(r);
    return NULL;
}

static int wait_for_it(Releasing *r, sd_bus_message *message)
{
    Waiting *grown = reallocarray(r->waiting, r->n_waiting + 1, sizeof(Waiting));
    if (!grown)
        return -ENOMEM;
    r->waiting = grown;
    grown[r->n_waiting++] = (Waiting){ sd_bus_message_ref(message), now_usec() };

    r->handler.look(r->handler.userdata);
    int e = sd_event_source_set_time_relative(r->timer, 0);
    if (e >= 0)
        e = sd_event_source_set_enabled(r->timer, SD_EVENT_ONESHOT);
    return e < 0 ? e : 1;
}

int releasing_on_release(Releasing *r, sd_bus_message *message, sd_bus_error *error)
{
    cleanup(strv_freep) char **table = NULL;
    const char *path;

    int e = sd_bus_message_read(message, "s", &path);
    if (e >= 0)
        e = mounts_read(r->host->proc_fd, &table);
    if (e < 0)
        return e;
    e = released_add(&r->released, table, path);
    if (e == -EINVAL)
        return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "That is no absolute path");
    if (e == -E2BIG)
        return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED, "Too many are released");
    if (e < 0)
        return e;
    log_info("Released: nothing is pinned below %s, until its file system is mounted anew", path);
    return wait_for_it(r, message);
}

int releasing_on_pin_again(Releasing *r, sd_bus_message *message, sd_bus_error *error)
{
    const char *path;

    int e = sd_bus_message_read(message, "s", &path);
    if (e < 0)
        return e;
    if (released_undo(&r->released, path) < 0)
        return sd_bus_error_set(error, PAGEWARDEN_BUS_NAME ".Error.NotReleased",
                                "That is not released");
    log_info("What is below %s is pinned again", path);
    r->handler.look(r->handler.userdata);
    return sd_bus_reply_method_return(message, NULL);
}

void releasing_forget(Releasing *r)
{
    if (r->released.n > 0)
        log_info("What was released is pinned again");
    released_clear(&r->released);
}

void releasing_bus_lost(Releasing *r)
{
    while (r->n_waiting > 0)
        sd_bus_message_unref(r->waiting[--r->n_waiting].message);
}
