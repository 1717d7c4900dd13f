/* SPDX-License-Identifier: MIT */
#pragma once

#include "daemon/target.h"

/* All files that any holder has, sorted by pin_held_compare(), to be freed. NULL and 0 where there
 * are none, or no memory. */
PinHeld *all_pins(Target *const *targets, size_t n_targets, size_t *ret_n);
