/* SPDX-License-Identifier: MIT */
#pragma once

/* Reads files into memory on behalf of the control group that this process was put into. */

/* Serves the other end of the connected socket @fd until it closes that, and only HOLD_PIN whose
 * items are all HOLD_LOCK_NONE: what is missing of them in memory is read, and so charged to the
 * control group of this process. 0: the other end is gone; -errno.
 */
int fill_serve(int fd);
