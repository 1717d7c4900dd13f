/* SPDX-License-Identifier: MIT */
/* Policies, units and limits of a Plan. What the daemon learns from systemd is read from the cgroup
 * tree here; what it then decides is decided by the same code. */
#include "cli/plan.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <pagewarden/names.h>

#include "control/floor.h"
#include "control/stream.h"
#include "kernel/cgroup.h"
#include "kernel/meminfo.h"
#include "kernel/psi.h"
#include "util/io.h"
#include "util/parse.h"
#include "util/strv.h"
#include "util/units.h"

void plan_clear(Plan *plan)
{
    for (size_t i = 0; i < plan->n_policies; i++) {
        plan_files_clear(&plan->policies[i]);
        free(plan->policies[i].governed.units);
        free(plan->policies[i].others.units);
    }
    free(plan->policies);
    running_units_clear(&plan->running);
    cgroup_names_clear(&plan->cgroups);
    *plan = (Plan){ 0 };
}

/* Policies */

static bool is_named(char *const *names, const char *name)
{
    return strv_length(names) == 0 || strv_has(names, name);
}

static int add_policies(Plan *plan, char *const *names)
{
    const Policies *policies = &plan->config->policies;

    plan->policies = calloc(policies->n_entries + 1, sizeof(PlanPolicy));
    if (!plan->policies)
        return -ENOMEM;
    for (size_t i = 0; i < policies->n_entries; i++) {
        const ConfigEntry *entry = &policies->entries[i];
        plan->policies[plan->n_policies++] = (PlanPolicy){
            .entry = entry,
            .policy = entry->state == CONFIG_IN_FORCE ? policy_set_find(&policies->set, entry->name)
                                                      : NULL,
            .shown = is_named(names, entry->name),
            .named = names && names[0] && is_named(names, entry->name),
        };
    }
    return 0;
}

bool plan_is_good(const Plan *plan)
{
    bool good = plan->config->settings_entry.state != CONFIG_REFUSED &&
                plan->config->policies.folders.state != CONFIG_REFUSED;

    for (size_t i = 0; i < plan->n_policies; i++) {
        const PlanPolicy *p = &plan->policies[i];
        good = good && (!p->shown || p->entry->state != CONFIG_REFUSED) &&
               (!p->named || p->entry->state == CONFIG_IN_FORCE);
    }
    return good;
}

/* Units */

static bool is_cgroup(const PlanUnit *unit)
{
    return unit->name[0] == '/';
}

static int add_unit(PlanUnits *list, const PlanUnit *unit)
{
    if (list->n_units == list->n_allocated) {
        size_t n = list->n_allocated * 2 + 8;
        PlanUnit *grown = reallocarray(list->units, n, sizeof(PlanUnit));
        if (!grown)
            return -ENOMEM;
        list->units = grown;
        list->n_allocated = n;
    }
    list->units[list->n_units++] = *unit;
    list->n_cgroups += is_cgroup(unit);
    return 0;
}

static const Policy *governs(const PolicySet *set, const PlanUnit *unit, const Policy **draw)
{
    return policy_set_match(set, is_cgroup(unit) ? NULL : unit->name, unit->cgroup, draw);
}

/* Whether @policy would govern the unit if it were the only one. */
static bool matches(const Policy *policy, const PlanUnit *unit)
{
    Policy *only[] = { (Policy *)policy };
    const PolicySet set = { only, 1 };

    return governs(&set, unit, NULL) != NULL;
}

static int match_unit(Plan *plan, const char *name, const char *cgroup)
{
    PlanUnit unit = { .name = name, .cgroup = cgroup };

    unit.policy = governs(&plan->config->policies.set, &unit, &unit.draw);
    if (!unit.policy || pagewarden_owns_unit(unit.name))
        return 0;
    for (size_t i = 0; i < plan->n_policies; i++) {
        PlanPolicy *p = &plan->policies[i];
        int r = 0;

        if (p->policy == unit.policy)
            r = add_unit(&p->governed, &unit);
        else if (p->shown && p->policy && matches(p->policy, &unit))
            r = add_unit(&p->others, &unit);
        if (r < 0)
            return r;
    }
    return 0;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const CgroupName *)a)->path, ((const CgroupName *)b)->path);
}

