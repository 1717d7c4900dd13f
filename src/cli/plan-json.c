/* SPDX-License-Identifier: MIT */
/* The JSON of a Plan, as pagewarden(1) has it: everything, and null for what is not known. */
#include <errno.h>
#include <string.h>

#include "cli/json.h"
#include "cli/plan-text.h"
#include "policy/names.h"
#include "util/units.h"

/* A new object or array below @key, borrowed; NULL: out of memory. */
static struct json_object *put_new(struct json_object *object, const char *key,
                                   struct json_object *value)
{
    return json_add(object, key, value) < 0 ? NULL : value;
}

static struct json_object *append_object(struct json_object *array)
{
    struct json_object *object = array ? json_object_new_object() : NULL;

    return object && json_append(array, object) >= 0 ? object : NULL;
}

static int put_diagnostics(struct json_object *object, const ConfigEntry *entry)
{
    struct json_object *list = put_new(object, "diagnostics", json_object_new_array());
    const Diagnostics *diagnostics = &entry->diagnostics;
    int r = list ? 0 : -ENOMEM;

    /* The one behind the last only counts the others. */
    for (size_t i = 0; i < diagnostics->n_entries && i < DIAGNOSTICS_MAX && r >= 0; i++)
        r = json_append(list, json_diagnostic(entry, &diagnostics->entries[i]));
    return r < 0 ? r : json_add_number(object, "more", true, diagnostics->n_more);
}

static int put_problems(struct json_object *object, const PlanProblems *problems)
{
    struct json_object *list = put_new(object, "passed_over", json_object_new_array());
    int r = list ? 0 : -ENOMEM;

    for (size_t i = 0; i < problems->n_entries && r >= 0; i++) {
        struct json_object *problem = append_object(list);
        r = problem ? json_add_text(problem, "path", problems->entries[i].path) : -ENOMEM;
        if (r >= 0)
            r = json_add_text(problem, "reason", problems->entries[i].why);
    }
    return r;
}

/* Units */

static int put_decision(struct json_object *object, const char *key, bool known,
                        const LimitDecision *decision)
{
    if (!known)
        return json_add_text(object, key, NULL);
    struct json_object *child = put_new(object, key, json_object_new_object());
    int r = child ? json_add_number(child, "value", decision->want != LIMIT_NONE, decision->want)
                  : -ENOMEM;
    return r < 0 ? r : json_add_text(child, "reason", limit_reason_to_string(decision->reason));
}

static int put_cap(struct json_object *object, const PlanUnit *unit)
{
    if (unit->error < 0 || unit->policy->cache_max == LIMIT_NONE)
        return json_add_text(object, "cache", NULL);
    struct json_object *child = put_new(object, "cache", json_object_new_object());
    int r = child ? json_add_number(child, "max", true, unit->policy->cache_max) : -ENOMEM;
    if (r >= 0)
        r = json_add_number(child, "now", true, unit->cache);
    if (r >= 0)
        r = json_add_number(child, "take", true, unit->cap.reclaim);
    return r < 0 ? r : json_add_text(child, "reason", cap_reason_to_string(unit->cap.reason));
}

static int put_unit(struct json_object *list, const PlanUnit *unit)
{
    struct json_object *object = append_object(list);
    bool known = unit->error >= 0;

    int r = object ? json_add_text(object, "unit", unit->name) : -ENOMEM;
    if (r >= 0)
        r = json_add_text(object, "cgroup", unit->cgroup);
    if (r >= 0)
        r = json_add_text(object, "draw", unit->draw ? unit->draw->name : NULL);
    if (r >= 0)
        r = json_add_number(object, "current", known, unit->current);
    if (r >= 0)
        r = json_add_number(object, "high", known && unit->high != LIMIT_NONE, unit->high);
    if (r >= 0)
        r = json_add_number(object, "floor", known, unit->floor);
    if (r >= 0)
        r = put_decision(object, "planned", known, &unit->now);
    if (r >= 0)
        r = put_decision(object, "in_distress",
                         known && unit->policy->memory_high.mode == LIMIT_YIELD, &unit->squeezed);
    if (r >= 0)
        r = put_cap(object, unit);
    if (r >= 0)
        r = json_add_number(object, "pin_room", known && unit->pin_room != LIMIT_NONE,
                            unit->pin_room);
    return r < 0 ? r : json_add_text(object, "error", plan_unit_error(unit));
}

static int put_units(struct json_object *object, const Plan *plan, const PlanPolicy *p)
{
    struct json_object *units, *others;
    int r = 0;

    if (plan->units_error < 0) {
        r = json_add_text(object, "units", NULL);
        return r < 0 ? r : json_add_text(object, "others", NULL);
    }
    units = put_new(object, "units", json_object_new_array());
    others = put_new(object, "others", json_object_new_array());
    if (!units || !others)
        return -ENOMEM;
    for (size_t i = 0; i < p->governed.n_units && r >= 0; i++)
        r = put_unit(units, &p->governed.units[i]);
    for (size_t i = 0; i < p->others.n_units && r >= 0; i++) {
        struct json_object *other = append_object(others);
        r = other ? json_add_text(other, "unit", p->others.units[i].name) : -ENOMEM;
        if (r >= 0)
            r = json_add_text(other, "policy", p->others.units[i].policy->name);
    }
    return r;
}

