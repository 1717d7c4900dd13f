/* SPDX-License-Identifier: MIT */
#pragma once

/* The parts of a target that act. Each is made when a policy asks for it, and then stays: it is the
 * one that undoes what it did when another policy does not. */

#include "daemon/target.h"
#include "systemd/units.h"

/* Makes those that need to know nothing but the unit, and tells all parts what the policy is;
 * NULL: it is governed no longer. -ENOMEM: some are what they were. */
int target_parts_want(Target *target, const Policy *policy);

/* Whether the policy asks for one that target_parts_place() would make. */
bool target_parts_are_missing(const Target *target);

/* Makes those that need to know where the unit lives: once it has run, and through its restarts.
 * @cap_due is called when it is time to look at the cap. */
int target_parts_place(Target *target, const UnitDetails *details, void (*cap_due)(void *userdata));

/* The unit lives elsewhere now: a holder in its old slice, and limits of its old cgroup, mean
 * nothing. */
void target_parts_leave_place(Target *target);

void target_parts_free(Target *target);
