/* SPDX-License-Identifier: MIT */
#pragma once

/* Absolute paths, of files as of control groups, without a slash at the end but for "/". Pure. */

#include <stdbool.h>

/* Whether @path is @folder, or below it. */
bool path_is_below(const char *path, const char *folder);
