/* SPDX-License-Identifier: MIT */
#pragma once

/* Which files the pin rules of a policy mean. */

#include "control/pin_order.h"
#include "policy/rules.h"
#include "select/files.h"

/* What @rule means of a file of @size bytes that it takes; a length of 0: nothing. */
SelectedPart pin_part(const PinRule *rule, uint64_t size);

/* In the order of their importance. Of each rule: what its path matches, or
 * what the scope's processes have mapped (executables, then libraries, by path), but for what is
 * excluded or larger than max_size, each with as many bytes as its range allows for. A file counts
 * for the first rule that takes it; empty ones for none. A deleted file is excluded by the name
 * that it had.
 *
 * *ret is to be cleared. Fails as walk_glob() does. */
int pin_files(const SelectScope *scope, const PinRule *rules, size_t n_rules, const PinOrder *order,
              SelectedFiles *ret);
