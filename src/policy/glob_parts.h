/* SPDX-License-Identifier: MIT */
#pragma once

/* What the checks of globs.h have in common. For glob*.c only. */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "policy/globs.h"

#define refuse_glob(reason, ...) (snprintf((reason), REASON_MAX, __VA_ARGS__), -EINVAL)

/* 0; -EINVAL with @reason; -ENOMEM. */
typedef int (*GlobRule)(const char *text, char reason[static REASON_MAX]);

/* @as_written judges the glob with its braces, @of_reading each of its readings; results as in
 * globs.h. */
int glob_check(const char *glob, GlobRule as_written, GlobRule of_reading, char ***ret_readings,
               char reason[static REASON_MAX]);

/* Brackets and backslashes of one name, of @n bytes and without braces. */
int glob_check_syntax(const char *name, size_t n, char reason[static REASON_MAX]);
