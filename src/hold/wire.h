/* SPDX-License-Identifier: MIT */
#pragma once

/* One HoldPacket over a socket, with or without descriptors. Used by both ends. */

#include <pagewarden/hold-protocol.h>
#include <stddef.h>

/* Descriptors that came with a packet, its receiver's to close. */
typedef struct HoldFds {
    int fds[HOLD_BATCH_MAX];
    size_t n;
} HoldFds;

void hold_fds_close(HoldFds *fds);

/* Sends @packet, as many items of it as its header says, and @n_fds descriptors (at most
 * HOLD_BATCH_MAX) with it, which stay the caller's. The version is filled in. 0 or -errno; -EAGAIN
 * on a socket that does not block; -EINVAL: too many. */
int hold_send(int socket_fd, const HoldPacket *packet, const int *fds, size_t n_fds);

/* Receives one. *ret_fds is to be closed by hold_fds_close(); NULL refuses descriptors. There are
 * as many as there are items that say so. A HOLD_HELLO of another version arrives as one without
 * items, with that version. 1: there is one; 0: the other end is gone; -EAGAIN; -EPROTONOSUPPORT:
 * of another version; -EPROTO: not of this protocol. On failure nothing is kept, and both are left
 * as they were. */
int hold_receive(int socket_fd, HoldPacket *ret, HoldFds *ret_fds);
