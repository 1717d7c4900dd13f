/* SPDX-License-Identifier: MIT */
#pragma once

/* JSON as the bus takes it. Out of memory shows as null, or as a member that is missing. */

#include <json-c/json.h>
#include <stdint.h>

#include "daemon/pin_scan.h"

/* Takes @value over. */
void put(json_object *object, const char *key, json_object *value);
void put_size(json_object *object, const char *key, uint64_t bytes);

/* @text may be a file's name, which need not be UTF-8, and D-Bus refuses a reply as a whole for one
 * byte that is not: such bytes are escaped. NULL becomes null. */
void put_string(json_object *object, const char *key, const char *text);

/* A new array of path and reason. */
json_object *put_problems(const PinProblem *problems, size_t n);
