/* SPDX-License-Identifier: MIT */
#include "hold/wire.h"

#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "util/cleanup.h"

/* Room for more descriptors than are ever wanted: those beyond it the kernel would drop silently,
 * those within it are seen and closed. */
#define FDS_MAX 4

int hold_send(int socket_fd, const HoldMessage *message, int fd)
{
    HoldMessage copy = *message;
    struct iovec iov = { .iov_base = &copy, .iov_len = sizeof(copy) };
    union {
        char buffer[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = { 0 };
    struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };

    copy.version = HOLD_VERSION;
    if (fd >= 0) {
        header.msg_control = control.buffer;
        header.msg_controllen = sizeof(control.buffer);
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
    }

    ssize_t n;
    do
        n = sendmsg(socket_fd, &header, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

/* Takes the first descriptor, and closes what came besides. Returns how many there were. */
static size_t take_descriptors(struct msghdr *header, int *ret_fd)
{
    size_t n = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; CMSG_LEN((i + 1) * sizeof(int)) <= c->cmsg_len; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            if (n++ == 0)
                *ret_fd = fd;
            else
                safe_close(fd);
        }
    }
    return n;
}

int hold_receive(int socket_fd, HoldMessage *ret, int *ret_fd)
{
    HoldMessage message;
    struct iovec iov = { .iov_base = &message, .iov_len = sizeof(message) };
    union {
        char buffer[CMSG_SPACE(FDS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr header = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.buffer,
        .msg_controllen = sizeof(control.buffer),
    };
    CLEANUP_CLOSE int fd = -1;

    ssize_t n;
    do
        n = recvmsg(socket_fd, &header, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;

    size_t n_fds = take_descriptors(&header, &fd);
    if (n == 0 && n_fds == 0)
        return 0;
    if (n != sizeof(message) || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
        message.version != HOLD_VERSION || n_fds > (ret_fd ? 1U : 0U))
        return -EPROTO;

    *ret = message;
    if (ret_fd)
        *ret_fd = TAKE_FD(fd);
    return 1;
}
