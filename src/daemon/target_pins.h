/* SPDX-License-Identifier: MIT */
#pragma once

/* What concerns the pins of all targets. */

#include "daemon/hands.h"
#include "daemon/mount_guard.h"
#include "daemon/target.h"

/* Their files are looked for at once. */
void targets_rescan_pins(Target *const *targets, size_t n);

/* None has anything that was released before @since_usec. */
bool targets_have_let_go(Target *const *targets, size_t n, uint64_t since_usec);

/* Whether one of them is connected to the holder whose unit is @name. */
bool targets_use_holder(Target *const *targets, size_t n, const char *name);

/* The mounts that files of theirs are on, and those pinned by hand, are guarded. */
void targets_guard_mounts(Target *const *targets, size_t n, const Hands *hands, MountGuard *guard);
