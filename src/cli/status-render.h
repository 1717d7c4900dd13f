/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include <json-c/json.h>

#include "cli/cli.h"

/* Writes what the daemon described (the object of pagewarden(1), JSON) to @out: JSON again, or a
 * table of the targets with what needs attention below it. Pure but for @out. Members that are
 * missing or of another type are shown as unknown. 0, or -ENOMEM, -EIO. */
int status_render(struct json_object *status, FILE *out, const OutputOptions *options);
