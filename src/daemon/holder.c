/* SPDX-License-Identifier: MIT */
/* The socket is made and bound here, and handed to the holder as its standard input: so it is there
 * to connect to before the holder runs, and what is sent waits in it; and a later controller finds
 * the holder by the path. A path without anybody listening is a holder that is gone. */

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

struct Holder {
    Host *host;
    char *unit;
    HolderHandler handler;
    int fd;
    bool heard; /* it has answered */
    sd_event_source *io;
    sd_event_source *timeout;
    sd_bus_slot *starting;
};

char *holder_unit_name(const char *unit)
{
    const char *suffix = strrchr(unit, '.');
    char *name;

    /* "shop.service" and "shop.scope" must not share a holder. */
    int stem = suffix && strcmp(suffix, ".service") == 0 ? (int)(suffix - unit) : (int)strlen(unit);
    if (asprintf(&name, PAGEWARDEN_HOLD_UNIT_PREFIX "%.*s.service", stem, unit) < 0)
        return NULL;
    if (strlen(name) > UNIT_NAME_MAX) {
        free(name);
        return NULL;
    }
    return name;
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

static void lose(Holder *h, const char *why)
{
    h->io = sd_event_source_disable_unref(h->io);
    h->timeout = sd_event_source_disable_unref(h->timeout);
    h->starting = sd_bus_slot_unref(h->starting);
    h->handler.gone(why, h->handler.userdata);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    Holder *h = userdata;
    HoldMessage message;

    int r = hold_receive(fd, &message, NULL);
    if (r == -EAGAIN)
        return 0;
    if (r <= 0 && h->starting) { /* the answer to the start says why */
        h->io = sd_event_source_disable_unref(h->io);
        return 0;
    }
    if (r == -EPROTO) { /* of another version: the next one is of ours */
        (void)holder_stop(h->host, h->unit);
        lose(h, "it speaks another protocol");
        return 0;
    }
    if (r <= 0) {
        lose(h, r == 0 ? "it ended" : strerror(-r));
        return 0;
    }
    if (!h->heard) {
        h->heard = true;
        h->timeout = sd_event_source_disable_unref(h->timeout);
    }
    h->handler.message(&message, h->handler.userdata);
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
        (void)holder_stop(h->host, h->unit);
        lose(h, "it cannot be reached, and is stopped");
    } else if (error < 0)
        lose(h, message ?: strerror(-error));
    else if (!h->io)
        lose(h, "it ended");
}

/* Starts the unit with a socket of its own. Returns the connected socket. */
static int start(Holder *h, const char *unit, const char *slice, const char *name,
                 const struct sockaddr_un *address)
{
    if (!h->host->bus)
        return -ENOTCONN;
    CLEANUP_CLOSE int listen_fd = listen_at(address);
    if (listen_fd < 0)
        return listen_fd;
    CLEANUP_CLOSE int fd = connect_to(address);
    if (fd < 0)
        return fd;

    int r = holder_unit_start(h->host->bus, &h->starting, name, slice, unit, listen_fd, on_started,
                              h);
    if (r < 0)
        return r;
    log_debug("%s: starting %s in %s", unit, name, slice);
    return TAKE_FD(fd);
}

int holder_connect(Host *host, const char *unit, const char *slice, const HolderHandler *handler,
                   Holder **ret)
{
    CLEANUP_FREE char *name = holder_unit_name(unit);
    struct sockaddr_un address;
    int r = name ? socket_address(host, name, &address) : -ENAMETOOLONG;
    if (r < 0)
        return r;

    cleanup(holder_freep) Holder *h = calloc(1, sizeof(Holder));
    if (!h)
        return -ENOMEM;
    h->host = host;
    h->handler = *handler;
    h->fd = -1;
    h->unit = strdup(unit);
    if (!h->unit)
        return -ENOMEM;
    h->fd = connect_to(&address);
    if (h->fd == -ECONNREFUSED || h->fd == -ENOENT)
        h->fd = start(h, unit, slice, name, &address);
    if (h->fd < 0)
        return h->fd;

    r = sd_event_add_io(host->event, &h->io, h->fd, EPOLLIN, on_readable, h);
    if (r >= 0)
        r = sd_event_add_time_relative(host->event, &h->timeout, CLOCK_MONOTONIC, HELLO_USEC, 0,
                                       on_timeout, h);
    if (r >= 0)
        r = holder_send(h, &(HoldMessage){ .type = HOLD_HELLO }, -1);
    if (r < 0)
        return r;

    *ret = TAKE_PTR(h);
    return 0;
}

Holder *holder_free(Holder *h)
{
    if (!h)
        return NULL;
    sd_event_source_disable_unref(h->io);
    sd_event_source_disable_unref(h->timeout);
    sd_bus_slot_unref(h->starting);
    safe_close(h->fd);
    free(h->unit);
    free(h);
    return NULL;
}

int holder_send(Holder *h, const HoldMessage *message, int fd)
{
    return hold_send(h->fd, message, fd);
}

int holder_stop(Host *host, const char *unit)
{
    CLEANUP_FREE char *name = holder_unit_name(unit);
    struct sockaddr_un address;
    int r = name ? socket_address(host, name, &address) : -ENAMETOOLONG;
    if (r < 0)
        return r;
    if (!host->bus)
        return -ENOTCONN;

    r = unit_stop(host->bus, NULL, name, NULL, NULL);
    if (r >= 0)
        (void)unlink(address.sun_path);
    return r;
}
