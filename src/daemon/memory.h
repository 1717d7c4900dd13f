/* SPDX-License-Identifier: MIT */
#pragma once

/* Keeps the daemon's own memory small, and out of swap. To be called once, before it has any worth
 * mentioning. -errno of mlockall(2): it is not locked; the rest holds. */
int memory_setup(void);
