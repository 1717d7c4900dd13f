/* SPDX-License-Identifier: MIT */
#pragma once

/* Counting descriptors, and packets that hold_send() would never send. */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "util/cleanup.h"

/* How many descriptors the process @pid (0: this one) has. */
static inline size_t count_descriptors(int pid)
{
    char path[64] = "/proc/self/fd";
    size_t n = 0;

    if (pid > 0)
        snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    DIR *dir = opendir(path);
    if (!dir)
        return 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return pid > 0 ? n - 2 : n - 3; /* ".", "..", and in our own that of the folder */
}

#define SEND_FDS_MAX 200 /* the kernel's limit is 253 */

/* One packet of any bytes with any number of descriptors. */
static inline int send_raw(int socket_fd, const void *bytes, size_t size, const int *fds, size_t n)
{
    struct iovec iov = { .iov_base = (void *)bytes, .iov_len = size };
    char control[CMSG_SPACE(SEND_FDS_MAX * sizeof(int))] __attribute__((aligned(8))) = { 0 };
    struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };

    if (n > SEND_FDS_MAX)
        return -EINVAL;
    if (n > 0) {
        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(n * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(n * sizeof(int));
        memcpy(CMSG_DATA(c), fds, n * sizeof(int));
    }
    return sendmsg(socket_fd, &header, MSG_NOSIGNAL) < 0 ? -errno : 0;
}
