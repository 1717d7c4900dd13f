/* SPDX-License-Identifier: MIT */
#pragma once

#include "daemon/hands.h"
#include "daemon/target.h"

/* All files that any holder has, by a policy or by hand, or is to have as a policy says, sorted by
 * pin_id_compare(), to be freed. NULL and 0 where there are none. -ENOMEM: nothing must be evicted
 * as not pinned. */
int all_pins(Target *const *targets, size_t n_targets, const Hands *hands, PinId **ret,
             size_t *ret_n);