/* Those that systemd does not keep, and nobody else. */
static int match_cgroups(const PlanScope *scope, Plan *plan)
{
    if (!policy_set_has_cgroups(&plan->config->policies.set))
        return 0;
    int r = cgroup_names_read(scope->cgroup_fd, &plan->cgroups);
    if (r < 0)
        return r;
    qsort(plan->cgroups.names, plan->cgroups.n_names, sizeof(CgroupName), by_path);
    for (size_t i = 0; i < plan->cgroups.n_names && r >= 0; i++) {
        const char *path = plan->cgroups.names[i].path;
        if (cgroup_keeper(path) == KEEPER_NOBODY)
            r = match_unit(plan, path, path);
    }
    return r;
}

static int match_units(const PlanScope *scope, Plan *plan)
{
    int r = scope->cgroup_fd < 0 ? scope->cgroup_fd : cgroup_root_check(scope->cgroup_fd);
    if (r >= 0)
        r = running_units_read(scope->cgroup_fd, &plan->running);
    if (plan_is_fatal(r))
        return r;
    plan->units_error = r;

    for (size_t i = 0; i < plan->running.n_units; i++) {
        r = match_unit(plan, plan->running.units[i].name, plan->running.units[i].cgroup);
        if (r < 0)
            return r;
    }
    if (plan->units_error >= 0)
        r = match_cgroups(scope, plan);
    return plan_is_fatal(r) ? r : 0;
}

/* Limits */

static int read_sample(const PlanScope *scope, const char *path, Sample *ret)
{
    cleanup(cgroup_freep) Cgroup *cgroup = NULL;

    int r = cgroup_open(scope->cgroup_fd, path, &cgroup);
    return r < 0 ? r : cgroup_sample(cgroup, now_usec(), ret);
}

/* As the daemon applies it: the kernel rounds to whole pages, and only `fixed` raises a limit that
 * was there before. */
static LimitDecision applied(LimitDecision decision, LimitMode mode, const Sample *sample,
                             uint64_t page)
{
    if (decision.want == LIMIT_NONE)
        return decision;
    if (mode != LIMIT_FIXED && decision.want >= sample->high)
        decision.want = LIMIT_NONE;
    else
        decision.want = page_floor(decision.want, page);
    return decision;
}

/* Steps until the last one, if the unit's memory stayed as it is. */
static LimitDecision squeeze(const LimitConfig *config, Sample sample)
{
    const LimitContext context = { .distress = true };
    LimitState state = { 0 };
    LimitDecision decision;

    do {
        decision = limit_decide(&state, config, &context, &sample);
        sample.at_usec += LIMIT_STEP_USEC;
    } while (decision.reason == LIMIT_REASON_FREEZE || decision.reason == LIMIT_REASON_DISTRESS);
    return decision;
}

/* After decide_cap(). */
static void decide_limit(PlanUnit *unit, const Sample *sample, uint64_t swap_free, uint64_t page)
{
    const LimitConfig config = policy_limit(unit->policy);
    const LimitContext context = {
        .capped = cap_is_kept(unit->cap.reason),
        .swap_free = swap_free,
    };
    LimitState fresh = { 0 };

    unit->current = sample->current;
    unit->high = sample->high;
    StreamCache cache = stream_cache(sample);
    unit->stream = unit->policy->role == ROLE_CRITICAL ? 0 : stream_excess(&cache);
    unit->floor = limit_floor(sample, config.mode == LIMIT_YIELD ? config.min : 0);
    unit->now = applied(limit_decide(&fresh, &config, &context, sample), config.mode, sample, page);
    unit->squeezed = (LimitDecision){ .want = LIMIT_NONE, .reason = LIMIT_REASON_OFF };
    if (config.mode == LIMIT_YIELD)
        unit->squeezed = applied(squeeze(&config, *sample), config.mode, sample, page);
}

static bool has_rules(const Policy *policy)
{
    for (size_t i = 0; i < policy->n_evicts; i++)
        if (!policy->evicts[i].stream)
            return true;
    return false;
}

