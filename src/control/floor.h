/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "control/sample.h"

/* Bytes above what cannot be reclaimed that a limit leaves: a service's system calls charge a
 * little even when it is idle, and each that hits memory.high without anything to reclaim stalls
 * for about 2 s. */
#define FLOOR_MARGIN (UINT64_C(16) * 1024 * 1024)

/* Bytes of this cgroup that file-only reclaim cannot take. Anonymous and shared memory count in
 * full: swap is not ours to fill. Locked file pages are in unevictable. */
uint64_t unreclaimable(const Sample *sample);

/* The lowest value memory.high may ever get: unreclaimable() and FLOOR_MARGIN, and at least
 * memory.min and @min bytes. */
uint64_t limit_floor(const Sample *sample, uint64_t min);
