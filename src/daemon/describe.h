/* SPDX-License-Identifier: MIT */
#pragma once

#include <json-c/json.h>

#include "config/load.h"
#include "daemon/target.h"

/* One entry of "targets"; the format is documented in pagewarden(1). NULL: out of memory. */
json_object *describe_target(const Target *target);

/* "policies". */
json_object *describe_policies(const Policies *policies);
json_object *describe_settings(const Config *config);
