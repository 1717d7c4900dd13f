/* SPDX-License-Identifier: MIT */
#pragma once

#include "config/policies.h"
#include "daemon/jobs.h"

/* @error 0 or -errno; what is not taken out of @policies is freed afterwards, on failure it is
 * empty. */
typedef void (*policies_loaded_t)(int error, Policies *policies, void *userdata);

/* policies_load() on a worker: even /etc can be on a slow disk. Told exactly once, unless the queue
 * ends before. What @places points to must stay. -ENOMEM. */
int policies_load_later(Jobs *jobs, const ConfigPlaces *places, uint64_t ram,
                        policies_loaded_t loaded, void *userdata);
