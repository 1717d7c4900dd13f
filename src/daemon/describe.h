/* SPDX-License-Identifier: MIT */
#pragma once

#include <json-c/json.h>

#include "config/load.h"
#include "daemon/released.h"
#include "daemon/target.h"

/* One entry of "targets"; the format is documented in pagewarden(1). @again_usec: until pins come
 * back that were let go for want of memory; 0: nobody knows. NULL: out of memory. */
json_object *describe_target(const Target *target, uint64_t again_usec);

/* "released": paths. */
json_object *describe_released(const Released *released);

/* "policies". */
json_object *describe_policies(const Policies *policies);
json_object *describe_settings(const Config *config);
