/* SPDX-License-Identifier: MIT */
/* The socket is made and bound here, and handed to the holder as its standard input: so it is there
 * to connect to before the holder runs, and what is sent waits in it; and a later controller finds
 * the holder by the path. A path without anybody listening is a holder that is gone.
 *
 * A service has room for two holders, so that one of another version can go on while one of ours
 * takes its pins over. Which of the two is in use does not matter. */

#include "daemon/holder.h"

#include <inttypes.h>
#include <pagewarden/names.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "hold/wire.h"
#include "systemd/units.h"
#include "util/log.h"
#include "util/units.h"

#define UNIT_NAME_MAX 255

/* Starting a unit with a dynamic user and a system call filter takes long on a machine in trouble.
 */
#define HELLO_USEC (30 * USEC_PER_SEC)

/* What the unit of the second holder has in front of the service's name, which no unit begins with.
 */
#define SECOND ":2:"

#define SLOTS 2

struct Holder {
    Host *host;
    char *unit, *slice;
    HolderHandler handler;
    int slot; /* < SLOTS: which of the two it is */
    int fd;
    bool found; /* it ran before us */
    bool moved; /* the other slot has one of another version */
    bool heard; /* it has answered */
    sd_event_source *io;
    sd_event_source *timeout;
    sd_bus_slot *starting;
};

/* The holder's unit, to be freed. NULL: out of memory, or the name is too long for a unit. */
static char *unit_name(const char *unit, int slot)
{
    const char *suffix = strrchr(unit, '.');
    char *name;

    /* "shop.service" and "shop.scope" must not share a holder. */
    int stem = suffix && strcmp(suffix, ".service") == 0 ? (int)(suffix - unit) : (int)strlen(unit);
    if (asprintf(&name, PAGEWARDEN_HOLD_UNIT_PREFIX "%s%.*s.service", slot > 0 ? SECOND : "", stem,
                 unit) < 0)
        return NULL;
    if (strlen(name) > UNIT_NAME_MAX) {
        free(name);
        return NULL;
    }
    return name;
}

bool holder_is_of(const char *name, const char *unit)
{
    bool is = false;

    for (int slot = 0; slot < SLOTS && !is; slot++) {
        CLEANUP_FREE char *holder = unit_name(unit, slot);
        is = holder && strcmp(holder, name) == 0;
    }
    return is;
}

bool holder_is_named(const Holder *h, const char *name)
{
    CLEANUP_FREE char *own = unit_name(h->unit, h->slot);

    return own && strcmp(own, name) == 0;
}

/* A unit's name can be longer than sun_path, so the socket is named by its hash (FNV-1a). */
static int socket_address(const Host *host, const char *name, struct sockaddr_un *ret)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (const char *p = name; *p; p++)
        hash = (hash ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
    *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
    int n = snprintf(ret->sun_path, sizeof(ret->sun_path), "%s/%016" PRIx64, host->holders_path,
                     hash);
    return n < 0 || (size_t)n >= sizeof(ret->sun_path) ? -ENAMETOOLONG : 0;
}

static int new_socket(int flags)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);
    return fd < 0 ? -errno : fd;
}

static int listen_at(const struct sockaddr_un *address)
{
    CLEANUP_CLOSE int fd = new_socket(0);
    if (fd < 0)
        return fd;

    (void)unlink(address->sun_path);
    if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 || listen(fd, 8) < 0)
        return -errno;
    return TAKE_FD(fd);
}

static int connect_to(const struct sockaddr_un *address)
{
    CLEANUP_CLOSE int fd = new_socket(SOCK_NONBLOCK);
    if (fd < 0)
        return fd;
    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
        return -errno;
    return TAKE_FD(fd);
}

static int slot_address(const Host *host, const char *unit, int slot, struct sockaddr_un *ret)
{
    CLEANUP_FREE char *name = unit_name(unit, slot);

    return name ? socket_address(host, name, ret) : -ENAMETOOLONG;
}

/* Whether there may be a holder in it. */
static bool slot_is_used(const Host *host, const char *unit, int slot)
{
    struct sockaddr_un address;

    return slot_address(host, unit, slot, &address) >= 0 && access(address.sun_path, F_OK) >= 0;
}

static int stop_slot(const Host *host, const char *unit, int slot)
{
    CLEANUP_FREE char *name = unit_name(unit, slot);
    struct sockaddr_un address;

    int r = slot_address(host, unit, slot, &address);
    if (r < 0)
        return r;
    if (!host->bus)
        return -ENOTCONN;
    r = unit_stop(host->bus, NULL, name, NULL, NULL);
    if (r >= 0)
        (void)unlink(address.sun_path);
    return r;
}

static void let_go(Holder *h)
{
    h->io = sd_event_source_disable_unref(h->io);
    h->timeout = sd_event_source_disable_unref(h->timeout);
    h->starting = sd_bus_slot_unref(h->starting);
}

static void lose(Holder *h, const char *why)
{
    let_go(h);
    h->handler.gone(why, h->handler.userdata);
}

static int open_slot(Holder *h, bool may_start);

/* The one that was found speaks another version. Its pins stay until the other one has them. */
static void move(Holder *h)
{
    if (h->moved) { /* neither does: one of them has to go */
        (void)stop_slot(h->host, h->unit, h->slot);
        lose(h, "it speaks another protocol");
        return;
    }
    log_notice("%s: its holder is of another version; a new one takes its pins over", h->unit);
    let_go(h);
    h->fd = safe_close(h->fd);
    h->moved = true;
    h->slot = !h->slot;
    int r = open_slot(h, true);
    if (r < 0)
        lose(h, strerror(-r));
}

