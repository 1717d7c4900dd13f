/* SPDX-License-Identifier: MIT */
#pragma once

/* Makes the calling thread, and no other, step aside for whoever wants the processor or the disk.
 * What the system does not allow is left. */
void gentle_thread(void);
