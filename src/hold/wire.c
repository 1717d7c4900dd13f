/* SPDX-License-Identifier: MIT */
#include "hold/wire.h"

#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "util/cleanup.h"

/* Room for more descriptors than are ever wanted: those beyond it the kernel would drop silently,
 * those within it are seen and closed. */
#define FDS_MAX (HOLD_BATCH_MAX + 4)

/* Those of one message mostly have numbers that follow each other, and go with one call. */
void hold_fds_close(HoldFds *fds)
{
    for (size_t i = 0, end; i < fds->n; i = end) {
        for (end = i + 1; end < fds->n; end++)
            if (fds->fds[end] != fds->fds[end - 1] + 1)
                break;
        if (end - i > 1 && close_range((unsigned)fds->fds[i], (unsigned)fds->fds[end - 1], 0) == 0)
            continue;
        for (; i < end; i++)
            safe_close(fds->fds[i]);
    }
    fds->n = 0;
}

int hold_send(int socket_fd, const HoldPacket *packet, const int *fds, size_t n_fds)
{
    HoldHeader header = packet->header;
    struct iovec iov[] = {
        { .iov_base = &header, .iov_len = sizeof(header) },
        { .iov_base = (void *)packet->items, .iov_len = header.n_items * sizeof(HoldItem) },
    };
    union {
        char buffer[CMSG_SPACE(HOLD_BATCH_MAX * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr message = { .msg_iov = iov, .msg_iovlen = ELEMENTS(iov) };

    if (header.n_items > HOLD_BATCH_MAX || n_fds > HOLD_BATCH_MAX)
        return -EINVAL;
    header.version = HOLD_VERSION;
    if (n_fds > 0) {
        memset(&control, 0, sizeof(control));
        message.msg_control = control.buffer;
        message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
        memcpy(CMSG_DATA(cmsg), fds, n_fds * sizeof(int));
    }

    ssize_t n;
    do
        n = sendmsg(socket_fd, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

/* Takes as many as there is room for, and closes what came besides. Returns how many there were. */
static size_t take_descriptors(struct msghdr *message, HoldFds *ret)
{
    size_t n = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; CMSG_LEN((i + 1) * sizeof(int)) <= c->cmsg_len; i++, n++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            if (ret->n < HOLD_BATCH_MAX)
                ret->fds[ret->n++] = fd;
            else
                safe_close(fd);
        }
    }
    return n;
}

static size_t descriptors_wanted(const HoldPacket *packet)
{
    size_t n = 0;

    for (uint32_t i = 0; i < packet->header.n_items; i++)
        n += (packet->items[i].flags & HOLD_WITH_FD) != 0;
    return n;
}

/* Whether the @size bytes are a packet of this version with @n_fds descriptors. A HELLO of another
 * version is made one of this. */
static int check(HoldPacket *packet, size_t size, size_t n_fds, bool whole)
{
    HoldHeader *header = &packet->header;

    if (size < sizeof(HoldHeader))
        return -EPROTO;
    if (header->version != HOLD_VERSION) {
        if (header->type != HOLD_HELLO)
            return -EPROTONOSUPPORT;
        *header = (HoldHeader){ .version = header->version, .type = HOLD_HELLO };
        return n_fds > 0 ? -EPROTO : 0;
    }
    if (!whole || header->n_items > HOLD_BATCH_MAX ||
        size != sizeof(HoldHeader) + header->n_items * sizeof(HoldItem))
        return -EPROTO;
    return n_fds == descriptors_wanted(packet) ? 0 : -EPROTO;
}

int hold_receive(int socket_fd, HoldPacket *ret, HoldFds *ret_fds)
{
    HoldPacket packet;
    struct iovec iov = { .iov_base = &packet, .iov_len = sizeof(packet) };
    union {
        char buffer[CMSG_SPACE(FDS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr message = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.buffer,
        .msg_controllen = sizeof(control.buffer),
    };
    cleanup(hold_fds_close) HoldFds fds = { .n = 0 };

    ssize_t n;
    do
        n = recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;

    size_t n_fds = take_descriptors(&message, &fds);
    if (n == 0 && n_fds == 0)
        return 0;
    int r = check(&packet, (size_t)n, n_fds, !(message.msg_flags & MSG_TRUNC));
    if (r >= 0 && (message.msg_flags & MSG_CTRUNC || (n_fds > 0 && !ret_fds)))
        r = -EPROTO;
    if (r < 0)
        return r;

    ret->header = packet.header;
    memcpy(ret->items, packet.items, packet.header.n_items * sizeof(HoldItem));
    if (ret_fds) {
        ret_fds->n = fds.n;
        memcpy(ret_fds->fds, fds.fds, fds.n * sizeof(int));
        fds.n = 0;
    }
    return 1;
}
