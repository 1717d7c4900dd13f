/* SPDX-License-Identifier: MIT */
#pragma once

/* The words of the language for each of our enums: names[value]. */

#include <stddef.h>

typedef struct EnumNames {
    const char *const *names;
    size_t n_names;
    const char *const *later; /* words that are not supported yet; NULL-terminated, may be NULL */
} EnumNames;

extern const EnumNames policy_role_names;
extern const EnumNames policy_mode_names;
extern const EnumNames limit_mode_names;
