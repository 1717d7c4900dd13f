/* SPDX-License-Identifier: MIT */
/* The holder's whole behaviour: wait for a controller, do what it asks, answer, wait for the next
 * one. It does one thing at a time and blocks in it, on the disk too: nothing else has to happen
 * meanwhile. */

#include "hold/serve.h"

#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "hold/wire.h"
#include "util/units.h"

/* A controller that does not read its answers for that long is hung, and must not keep the next one
 * out. */
#define SEND_SECONDS 5
/* Without descriptors or memory the connection stays in the queue, and poll(2) would tell of it
 * without end. */
#define ACCEPT_PAUSE_MS 500

static int send_item(const PinInfo *info, void *userdata)
{
    HoldMessage item = {
        .type = HOLD_ITEM,
        .dev = info->dev,
        .ino = info->ino,
        .length = info->length,
        .locked = info->locked,
    };

    return hold_send(*(int *)userdata, &item, -1);
}

static int handle(int fd, const HoldMessage *request, int file_fd, PinTable *pins, PinInfo *info)
{
    switch ((HoldType)request->type) {
    case HOLD_HELLO:
        info->ino = (uint64_t)getpid();
        return 0;
    case HOLD_LIST:
        return pin_table_visit(pins, send_item, &fd);
    case HOLD_OPEN:
        return file_fd < 0 ? -EBADF : pin_table_open(pins, file_fd, request->length, info);
    case HOLD_LOCK:
        if (request->length > HOLD_SLICE_MAX)
            return -E2BIG;
        return pin_table_lock(pins, request->dev, request->ino, request->length, info);
    case HOLD_REFRESH:
        return pin_table_refresh(pins, request->dev, request->ino, info);
    case HOLD_RELEASE:
        return pin_table_release(pins, request->dev, request->ino);
    case HOLD_ITEM:
    case HOLD_DONE:
        break; /* answers, not requests */
    }
    return -EPROTO;
}

int hold_serve_one(int fd, PinTable *pins)
{
    CLEANUP_CLOSE int file_fd = -1;
    HoldMessage request;

    int r = hold_receive(fd, &request, &file_fd);
    if (r <= 0)
        return r;

    PinInfo info = { .dev = request.dev, .ino = request.ino };
    int error = handle(fd, &request, file_fd, pins, &info);
    if (request.type == HOLD_LIST && error < 0)
        return error; /* the list could not be sent, nor could this */

    HoldMessage answer = {
        .type = HOLD_DONE,
        .error = error,
        .dev = info.dev,
        .ino = info.ino,
        .length = info.length,
        .locked = info.locked,
    };
    r = hold_send(fd, &answer, -1);
    return r < 0 ? r : 1;
}

static int accept_controller(int listen_fd, unsigned uid)
{
    struct timeval patience = { .tv_sec = SEND_SECONDS };
    struct ucred peer;
    socklen_t size = sizeof(peer);

    CLEANUP_CLOSE int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
        return -errno;
    return peer.uid == uid ? TAKE_FD(fd) : -EPERM;
}

/* These end one connection attempt, not the listening socket (accept(2)). */
static bool accept_error_is_passing(int error)
{
    return error == -EPERM || error == -ECONNABORTED || error == -EINTR || error == -EAGAIN;
}

static bool accept_error_is_shortage(int error)
{
    return error == -EMFILE || error == -ENFILE || error == -ENOMEM || error == -ENOBUFS;
}

int hold_serve(int listen_fd, unsigned uid, PinTable *pins)
{
    CLEANUP_CLOSE int fd = -1;
    bool pause = false;

    for (;;) {
        /* Negative ones are ignored by poll(2). */
        struct pollfd polled[] = {
            { .fd = pause ? -1 : listen_fd, .events = POLLIN },
            { .fd = fd, .events = POLLIN },
        };
        if (poll(polled, ELEMENTS(polled), pause ? ACCEPT_PAUSE_MS : -1) < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }

        pause = false;
        if (polled[0].revents) {
            int next = accept_controller(listen_fd, uid);
            pause = accept_error_is_shortage(next);
            if (next < 0 && !pause && !accept_error_is_passing(next))
                return next;
            if (next >= 0) {
                safe_close(fd);
                fd = next;
            }
        } else if (polled[1].revents && hold_serve_one(fd, pins) <= 0) {
            fd = safe_close(fd);
        }
    }
}
