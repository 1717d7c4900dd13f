/* SPDX-License-Identifier: MIT */
#pragma once

/* Which of the held files go when memory is short. */

#include "control/pin_plan.h"

/* Marks all of @held as kept but for whole files of together at least @bytes locked, or all: the
 * largest first, and last the smallest that is enough. Sorts @held as it likes. Returns the bytes
 * that go. */
uint64_t pin_shed(PinHeld *held, size_t n, uint64_t bytes);
