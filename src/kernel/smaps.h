/* SPDX-License-Identifier: MIT */
#pragma once

/* What each mapping of a process has in its page tables: /proc/PID/smaps. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct SmapsMapping {
    uint64_t begin, end;
    dev_t dev; /* 0 and 0: no file. See kernel/mapped.c for what these numbers are worth */
    uint64_t ino;
    bool shared;
    bool locked;  /* by mlock(), or to be: VM_LOCKED */
    uint64_t rss; /* bytes that its page tables hold */
    uint64_t pss; /* the same, each page divided by the number of its mappings */
} SmapsMapping;

/* Calls @on_mapping for each. Costs the kernel a walk of the page tables. -ESRCH: the process is
 * gone; -EACCES: not ours to look into; -ENOMEM; or what reading fails with. */
int smaps_read(int proc_fd, pid_t pid,
               void (*on_mapping)(const SmapsMapping *mapping, void *userdata), void *userdata);
