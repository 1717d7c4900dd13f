/* SPDX-License-Identifier: MIT */
/* A scan of 100,000 files takes some 10 MiB, and is over after a second. What malloc(3) gets by
 * mmap(2) goes back when it is freed. What lies in a heap often does not, because the pages of
 * locked memory cannot be given back (MADV_DONTNEED refuses them); and glibc moves ever larger
 * blocks to the heaps, unless its threshold is set. */

#include "daemon/memory.h"

#include <errno.h>
#include <malloc.h>
#include <sys/mman.h>

#define MAPPED_MIN (128 * 1024) /* bytes; what glibc begins with */

int memory_setup(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_MIN);
    /* A controller that waits for its own pages while memory is short is of no use. */
    return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0 ? -errno : 0;
}
