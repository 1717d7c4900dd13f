/* SPDX-License-Identifier: MIT */
#pragma once

/* What the looks at files to evict may take of the processor, all units together. */

#include "daemon/target.h"

/* EvictorMoment.cpu_ppm of each of @targets. */
uint64_t evict_share(Target *const *targets, size_t n);