/* Files */

static int put_pin(struct json_object *list, const PlanPin *pin)
{
    struct json_object *object = append_object(list);
    char path[SELECTED_PATH_MAX];

    int r = object ? json_add_text(object, "path", selected_path(pin->file, path)) : -ENOMEM;
    if (r >= 0)
        r = json_add_number(object, "size", true, pin->file->size);
    if (r >= 0)
        r = json_add_text(object, "lock", pin_lock_names.names[pin->lock]);
    if (r >= 0)
        r = json_add_number(object, "wanted", true, pin->wanted);
    if (r >= 0)
        r = json_add_number(object, "pinned", true, pin->target);
    return r < 0 ? r : json_add_number(object, "resident", pin->has_resident, pin->resident);
}

static int put_pins(struct json_object *policy, const PlanPolicy *p)
{
    const PlanPins *pins = &p->pins;
    struct json_object *object, *list;
    size_t end = plan_budget_end(pins);

    if (p->policy->n_pins == 0)
        return json_add_text(policy, "pin", NULL);
    object = put_new(policy, "pin", json_object_new_object());
    list = object ? put_new(object, "files", json_object_new_array()) : NULL;
    int r = list ? json_add_number(object, "budget", true, p->policy->pin_budget) : -ENOMEM;
    for (size_t i = 0; i < pins->selected.n_files && r >= 0; i++)
        r = put_pin(list, &pins->files[i]);
    if (r >= 0)
        r = json_add(object, "restore", json_object_new_boolean(p->policy->pin_restore));
    if (r >= 0)
        r = json_add_number(object, "pinned", true, pins->sum);
    if (r >= 0)
        r = json_add_number(object, "files_not_whole", true, pins->selected.n_files - end);
    if (r >= 0)
        r = json_add_number(object, "bytes_not_pinned", true, plan_not_pinned(pins, end));
    if (r >= 0)
        r = json_add_number(object, "too_large", true, pins->selected.n_too_large);
    if (r >= 0)
        r = json_add_number(object, "excluded", true, pins->selected.n_excluded);
    if (r >= 0)
        r = json_add_text(object, "error", pins->error < 0 ? strerror(-pins->error) : NULL);
    return r < 0 ? r : put_problems(object, &pins->passed_over);
}

static const char *verdict_to_string(EvictVerdict verdict)
{
    return verdict == EVICT_PINNED ? "pinned" : verdict == EVICT_IN_USE ? "in-use" : "evict";
}

static int put_evict_file(struct json_object *list, const PlanEvictFile *file)
{
    struct json_object *object = append_object(list);

    int r = object ? json_add_text(object, "path", file->path) : -ENOMEM;
    if (r >= 0)
        r = json_add_number(object, "size", true, file->size);
    if (r >= 0)
        r = json_add_number(object, "resident", true, file->resident);
    if (r >= 0)
        r = json_add_number(object, "dirty", file->has_dirty, file->dirty);
    return r < 0 ? r
                 : json_add_text(object, "verdict",
                                 file->unsure ? NULL : verdict_to_string(file->verdict));
}

/* null: the whole file. */
static int put_range(struct json_object *rule, const ByteRange *range)
{
    if (range_is_all(range))
        return json_add_number(rule, "range", false, 0);
    struct json_object *object = put_new(rule, "range", json_object_new_object());
    int r = object ? json_add_number(object, "begin", true, range->begin) : -ENOMEM;
    return r < 0 ? r : json_add_number(object, "end", range->end < UINT64_MAX, range->end);
}

static int put_evict(struct json_object *rules, const PlanEvict *evict)
{
    struct json_object *object = append_object(rules);
    struct json_object *list = object ? json_object_new_array() : NULL;
    const EvictRule *rule = evict->rule;

    int r = list ? json_add_text(object, "path", rule->stream ? NULL : rule->path) : -ENOMEM;
    if (r >= 0)
        r = json_add(object, "stream", json_object_new_boolean(rule->stream));
    if (r >= 0)
        r = json_add_number(object, "idle_usec", true, rule->idle_usec);
    if (r >= 0)
        r = json_add_number(object, "every_usec", true, rule->every_usec);
    if (r >= 0)
        r = put_range(object, &rule->range);
    for (size_t i = 0; i < evict->n_files && r >= 0; i++)
        r = put_evict_file(list, &evict->files[i]);
    if (r >= 0)
        r = json_add_number(object, "matching", true, evict->n_matching);
    if (r >= 0)
        r = json_add_number(object, "unknown", true, evict->n_unknown);
    if (r >= 0)
        r = json_add_number(object, "bytes", true, evict->bytes);
    if (r >= 0)
        return json_add(object, "files", list);
    json_object_put(list);
    return r;
}

