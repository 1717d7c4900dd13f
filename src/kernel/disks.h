/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/* Whether all disks of this machine turn, as they say themselves (queue/rotational). False where
 * one does not, where there is none, and in a virtual machine: disks of QEMU and its like say that
 * they turn whatever they are made of. @root_fd is of "/", @proc_fd of /proc. */
bool disks_all_turn(int root_fd, int proc_fd);
