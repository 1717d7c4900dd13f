/* SPDX-License-Identifier: MIT */
/* Globs are compared as texts, without their braces: others that match the same units are told of
 * when there is such a unit. Those of units and of cgroups are never the same, because a cgroup's
 * begins with a slash. Sorted, what is shared stands together, the winner first. */
#include "config/draws.h"

#include <string.h>

#include "policy/text.h"
#include "util/strv.h"

typedef struct Reading {
    const char *glob;
    size_t rank; /* among all, in the order of entries and of what each says */
    ConfigEntry *entry;
    const Policy *policy;
    const Policy *winner; /* has the same glob, and a name before this one's */
} Reading;

typedef struct Readings {
    Reading *all;
    size_t n;
} Readings;

/* NULL: not in force, or another file's policy of the same name is. */
static const Policy *policy_of(const Policies *policies, const ConfigEntry *entry)
{
    if (entry->state != CONFIG_IN_FORCE)
        return NULL;
    const Policy *policy = policy_set_find(&policies->set, entry->name);
    return policy && strcmp(policy->files[0], entry->sources[0].path) == 0 ? policy : NULL;
}

static size_t count(const Policies *policies)
{
    size_t n = 0;

    for (size_t i = 0; i < policies->n_entries; i++) {
        const Policy *policy = policy_of(policies, &policies->entries[i]);
        if (policy)
            n += strv_length(policy->units) + strv_length(policy->cgroups);
    }
    return n;
}

static void add(Readings *readings, char *const *globs, ConfigEntry *entry, const Policy *policy)
{
    STRV_FOREACH (glob, globs) {
        readings->all[readings->n] = (Reading){
            .glob = *glob,
            .rank = readings->n,
            .entry = entry,
            .policy = policy,
        };
        readings->n++;
    }
}

static int by_glob(const void *a, const void *b)
{
    const Reading *x = a, *y = b;
    int order = strcmp(x->glob, y->glob);

    return order != 0 ? order : strcmp(x->policy->name, y->policy->name);
}

static int compare_pairs(const Reading *x, const Reading *y)
{
    int order = strcmp(x->policy->name, y->policy->name);

    return order != 0 ? order : strcmp(x->winner->name, y->winner->name);
}

static int by_pair(const void *a, const void *b)
{
    const Reading *x = a, *y = b;
    int order = compare_pairs(x, y);

    return order != 0 ? order : (x->rank > y->rank) - (x->rank < y->rank);
}

/* Leaves those that lose, with whom they lose to. */
static void keep_losers(Readings *readings)
{
    Reading first = { 0 };
    size_t n = 0;

    for (size_t i = 0; i < readings->n; i++) {
        Reading reading = readings->all[i];

        if (i == 0 || strcmp(first.glob, reading.glob) != 0)
            first = reading;
        reading.winner = first.policy;
        if (reading.policy != first.policy)
            readings->all[n++] = reading;
    }
    readings->n = n;
}

int policies_warn_of_draws(Policies *policies)
{
    CLEANUP_FREE Reading *all = calloc(count(policies) + 1, sizeof(Reading));
    Readings readings = { .all = all };

    if (!all)
        return -ENOMEM;
    for (size_t i = 0; i < policies->n_entries; i++) {
        const Policy *policy = policy_of(policies, &policies->entries[i]);
        if (!policy)
            continue;
        add(&readings, policy->units, &policies->entries[i], policy);
        add(&readings, policy->cgroups, &policies->entries[i], policy);
    }
    qsort(all, readings.n, sizeof(Reading), by_glob);
    keep_losers(&readings);
    qsort(all, readings.n, sizeof(Reading), by_pair);
    for (size_t i = 0; i < readings.n; i++) {
        if (i > 0 && compare_pairs(&all[i - 1], &all[i]) == 0)
            continue;
        int r = diagnostics_add(&all[i].entry->diagnostics, SEVERITY_WARNING, (PolicyPlace){ 0 },
                                "policy %s matches %s as well and comes first by name: it governs "
                                "those units",
                                QUOTE(all[i].winner->name), QUOTE(all[i].glob));
        if (r < 0)
            return r;
    }
    return 0;
}
