/* SPDX-License-Identifier: MIT */
#pragma once

#include "config/load.h"
#include "daemon/jobs.h"

/* @error 0 or -errno; what is not taken out of @config is freed afterwards, on failure it is
 * empty. -ECANCELED, and no @config: the queue has ended before. */
typedef void (*config_loaded_t)(int error, Config *config, void *userdata);

/* config_load() on a worker: even /etc can be on a slow disk. Told exactly once. What @places
 * points to must stay. -ENOMEM. */
int config_load_later(Jobs *jobs, const ConfigPlaces *places, uint64_t ram, config_loaded_t loaded,
                      void *userdata);
