/* SPDX-License-Identifier: MIT */
#include "policy/rules.h"

#include <string.h>

#include "util/strv.h"

void pin_rules_free(PinRule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(rules[i].path);
        strv_free(rules[i].excludes);
    }
    free(rules);
}

static int copy_rule(const PinRule *rule, PinRule *ret)
{
    *ret = *rule;
    ret->path = NULL;
    ret->excludes = NULL;

    if (rule->path) {
        ret->path = strdup(rule->path);
        if (!ret->path)
            return -ENOMEM;
    }
    return strv_copy(rule->excludes, &ret->excludes);
}

int pin_rules_copy(const PinRule *rules, size_t n, PinRule **ret)
{
    PinRule *copy = NULL;

    if (n > 0) {
        copy = calloc(n, sizeof(PinRule));
        if (!copy)
            return -ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        int r = copy_rule(&rules[i], &copy[i]);
        if (r < 0) {
            pin_rules_free(copy, n);
            return r;
        }
    }
    *ret = copy;
    return 0;
}
