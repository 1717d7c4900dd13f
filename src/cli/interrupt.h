/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>

/* From now on the first SIGINT or SIGTERM sets what this returns, so that what was done until then
 * can be told; a second one ends us at once. */
const atomic_bool *catch_interrupts(void);
