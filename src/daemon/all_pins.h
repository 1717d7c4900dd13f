/* SPDX-License-Identifier: MIT */
#pragma once

#include "daemon/hands.h"
#include "daemon/target.h"

/* All files that any holder has, by a policy or by hand, sorted by pin_id_compare(), to be freed.
 * NULL and 0 where there are none, or no memory. */
PinId *all_pins(Target *const *targets, size_t n_targets, const Hands *hands, size_t *ret_n);
