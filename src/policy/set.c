/* SPDX-License-Identifier: MIT */
/* A sorted array: sets are small, built once and asked often, and the order of names is what
 * decides a draw. Matching allocates nothing, so it cannot fail. */
#include "policy/set.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "util/pattern.h"
#include "util/strv.h"

/* Where @name is, or would be. */
static size_t position(const PolicySet *set, const char *name, bool *ret_found)
{
    size_t low = 0, high = set->n_policies;

    *ret_found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(set->policies[middle]->name, name);

        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int policy_set_add(PolicySet *set, Policy *policy)
{
    cleanup(policy_freep) Policy *taken = policy;
    bool found;

    size_t i = position(set, policy->name, &found);
    if (found)
        return -EEXIST;

    Policy **grown = reallocarray(set->policies, set->n_policies + 1, sizeof(Policy *));
    if (!grown)
        return -ENOMEM;

    memmove(&grown[i + 1], &grown[i], (set->n_policies - i) * sizeof(Policy *));
    grown[i] = TAKE_PTR(taken);
    set->policies = grown;
    set->n_policies++;
    return 0;
}

void policy_set_clear(PolicySet *set)
{
    for (size_t i = 0; i < set->n_policies; i++)
        (void)policy_free(set->policies[i]);
    free(set->policies);
    *set = (PolicySet){ 0 };
}

const Policy *policy_set_find(const PolicySet *set, const char *name)
{
    bool found;
    size_t i = position(set, name, &found);

    return found ? set->policies[i] : NULL;
}

bool policy_set_has_cgroups(const PolicySet *set)
{
    for (size_t i = 0; i < set->n_policies; i++)
        if (set->policies[i]->cgroups)
            return true;
    return false;
}

/* How specific a glob is: its literal characters. "nginx*.service" has as many as "nginx.service",
 * which it matches: a plain name is ahead by the half. */
static size_t specificity(const char *glob)
{
    return 2 * pattern_literal_length(glob) + (pattern_has_wildcard(glob) ? 0 : 1);
}

typedef bool (*Matcher)(const char *glob, const char *name);

/* The specificity of the best of @globs that match @name, if it is above *best. False: there is
 * none, or @name is NULL. */
static bool find_best(char *const *globs, const char *name, Matcher match, size_t *best)
{
    bool any = false;

    STRV_FOREACH (glob, name ? globs : NULL) {
        if (!match(*glob, name))
            continue;
        size_t n = specificity(*glob);
        if (n > *best)
            *best = n;
        any = true;
    }
    return any;
}

static bool matches(const Policy *policy, const char *unit, const char *cgroup, size_t *ret_best)
{
    *ret_best = 0;
    bool by_unit = find_best(policy->units, unit, pattern_match_name, ret_best);
    return find_best(policy->cgroups, cgroup, pattern_match_path, ret_best) || by_unit;
}

const Policy *policy_set_match(const PolicySet *set, const char *unit, const char *cgroup,
                               const Policy **ret_draw)
{
    const Policy *best = NULL, *draw = NULL;
    size_t best_n = 0;

    for (size_t i = 0; i < set->n_policies; i++) {
        const Policy *policy = set->policies[i];
        size_t n;

        if (!matches(policy, unit, cgroup, &n))
            continue;
        if (!best || n > best_n) {
            best = policy;
            best_n = n;
            draw = NULL;
        } else if (n == best_n && !draw) {
            draw = policy;
        }
    }

    if (ret_draw)
        *ret_draw = draw;
    return best;
}
