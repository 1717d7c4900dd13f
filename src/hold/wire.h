/* SPDX-License-Identifier: MIT */
#pragma once

/* One HoldMessage over a socket, with or without a descriptor. Used by both ends. */

#include <pagewarden/hold-protocol.h>

/* Sends @message, and @fd with it where that is >= 0 (it stays the caller's). The version is filled
 * in. 0 or -errno; -EAGAIN on a socket that does not block. */
int hold_send(int socket_fd, const HoldMessage *message, int fd);

/* Receives one. *ret_fd is the caller's to close, or -1; NULL refuses descriptors. 1: there is one;
 * 0: the other end is gone; -EAGAIN; -EPROTO: not a message of this protocol's version, and nothing
 * is kept of it. */
int hold_receive(int socket_fd, HoldMessage *ret, int *ret_fd);