static int put_evictions(struct json_object *policy, const PlanPolicy *p)
{
    struct json_object *object = put_new(policy, "evict", json_object_new_object());
    struct json_object *rules = object ? put_new(object, "rules", json_object_new_array()) : NULL;
    int r = rules ? 0 : -ENOMEM;

    for (size_t i = 0; i < p->policy->n_evicts && r >= 0; i++)
        r = put_evict(rules, &p->evicts[i]);
    if (r >= 0)
        r = json_add_text(object, "error", p->evict_error < 0 ? strerror(-p->evict_error) : NULL);
    return r < 0 ? r : put_problems(object, &p->evict_passed_over);
}

static int put_advice(struct json_object *policy, const PlanPolicy *p)
{
    struct json_object *list = put_new(policy, "advise", json_object_new_array());
    int r = list ? 0 : -ENOMEM;

    for (size_t i = 0; i < p->policy->n_advises && r >= 0; i++) {
        const AdviseRule *rule = &p->policy->advises[i];
        struct json_object *object = append_object(list);
        r = object ? json_add_text(object, "path", rule->path) : -ENOMEM;
        if (r >= 0)
            r = json_add_text(object, "access", access_to_string(rule->access));
    }
    return r;
}

/* All of it */

static int put_policy(struct json_object *list, const Plan *plan, const PlanPolicy *p)
{
    struct json_object *object = append_object(list);

    int r = object ? json_add_text(object, "name", p->entry->name) : -ENOMEM;
    if (r >= 0)
        r = json_add_text(object, "state", config_state_to_string(p->entry->state));
    if (r >= 0)
        r = json_add(object, "files", json_sources(p->entry, 0));
    if (r >= 0)
        r = put_diagnostics(object, p->entry);
    if (r < 0 || !p->policy)
        return r;

    r = json_add_text(object, "description", p->policy->description);
    if (r >= 0)
        r = json_add_text(object, "role", policy_role_to_string(p->policy->role));
    if (r >= 0)
        r = json_add_text(object, "mode", policy_mode_to_string(p->policy->mode));
    if (r >= 0)
        r = json_add_text(object, "memory_high",
                          limit_mode_to_string(policy_limit(p->policy).mode));
    if (r >= 0)
        r = put_units(object, plan, p);
    if (r >= 0)
        r = put_pins(object, p);
    if (r >= 0)
        r = put_evictions(object, p);
    return r < 0 ? r : put_advice(object, p);
}

static int put_settings(struct json_object *root, const Config *config)
{
    struct json_object *settings = put_new(root, "settings", json_object_new_object());
    struct json_object *folders = put_new(root, "folders", json_object_new_object());

    int r = settings && folders
                ? json_add_text(settings, "state",
                                config_state_to_string(config->settings_entry.state))
                : -ENOMEM;
    if (r >= 0)
        r = put_diagnostics(settings, &config->settings_entry);
    return r < 0 ? r : put_diagnostics(folders, &config->policies.folders);
}

static int put_host(struct json_object *root, const Plan *plan)
{
    struct json_object *object = put_new(root, "host", json_object_new_object());
    bool known = plan_knows_host(plan);

    int r = object ? json_add_number(object, "pin_budget", true, plan->host.budget) : -ENOMEM;
    if (r >= 0)
        r = json_add_number(object, "reserve", true, plan->host.reserve);
    if (r >= 0)
        r = json_add_number(object, "available", known, plan->host.available);
    if (r >= 0)
        r = json_add_number(object, "locked", known, plan->host.locked);
    if (r >= 0)
        r = json_add_number(object, "room", known, plan->host_room);
    if (r >= 0)
        r = plan->other_machine ? json_add_text(object, "psi", NULL)
                                : json_add(object, "psi", json_object_new_boolean(plan->has_psi));
    return r < 0 ? r
                 : json_add_number(object, "processes_not_seen",
                                   plan->openers_asked && plan->openers_error >= 0,
                                   plan->n_unreadable);
}

int plan_render_json(const Plan *plan, FILE *out, JsonMode mode)
{
    cleanup(json_object_putp) struct json_object *root = json_object_new_object();
    struct json_object *policies = root ? put_new(root, "policies", json_object_new_array()) : NULL;

    int r = policies ? put_settings(root, plan->config) : -ENOMEM;
    for (size_t i = 0; i < plan->n_policies && r >= 0; i++)
        if (plan->policies[i].shown)
            r = put_policy(policies, plan, &plan->policies[i]);
    if (r >= 0)
        r = json_add_text(root, "units_error", plan_units_error(plan));
    if (r >= 0)
        r = put_host(root, plan);
    return r < 0 ? r : json_print(root, out, mode);
}
