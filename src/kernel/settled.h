/* SPDX-License-Identifier: MIT */
#pragma once

/* Whether a file may have dirty pages, also where the kernel does not count them (before Linux 6.5,
 * and on overlayfs). */

#include <stdbool.h>
#include <stdint.h>

/* False: all that is in memory of the file is clean. @fd is open for reading. */
bool file_may_be_dirty(int fd);

/* Where they are not counted. True: it was last changed so long ago that the kernel has written it
 * since, or is about to (vm.dirty_expire_centisecs, vm.dirty_writeback_centisecs). False: nobody
 * can tell. */
bool file_is_settled(int fd);

/* The same of a file changed at @changed_usec, now being @now_usec, both of CLOCK_REALTIME; both
 * settings in hundredths of a second. Pure. */
bool is_settled(uint64_t changed_usec, uint64_t now_usec, uint64_t expire, uint64_t every);
