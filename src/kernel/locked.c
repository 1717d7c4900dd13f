/* SPDX-License-Identifier: MIT */
/* Rss counts the pages that the page tables hold, also of a mapping that became PROT_NONE after it
 * was locked. */
#include "kernel/locked.h"

#include "kernel/smaps.h"

static void add_locked(const SmapsMapping *mapping, void *userdata)
{
    uint64_t *locked = userdata;

    if (mapping->shared && mapping->locked)
        *locked += mapping->rss;
}

int locked_bytes(int proc_fd, pid_t pid, uint64_t *ret)
{
    uint64_t locked = 0;

    int r = smaps_read(proc_fd, pid, add_locked, &locked);
    if (r >= 0)
        *ret = locked;
    return r;
}
