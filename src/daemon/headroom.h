/* SPDX-License-Identifier: MIT */
#pragma once

/* Whether there is room for a pin, asked of the machine right before each slice. */

#include "control/pin_room.h"
#include "daemon/host.h"

/* How many of @bytes, whole pages, may be locked now for the unit whose cgroup is @cgroup_path,
 * whatever its budget says: what host, service and the slices above it allow. Where that is less
 * than @bytes, *bound says what keeps it back; else it is left as it is. */
uint64_t headroom(const Host *host, const char *cgroup_path, uint64_t bytes, PinBound *bound);

/* The same where a holder beside the service is charged with what is read: the service's own limits
 * bound only what it has cached itself, those of the slices all of it. */
uint64_t headroom_beside(const Host *host, const char *cgroup_path, uint64_t bytes,
                         PinBound *bound);
