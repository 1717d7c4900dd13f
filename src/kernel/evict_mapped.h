/* SPDX-License-Identifier: MIT */
#pragma once

/* The third rung of an eviction: taking a file's pages out of the processes that map it. */

#include "kernel/evict.h"
#include "kernel/mappers.h"

typedef struct PageOut {
    unsigned asked;  /* mappings that are still there */
    unsigned locked; /* of these: locked, and left alone */
    unsigned failed; /* that could not be had for another reason, the last of which is */
    int error;       /* -EPERM: CAP_SYS_NICE, or who may look into that process; 0: none */
} PageOut;

/* process_madvise(MADV_PAGEOUT) on each of @mappers, which are of @evicting's file, as far as its
 * part goes, they are still there, and it is the file's pages that they have. @proc_fd is of /proc.
 * That the kernel does what it is asked is not said: measure, and advise again, since pages that
 * were taken out of processes may stay in the cache. -ECANCELED, -ENOMEM. */
int evict_page_out(const Evicting *evicting, int proc_fd, const Mapper *mappers, size_t n_mappers,
                   PageOut *ret);
