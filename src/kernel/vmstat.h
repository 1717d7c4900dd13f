/* SPDX-License-Identifier: MIT */
#pragma once

/* How much reclaim took since the host was booted, because the host was short: what cgroups reclaim
 * at their own limits is not in it. */

#include <stdint.h>

/* The text of /proc/vmstat; pages. -EBADMSG where there is no such count. */
int vmstat_parse_steals(const char *text, uint64_t *ret);

/* 0, -EBADMSG, or what opening and reading vmstat in @proc_fd fails with. */
int vmstat_read_steals(int proc_fd, uint64_t *ret);
