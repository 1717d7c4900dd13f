/* SPDX-License-Identifier: MIT */
#pragma once

/* How a service reads files, and how often it is looked for those that it has opened since. Pure.
 */

#include <stdint.h>

typedef enum Access { ACCESS_NORMAL, ACCESS_SEQUENTIAL, ACCESS_RANDOM } Access;

#define ADVISE_CPU_PERCENT 1 /* of one core, at most, that looking at one unit may take */

/* Until the next look, µs: every @interval_usec, or rarer where a look takes @cpu_usec of the
 * processor. */
uint64_t advise_interval(uint64_t interval_usec, uint64_t cpu_usec);
