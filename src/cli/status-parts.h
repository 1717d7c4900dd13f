/* SPDX-License-Identifier: MIT */
#pragma once

/* What the parts of `status` share: reading the daemon's JSON without relying on a member being
 * there, since the daemon may be older or newer than the command; and cells, each a string of its
 * own, for the caller to free; NULL: out of memory. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <json-c/json.h>

#include "cli/cli.h"

/* The member of @object at @path ("memory", "high"), which ends with NULL; NULL where it is missing
 * or null. */
struct json_object *status_member(struct json_object *object, const char *const path[]);

#define MEMBER(object, ...) status_member(object, (const char *const[]){ __VA_ARGS__, NULL })

/* Whether @value is a number that is not negative. */
bool status_bytes(struct json_object *value, uint64_t *ret);

/* The string, which stays @value's; NULL where it is none. */
const char *status_text(struct json_object *value);

char *status_unknown(const OutputOptions *options);
char *status_text_cell(struct json_object *value, const OutputOptions *options);
char *status_bytes_cell(struct json_object *value, const OutputOptions *options);
char *status_unit_cell(struct json_object *target, const OutputOptions *options);

/* The table of the targets. 0, or -ENOMEM, -EIO. */
int status_render_targets(struct json_object *targets, FILE *out, const OutputOptions *options);

/* What needs attention, a line each: of targets, pins by hand, policies. 0, or -ENOMEM. */
int status_render_notes(struct json_object *status, FILE *out, const OutputOptions *options);
