/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/* Locks [@begin, @begin + @size), whole pages that were populated just now. 0: all of it is locked;
 * -errno, as mlock(2): some of it may be. */
int lock_populated(uint8_t *begin, uint64_t size);
