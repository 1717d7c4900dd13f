/* SPDX-License-Identifier: MIT */
#pragma once

/* What the text of a policy cannot tell: whether its globs match any file. */

#include "config/entry.h"
#include "policy/policy.h"

/* Adds to @entry's diagnostics a note for each glob of what is pinned or evicted by @policy, which
 * was decoded from it, that matches no file below @root_fd (of "/"). A walk stops at the first
 * file; where one may be in a place that cannot be looked at, such as a network file system,
 * nothing is said. 0, or -errno where it makes no sense to go on. */
int note_unmatched(ConfigEntry *entry, const Policy *policy, int root_fd);
