/* SPDX-License-Identifier: MIT */
/* What a policy owns, and the words for its enums: the same tables decode and print them, so that
 * what is shown can be written back. */
#include "policy/policy.h"

#include "policy/names.h"
#include "util/strv.h"

static const char *const roles[] = {
    [ROLE_NORMAL] = "normal",
    [ROLE_CRITICAL] = "critical",
    [ROLE_BACKGROUND] = "background",
};
static const char *const modes[] = {
    [MODE_ENFORCE] = "enforce",
    [MODE_OBSERVE] = "observe",
};
static const char *const limit_modes[] = {
    [LIMIT_OFF] = "off",
    [LIMIT_FIXED] = "fixed",
    [LIMIT_YIELD] = "yield",
};
static const char *const limit_modes_later[] = { "track", NULL };

const EnumNames policy_role_names = { roles, ELEMENTS(roles), NULL };
const EnumNames policy_mode_names = { modes, ELEMENTS(modes), NULL };
const EnumNames limit_mode_names = { limit_modes, ELEMENTS(limit_modes), limit_modes_later };

const char *policy_role_to_string(PolicyRole role)
{
    return roles[role];
}

const char *policy_mode_to_string(PolicyMode mode)
{
    return modes[mode];
}

const char *limit_mode_to_string(LimitMode mode)
{
    return limit_modes[mode];
}

Policy *policy_free(Policy *policy)
{
    if (!policy)
        return NULL;

    for (size_t i = 0; i < policy->n_pins; i++)
        free(policy->pins[i].path);
    free(policy->pins);
    for (size_t i = 0; i < policy->n_evicts; i++)
        free(policy->evicts[i].path);
    free(policy->evicts);
    (void)strv_free(policy->units);
    free(policy->description);
    free(policy->file);
    free(policy->name);
    free(policy);
    return NULL;
}
