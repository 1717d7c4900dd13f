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

static int send_packet(const HoldPacket *packet, void *userdata)
{
    return hold_send(*(int *)userdata, packet, NULL, 0);
}

/* Of what is not as it should be, nothing is begun. */
static void answer(Shards *shards, HoldPacket *packet, const HoldFds *fds)
{
    HoldType type = (HoldType)packet->header.type;
    int r = hold_check(packet);

    switch (type) {
    case HOLD_HELLO:
    case HOLD_LIST:
        packet->header.n_items = 0;
        break;
    case HOLD_PIN:
    case HOLD_REFRESH:
    case HOLD_RELEASE:
        if (r >= 0)
            shards_apply(shards, packet, fds->fds);
        break;
    case HOLD_SCORE:
        packet->header.n_items = 0;
        r = shards_set_score(shards, packet->header.score);
        break;
    case HOLD_ITEMS:
    case HOLD_DONE:
    case HOLD_GONE:
    default:
        r = -EPROTO; /* answers, not requests */
    }
    packet->header = (HoldHeader){
        .type = HOLD_DONE,
        .error = r,
        .n_items = r < 0 ? 0 : packet->header.n_items,
        .room = shards_room(shards),
        .pid = (uint64_t)getpid(),
    };
}

int hold_serve_one(int fd, Shards *shards)
{
    cleanup(hold_fds_close) HoldFds fds = { .n = 0 };
    HoldPacket packet;

    int r = hold_receive(fd, &packet, &fds);
    if (r <= 0)
        return r;
    if (packet.header.type == HOLD_LIST)
        r = shards_list(shards, send_packet, &fd);
    if (r < 0)
        return r;
    answer(shards, &packet, &fds);
    hold_fds_close(&fds);
    r = hold_send(fd, &packet, NULL, 0);
    return r < 0 ? r : 1;
}

/* Tells what died with a process of ours; who connects later asks for the list. */
static int tell_gone(int fd, Shards *shards)
{
    HoldPacket packet;
    int r = 0;

    while (shards_take_gone(shards, &packet))
        if (fd >= 0 && r >= 0)
            r = hold_send(fd, &packet, NULL, 0);
    return r;
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

int hold_serve(int listen_fd, unsigned uid, Shards *shards)
{
    CLEANUP_CLOSE int fd = -1;
    bool pause = false;

    for (;;) {
        /* Negative ones are ignored by poll(2). */
        struct pollfd polled[2 + SHARDS_MAX] = {
            { .fd = pause ? -1 : listen_fd, .events = POLLIN },
            { .fd = fd, .events = POLLIN },
        };
        size_t n = shards_poll(shards, polled + 2);
        if (poll(polled, 2 + n, pause ? ACCEPT_PAUSE_MS : -1) < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }

        pause = false;
        shards_check(shards, polled + 2, n);
        if (tell_gone(fd, shards) < 0) {
            fd = safe_close(fd);
        } else if (polled[0].revents) {
            int next = accept_controller(listen_fd, uid);
            pause = accept_error_is_shortage(next);
            if (next < 0 && !pause && !accept_error_is_passing(next))
                return next;
            if (next >= 0) {
                safe_close(fd);
                fd = next;
            }
        } else if (polled[1].revents &&
                   (hold_serve_one(fd, shards) <= 0 || tell_gone(fd, shards) < 0)) {
            fd = safe_close(fd);
        }
    }
}
