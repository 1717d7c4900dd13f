/* SPDX-License-Identifier: MIT */
#pragma once

/* Whether someone has told the controller to keep its hands off: a file in the runtime folder, so
 * that it holds over restarts, and no longer than until the next boot. */

#include <stdbool.h>

#define PAUSE_NAME "paused"

bool pause_is_on(int runtime_fd);

/* 0 or -errno, and then it is as it was. */
int pause_set(int runtime_fd, bool on);
