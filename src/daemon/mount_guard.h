/* SPDX-License-Identifier: MIT */
#pragma once

/* Has systemd release what is pinned on a file system before it stops the mount unit. */

#include "daemon/host.h"
#include "systemd/units.h"

typedef struct MountGuard MountGuard;

int mount_guard_new(Host *host, MountGuard **ret);

/* The units stay. Takes NULL, returns NULL. */
MountGuard *mount_guard_free(MountGuard *guard);

DEFINE_CLEANUP(MountGuard *, mount_guard_free)

/* Files on these are pinned now, as mount points. To be called every now and then. */
void mount_guard_want(MountGuard *guard, char *const *mounts);

/* systemd's list: whose unit was stopped with its mount gets another one. */
void mount_guard_note_units(MountGuard *guard, const UnitEntry *units, size_t n_units);

/* What was asked of systemd will not be answered. */
void mount_guard_bus_lost(MountGuard *guard);
