/* SPDX-License-Identifier: MIT */
#pragma once

/* The words of the language for each of our enums: names[value]. */

#include <stddef.h>

typedef struct EnumNames {
    const char *const *names;
    size_t n_names;
} EnumNames;

extern const EnumNames policy_role_names;
extern const EnumNames policy_mode_names;
extern const EnumNames limit_mode_names;
extern const EnumNames limit_reclaim_names;
extern const EnumNames pin_lock_names;
extern const EnumNames pin_mapped_names; /* bits */
extern const EnumNames pin_key_names;
extern const EnumNames pin_charge_names;
extern const EnumNames pin_shortage_names;
extern const EnumNames evict_when_names; /* bits */
extern const EnumNames evict_dirty_names;
extern const EnumNames evict_mapped_names;
extern const EnumNames access_names;
extern const EnumNames rotational_disks_names;
extern const EnumNames log_level_names;
