/* SPDX-License-Identifier: MIT */
#pragma once

#include <string.h>

#include "policy/rules.h"
#include "unit/test.h"
#include "util/strv.h"

/* Adds a rule of a path (NULL: none) and of no more than that, as it is decoded, to be freed with
 * pin_rules_free(). Valid until the next is added. */
static inline PinRule *add_pin_rule(PinRule **rules, size_t *n, const char *path)
{
    PinRule *grown = reallocarray(*rules, *n + 1, sizeof(PinRule));

    assert_non_null(grown);
    *rules = grown;
    grown[*n] = (PinRule){
        .path = path ? strdup(path) : NULL,
        .max_size = UINT64_MAX,
        .range = { .end = UINT64_MAX },
    };
    return &grown[(*n)++];
}

static inline void exclude_also(PinRule *rule, const char *glob)
{
    assert_int_equal(strv_append(&rule->excludes, glob), 0);
}
