/* SPDX-License-Identifier: MIT */
#pragma once

/* All policies in force, and which of them governs a unit. */

#include <stdbool.h>

#include "policy/policy.h"

typedef struct PolicySet {
    Policy **policies; /* by name, in byte order */
    size_t n_policies;
} PolicySet;

/* Takes the policy over in any case. 0, -ENOMEM, or -EEXIST: that name is there already. */
int policy_set_add(PolicySet *set, Policy *policy);
void policy_set_clear(PolicySet *set);
const Policy *policy_set_find(const PolicySet *set, const char *name);

/* Some policy of it is for control groups. */
bool policy_set_has_cgroups(const PolicySet *set);

/* The policy that governs a unit of the name @unit, at the path @cgroup below the cgroup root
 * (either may be NULL), or NULL: of those with a matching glob the one with the longest literal
 * part, a plain name before a glob; a draw goes to the first by name, and *ret_draw (may be NULL)
 * is the other one. Allocates nothing. */
const Policy *policy_set_match(const PolicySet *set, const char *unit, const char *cgroup,
                               const Policy **ret_draw);
