/* SPDX-License-Identifier: MIT */
#pragma once

/* What a process really holds locked. */

#include <stdint.h>
#include <sys/types.h>

/* Bytes of @pid's resident pages in shared mappings of files that mlock() holds, from
 * /proc/PID/smaps: Rss of those whose VmFlags have `lo`. (Private ones are the process itself.)
 * Their Locked field is not used: it is a proportional share, halved where the service maps the
 * file as well. Costs the kernel a walk of the page tables. -ESRCH: the process is gone; -EACCES:
 * not ours to look into. */
int locked_bytes(int proc_fd, pid_t pid, uint64_t *ret);
