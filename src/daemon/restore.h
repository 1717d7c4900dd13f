/* SPDX-License-Identifier: MIT */
#pragma once

#include "daemon/ledger.h"

/* Puts back what the ledger says, where the value is still ours, and empties it; what cannot be put
 * back now stays in it. Waits for systemd, or without its bus writes the cgroup files: not for the
 * loop. Returns how many entries are left, or -errno where the ledger could not be written: then it
 * may still have what was put back, which does no harm. */
int restore_limits(Ledger *ledger, int cgroup_fd);

/* What a controller that has ended left: its limits, as restore_limits() does, and where our own
 * unit is being stopped for good, all holders. *ret_holders: 1 if they were stopped, else 0 or
 * -errno. */
int restore_step(Ledger *ledger, int cgroup_fd, int *ret_holders);