/* As a look that finds it so for the first time; whether the kernel can spare anonymous memory only
 * a write would tell. */
static void decide_cap(PlanUnit *unit, const Sample *sample)
{
    const CapContext context = {
        .max = unit->policy->cache_max,
        .has_rules = has_rules(unit->policy),
    };
    CapState fresh = { 0 };

    unit->cache = cap_cache(sample);
    unit->cap = cap_decide(&fresh, &context, sample);
    unit->cap.reclaim = max_u64(unit->cap.reclaim, unit->cap.cold);
}

/* The root cgroup has no memory.high, and leaves all room to pins. */
static int look_at_unit(const PlanScope *scope, const Plan *plan, PlanUnit *unit)
{
    Sample found;
    CLEANUP_FREE char *above = strdup(unit->cgroup);
    if (!above)
        return -ENOMEM;

    unit->pin_room = LIMIT_NONE;
    unit->error = strcmp(unit->cgroup, "/") == 0 ? -ENOTSUP
                                                 : read_sample(scope, unit->cgroup, &found);
    if (unit->error < 0)
        return plan_is_fatal(unit->error) ? unit->error : 0;
    if (!plan->has_psi)
        sample_drop_psi(&found);
    decide_cap(unit, &found);
    decide_limit(unit, &found, plan->swap_free, scope->page);

    unit->pin_room = pin_room_beside(&found);
    for (char *slash; (slash = strrchr(above, '/')) && slash > above;) {
        *slash = '\0';
        int r = read_sample(scope, above, &found);
        if (plan_is_fatal(r))
            return r;
        if (r >= 0)
            unit->pin_room = min_u64(unit->pin_room, pin_room_cgroup(&found));
    }
    return 0;
}

static void look_at_host(const PlanScope *scope, Plan *plan)
{
    const Settings *settings = &plan->config->settings;
    MemInfo info;

    plan->host = (PinHost){ .budget = settings->pin_budget, .reserve = settings->reserve };
    plan->swap_free = LIMIT_SWAP_UNKNOWN;
    if (plan->other_machine)
        return;
    plan->host_error = meminfo_read(scope->proc_fd, &info);
    if (plan->host_error < 0)
        return;
    plan->host.available = info.available;
    plan->host.locked = info.mlocked;
    plan->swap_free = info.swap_free;
    plan->host_room = pin_room_host(&plan->host, &plan->host_bound);
}

/* All of it */

static bool wants_evictions(const Plan *plan)
{
    for (size_t i = 0; i < plan->n_policies; i++) {
        const PlanPolicy *p = &plan->policies[i];
        if (p->shown && p->policy && p->policy->n_evicts > 0)
            return true;
    }
    return false;
}

/* Policies that are not shown matter as well: what they pin is not evicted. */
static int look_at_policies(const PlanScope *scope, Plan *plan)
{
    bool evictions = wants_evictions(plan);

    for (size_t i = 0; i < plan->n_policies; i++) {
        PlanPolicy *p = &plan->policies[i];
        int r = 0;

        for (size_t k = 0; p->shown && k < p->governed.n_units && r >= 0; k++)
            r = look_at_unit(scope, plan, &p->governed.units[k]);
        if (r >= 0 && p->policy && (p->shown || (evictions && p->governed.n_units > 0)))
            r = plan_pins(scope, plan, p, p->shown);
        if (r < 0)
            return r;
    }
    return evictions ? plan_evictions(scope, plan) : 0;
}

int plan_collect(const PlanScope *scope, const Config *config, char *const *names, Plan *ret)
{
    cleanup(plan_clear) Plan plan = {
        .config = config,
        .other_machine = scope->other_machine,
        .has_psi = scope->other_machine || psi_probe(scope->proc_fd) >= 0,
    };

    int r = add_policies(&plan, names);
    if (r >= 0)
        r = match_units(scope, &plan);
    look_at_host(scope, &plan);
    if (r >= 0)
        r = look_at_policies(scope, &plan);
    if (r < 0)
        return r;
    *ret = TAKE(plan, (Plan){ 0 });
    return 0;
}
