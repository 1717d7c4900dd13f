/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/types.h>

#include "daemon/host.h"

/* Bytes. */
typedef struct Measured {
    uint64_t locked;  /* see kernel/locked.h */
    uint64_t service; /* locked pages that are charged to the service's control group, */
    uint64_t holder;  /* and to the holder's: unevictable of memory.stat */
    uint64_t cgroup;  /* the service's, as cgroup_id(); 0: it has none now */
} Measured;

/* @error 0 or -errno. */
typedef void (*measured_t)(int error, const Measured *measured, void *userdata);

/* Measures on a worker what the process @pid and its children have locked, and to whom it is
 * charged; @cgroup_path is the service's. The job may be abandoned until it is told. NULL: out of
 * memory. */
Job *measure_locked(const Host *host, pid_t pid, const char *cgroup_path, measured_t measured,
                    void *userdata);