static void on_trouble(Holder *h, int r)
{
    if (h->starting) /* the answer to the start says why */
        h->io = sd_event_source_disable_unref(h->io);
    else if (!h->heard && h->found) /* version 1 just hangs up */
        move(h);
    else
        lose(h, r == 0 ? "it ended" : strerror(-r));
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    Holder *h = userdata;
    HoldPacket packet;

    int r = hold_receive(fd, &packet, NULL);
    if (r == -EAGAIN)
        return 0;
    if (r <= 0) {
        on_trouble(h, r);
        return 0;
    }
    if (!h->heard) {
        h->heard = true;
        h->timeout = sd_event_source_disable_unref(h->timeout);
    }
    h->handler.message(&packet, h->handler.userdata);
    return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
    lose(userdata, "it does not answer");
    return 0;
}

static void on_started(int error, const char *message, void *userdata)
{
    Holder *h = userdata;

    h->starting = sd_bus_slot_unref(h->starting);
    if (error == -EEXIST) { /* it runs, and its socket is gone */
        (void)stop_slot(h->host, h->unit, h->slot);
        lose(h, "it cannot be reached, and is stopped");
    } else if (error < 0)
        lose(h, message ?: strerror(-error));
    else if (!h->io)
        lose(h, "it ended");
}

/* Whose pins it holds, for people; to be freed. */
static char *served_by(const Holder *h)
{
    const char *unit = h->unit + strlen(HOLDER_BY_HAND);
    char *text;

    if (strncmp(h->unit, HOLDER_BY_HAND, strlen(HOLDER_BY_HAND)) != 0)
        return strdup(h->unit);
    if (asprintf(&text, "%s%sby hand", unit, *unit ? ", " : "") < 0)
        return NULL;
    return text;
}

/* Starts the unit with a socket of its own. Returns the connected socket. */
static int start(Holder *h, const char *name, const struct sockaddr_un *address)
{
    if (!h->host->bus)
        return -ENOTCONN;
    CLEANUP_CLOSE int listen_fd = listen_at(address);
    if (listen_fd < 0)
        return listen_fd;
    CLEANUP_CLOSE int fd = connect_to(address);
    if (fd < 0)
        return fd;

    CLEANUP_FREE char *served = served_by(h);
    if (!served)
        return -ENOMEM;
    int r = holder_unit_start(h->host->bus, &h->starting, name, h->slice, served, listen_fd,
                              on_started, h);
    if (r < 0)
        return r;
    log_debug("%s: starting %s in %s", h->unit, name, h->slice);
    return TAKE_FD(fd);
}

/* Connects to the holder of this slot and says hello. -ENOENT: there is none. */
static int open_slot(Holder *h, bool may_start)
{
    CLEANUP_FREE char *name = unit_name(h->unit, h->slot);
    struct sockaddr_un address;
    sd_event *event = h->host->event;

    int r = name ? socket_address(h->host, name, &address) : -ENAMETOOLONG;
    if (r < 0)
        return r;
    int fd = connect_to(&address);
    h->found = fd >= 0;
    if (fd == -ECONNREFUSED || fd == -ENOENT)
        fd = may_start ? start(h, name, &address) : -ENOENT;
    if (fd < 0)
        return fd;

    h->fd = fd;
    r = sd_event_add_io(event, &h->io, fd, EPOLLIN, on_readable, h);
    if (r >= 0)
        r = sd_event_add_time_relative(event, &h->timeout, CLOCK_MONOTONIC, HELLO_USEC, 0,
                                       on_timeout, h);
    return r < 0 ? r : holder_send(h, &(HoldPacket){ .header.type = HOLD_HELLO }, NULL);
}

int holder_connect(Host *host, const char *unit, const char *slice, const HolderHandler *handler,
                   Holder **ret)
{
    cleanup(holder_freep) Holder *h = calloc(1, sizeof(Holder));
    if (!h)
        return -ENOMEM;

    h->host = host;
    h->handler = *handler;
    h->fd = -1;
    h->unit = strdup(unit);
    h->slice = strdup(slice);
    if (!h->unit || !h->slice)
        return -ENOMEM;
    int r = open_slot(h, false);
    if (r == -ENOENT) {
        h->slot = 1;
        r = open_slot(h, false);
    }
    if (r == -ENOENT) {
        h->slot = 0;
        r = open_slot(h, true);
    }
    if (r < 0)
        return r;

    *ret = TAKE_PTR(h);
    return 0;
}

Holder *holder_free(Holder *h)
{
    if (!h)
        return NULL;
    let_go(h);
    safe_close(h->fd);
    free(h->unit);
    free(h->slice);
    free(h);
    return NULL;
}

int holder_send(Holder *h, const HoldPacket *packet, const HoldFds *fds)
{
    return hold_send(h->fd, packet, fds ? fds->fds : NULL, fds ? fds->n : 0);
}

void holder_stop_other(const Holder *h)
{
    if (slot_is_used(h->host, h->unit, !h->slot) && stop_slot(h->host, h->unit, !h->slot) >= 0)
        log_info("%s: stopped its other holder", h->unit);
}

int holder_stop(Host *host, const char *unit)
{
    int r = slot_is_used(host, unit, 1) ? stop_slot(host, unit, 1) : 0;

    return r < 0 ? r : stop_slot(host, unit, 0);
}
