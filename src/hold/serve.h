/* SPDX-License-Identifier: MIT */
#pragma once

#include "hold/shards.h"

/* Serves controllers that connect to the listening SOCK_SEQPACKET socket @listen_fd, one at a time;
 * one that connects while another is being served takes its place. Only callers with the user id
 * @uid are heard. Pins outlive connections. Returns only when the listening socket fails: -errno.
 */
int hold_serve(int listen_fd, unsigned uid, Shards *shards);

/* Handles what is waiting on the connection @fd: one request and its answer. 1: go on; 0: the other
 * end is gone; -errno: the connection is of no use any more. */
int hold_serve_one(int fd, Shards *shards);
