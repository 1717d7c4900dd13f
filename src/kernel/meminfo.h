/* SPDX-License-Identifier: MIT */
#pragma once

/* The host's memory, from /proc/meminfo. */

#include <stdint.h>

/* Bytes. */
typedef struct MemInfo {
    uint64_t total;
    uint64_t free;
    uint64_t available;
    uint64_t cached;
    uint64_t dirty;
    uint64_t unevictable;
    uint64_t mlocked; /* misses large folios that were locked before they were mapped (XFS) */
    uint64_t swap_total;
    uint64_t swap_free;
} MemInfo;

/* The text of /proc/meminfo. -EBADMSG where total, free or available is missing. */
int meminfo_parse(const char *text, MemInfo *ret);

/* 0, -EBADMSG, or what opening and reading meminfo in @proc_fd fails with. */
int meminfo_read(int proc_fd, MemInfo *ret);
