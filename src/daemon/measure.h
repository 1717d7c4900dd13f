/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/types.h>

#include "daemon/host.h"

/* @error 0 or -errno; @locked bytes, see kernel/locked.h. */
typedef void (*measured_t)(int error, uint64_t locked, void *userdata);

/* Measures on a worker what the process @pid and its children have locked. The job may be abandoned
 * until it is told. NULL: out of memory. */
Job *measure_locked(const Host *host, pid_t pid, measured_t measured, void *userdata);
