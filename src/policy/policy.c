/* SPDX-License-Identifier: MIT */
#include "policy/policy.h"

#include "policy/names.h"
#include "util/strv.h"

LimitConfig policy_limit(const Policy *policy)
{
    if (policy->memory_high.mode == LIMIT_OFF && policy->cache_brake)
        return (LimitConfig){ .mode = LIMIT_BRAKE, .value = policy->cache_max };
    return policy->memory_high;
}

const char *policy_role_to_string(PolicyRole role)
{
    return policy_role_names.names[role];
}

const char *policy_mode_to_string(PolicyMode mode)
{
    return policy_mode_names.names[mode];
}

const char *limit_mode_to_string(LimitMode mode)
{
    return mode == LIMIT_BRAKE ? "brake" : limit_mode_names.names[mode];
}

const char *access_to_string(Access access)
{
    return access_names.names[access];
}

const char *pin_charge_to_string(PinCharge charge)
{
    return pin_charge_names.names[charge];
}

static void free_rules(Policy *policy)
{
    pin_rules_free(policy->pins, policy->n_pins);
    for (size_t i = 0; i < policy->n_evicts; i++)
        free(policy->evicts[i].path);
    free(policy->evicts);
    for (size_t i = 0; i < policy->n_advises; i++)
        free(policy->advises[i].path);
    free(policy->advises);
}

Policy *policy_free(Policy *policy)
{
    if (!policy)
        return NULL;

    free_rules(policy);
    (void)strv_free(policy->units);
    (void)strv_free(policy->cgroups);
    (void)strv_free(policy->files);
    free(policy->description);
    free(policy->name);
    free(policy);
    return NULL;
}
