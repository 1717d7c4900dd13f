/* SPDX-License-Identifier: MIT */
#pragma once

/* The same of systemd, waiting for the answer: for programs without a loop. */

#include <stdbool.h>
#include <stdint.h>

#include "systemd/bus.h"

/* SetUnitProperties(runtime). 0; -ENOENT: systemd knows no such unit; or another -errno. */
int unit_set_memory_high_wait(sd_bus *bus, const char *unit, uint64_t bytes);

/* The unit's MemoryHigh property as systemd has it, bytes. -ENOENT: not loaded. */
int unit_get_memory_high_wait(sd_bus *bus, const char *unit, uint64_t *ret);

/* Stops all units whose name begins with @prefix, and waits until systemd has queued it. */
int units_stop_by_prefix_wait(sd_bus *bus, const char *prefix);

/* True where the unit of the calling process is being stopped for good: false for a restart, or
 * where it ended without anybody asking (a crash), or where that cannot be found out. */
bool own_unit_is_stopping(sd_bus *bus);
