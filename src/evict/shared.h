/* SPDX-License-Identifier: MIT */
#pragma once

/* A large part of a file, evicted by two threads. */

#include "kernel/evict.h"

/* What evict_advise() does, and returns: by the caller and another thread where there is much to
 * take, it was measured, and no rate is set; otherwise by the caller alone. */
int evict_advise_shared(const Evicting *evicting);
