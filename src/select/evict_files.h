/* SPDX-License-Identifier: MIT */
#pragma once

/* Which files the eviction rules of a policy mean, and which part of each. */

#include "control/evict_plan.h"
#include "policy/rules.h"
#include "select/files.h"

/* What the paths of those rules match that have one, in the order of the rules; whether a
 * file is idle, pinned or in memory at all is not asked. A file counts for the first rule that
 * names it, and for each that has a range, which come last; those of which nothing is to go, such
 * as empty ones, for none. *ret is to be cleared. Fails as walk_glob() does. */
int evict_files(const SelectScope *scope, const EvictRule *rules, size_t n_rules,
                SelectedFiles *ret);

/* What of each file the rule lets go. */
EvictBounds evict_rule_bounds(const EvictRule *rule);
