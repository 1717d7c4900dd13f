/* SPDX-License-Identifier: MIT */
/* The tables of a Plan, policy by policy: units and their limits, pins, evictions, what was said of
 * its files; then what holds for all of them. */
#include <errno.h>
#include <string.h>

#include "cli/plan-text.h"
#include "util/units.h"

/* What was said of @entry, each line indented. */
static int say_messages(FILE *out, const PlanOptions *options, const ConfigEntry *entry,
                        Severity severity)
{
    CLEANUP_FREE char *text = config_entry_format(entry, severity);
    int r = text ? 0 : -ENOMEM;

    for (char *rest = text, *line; r >= 0 && (line = strsep(&rest, "\n"));)
        if (*line)
            r = say(out, options, "  %s", line);
    return r;
}

static int say_all_messages(FILE *out, const PlanOptions *options, const ConfigEntry *entry)
{
    int r = say_messages(out, options, entry, SEVERITY_MISTAKE);
    if (r >= 0)
        r = say_messages(out, options, entry, SEVERITY_WARNING);
    return r < 0 ? r : say_messages(out, options, entry, SEVERITY_NOTE);
}

static const char *bytes_or(uint64_t value, const char *otherwise, char *buffer,
                            const PlanOptions *options)
{
    return value == LIMIT_NONE ? otherwise : format_bytes(buffer, value, options->output.bytes);
}

/* Units and memory.high */

static int say_heading(FILE *out, const PlanOptions *options, const PlanPolicy *p)
{
    const ConfigEntry *entry = p->entry;
    const Policy *policy = p->policy;
    int r;

    switch (entry->state) {
    case CONFIG_MASKED:
        return say(out, options, "%s: masked by %s", entry->name, entry->sources[0].path);
    case CONFIG_MISSING:
        return say(out, options, "%s: there are only drop-ins, in %s", entry->name,
                   entry->sources[0].path);
    case CONFIG_REFUSED:
        return say(out, options, "%s: refused", entry->name);
    case CONFIG_IN_FORCE:
        break;
    }
    r = say(out, options, "%s: %s, %s%s", entry->name, policy_role_to_string(policy->role),
            policy_mode_to_string(policy->mode),
            policy->mode == MODE_OBSERVE ? " (nothing of this would be done)" : "");
    if (r >= 0 && policy->description)
        r = say(out, options, "  %s", policy->description);
    for (size_t i = 0; i < entry->n_sources && r >= 0; i++)
        r = say(out, options, "  %s", entry->sources[i].path);
    return r;
}

static int add_unit(struct libscols_table *table, const PlanUnit *unit, const PlanOptions *options)
{
    char use[FORMAT_SIZE_MAX], high[FORMAT_SIZE_MAX], floor[FORMAT_SIZE_MAX];
    char now[FORMAT_SIZE_MAX], squeezed[FORMAT_SIZE_MAX];
    const char *dash = unknown(options), *left = "as it is";
    bool known = unit->error >= 0;
    CLEANUP_FREE char *name = escape_text(unit->name, options->output.unicode);
    if (!name)
        return -ENOMEM;

    const char *const cells[] = {
        known ? format_bytes(use, unit->current, options->output.bytes) : dash,
        known ? bytes_or(unit->high, "max", high, options) : dash,
        known ? format_bytes(floor, unit->floor, options->output.bytes) : dash,
        known ? bytes_or(unit->now.want, left, now, options) : dash,
        known ? bytes_or(unit->squeezed.want, left, squeezed, options) : dash,
        name,
    };
    /* What is the same in distress is not shown twice. */
    if (unit->policy->memory_high.mode == LIMIT_YIELD)
        return table_add_row(table, cells, ELEMENTS(cells));
    const char *const fewer[] = { cells[0], cells[1], cells[2], cells[3], cells[5] };
    return table_add_row(table, fewer, ELEMENTS(fewer));
}

static int say_cap(FILE *out, const PlanOptions *options, const PlanUnit *unit)
{
    const char *cold = unit->cap.cold > 0 ? ", idle files of its evict rules first" : "";

    switch (unit->cap.reason) {
    case CAP_OFF:
        return 0;
    case CAP_NO_PSI:
        return say(out, options, "  %s: its page cache is not capped without pressure figures",
                   unit->name);
    case CAP_UNDER:
    case CAP_COLD:
    case CAP_OVER:
    case CAP_STUCK:
    case CAP_COSTS:
    case CAP_NO_RECLAIM:
    case CAP_SWAP:
        break;
    }
    return say(out, options, "  %s: its page cache has %s, capped at %s: %s would be taken%s",
               unit->name, BYTES(unit->cache, options), BYTES(unit->policy->cache_max, options),
               unit->cap.reclaim > 0 ? BYTES(unit->cap.reclaim, options) : "nothing", cold);
}

static int say_about_unit(FILE *out, const PlanOptions *options, const PlanUnit *unit,
                          uint64_t pinned)
{
    int r = 0;

    if (unit->draw)
        r = say(out, options, "  %s: \"%s\" matches it equally well, and comes later by name",
                unit->name, unit->draw->name);
    if (r >= 0 && unit->error < 0)
        r = say(out, options, "  %s: %s", unit->name, plan_unit_error(unit));
    if (r >= 0 && unit->error >= 0 && unit->now.reason == LIMIT_REASON_FLOOR)
        r = say(out, options, "  %s: what cannot be reclaimed is above the policy's value",
                unit->name);
    if (r >= 0 && unit->error >= 0 && unit->now.reason == LIMIT_REASON_NO_PSI)
        r = say(out, options, "  %s: no memory.high is set without pressure figures", unit->name);
    if (r >= 0 && unit->error >= 0)
        r = say_cap(out, options, unit);
    if (r >= 0 && unit->error >= 0 && unit->now.reason == LIMIT_REASON_SWAP)
        r = say(out, options, "  %s: no brake above that: the kernel could swap instead",
                unit->name);
    if (r >= 0 && unit->error >= 0 && unit->pin_room < pinned)
        r = say(out, options, "  %s: no more than %s can be pinned: %s", unit->name,
                BYTES(unit->pin_room, options), pin_bound_to_string(PIN_BOUND_CGROUP));
    return r;
}

static int render_units(FILE *out, const PlanOptions *options, const Plan *plan,
                        const PlanPolicy *p)
{
    static const char *const numbers[] = { "USE", "HIGH", "FLOOR", "PLANNED", "IN-DISTRESS" };
    LimitMode mode = policy_limit(p->policy).mode;
    cleanup(scols_unref_tablep) struct libscols_table *table = NULL;
    size_t n = p->governed.n_units, n_numbers = mode == LIMIT_YIELD ? 5 : 4;
    int r;

    if (plan->units_error < 0)
        r = say(out, options, "\nUnits: not known: %s", plan_units_error(plan));
    else if (n == 0)
        r = say(out, options, "\nUnits: none matches now, so that nothing of this is done");
    else
        r = say(out, options, "\nUnits: %zu match%s now; memory.high: %s", n, n == 1 ? "es" : "",
                limit_mode_to_string(mode));
    if (r >= 0 && n > 0)
        r = plan_table_new(out, options, numbers, n_numbers, "UNIT", &table);
    for (size_t i = 0; i < n && r >= 0; i++)
        r = add_unit(table, &p->governed.units[i], options);
    if (r >= 0 && table)
        r = table_print(table);
    for (size_t i = 0; i < n && r >= 0; i++)
        r = say_about_unit(out, options, &p->governed.units[i],
                           p->governed.units[i].name[0] == '/' ? 0 : p->pins.sum);
    for (size_t i = 0; i < p->others.n_units && r >= 0; i++)
        r = say(out, options, "  %s: matches, and is governed by \"%s\"", p->others.units[i].name,
                p->others.units[i].policy->name);
    return r;
}

static int render_advice(FILE *out, const PlanOptions *options, const PlanPolicy *p)
{
    int r = 0;

    for (size_t i = 0; i < p->policy->n_advises && r >= 0; i++)
        r = say(out, options, "\nRead-ahead of %s, where the units have it open: %s",
                p->policy->advises[i].path, access_to_string(p->policy->advises[i].access));
    return r;
}

/* All of it */

static int render_policy(FILE *out, const PlanOptions *options, const Plan *plan,
                         const PlanPolicy *p)
{
    int r = say_heading(out, options, p);
    if (r < 0 || !p->policy)
        return r < 0 ? r : say_all_messages(out, options, p->entry);

    r = render_units(out, options, plan, p);
    if (r >= 0)
        r = plan_render_pins(out, options, plan, p);
    if (r >= 0)
        r = plan_render_evictions(out, options, p);
    if (r >= 0)
        r = render_advice(out, options, p);
    if (r >= 0 && p->entry->diagnostics.n_entries > 0)
        r = say(out, options, "\nNotes:");
    return r < 0 ? r : say_all_messages(out, options, p->entry);
}

/* Between two parts. */
static int say_gap(FILE *out, bool *first)
{
    return TAKE(*first, false) || fputs("\n\n", out) >= 0 ? 0 : -EIO;
}

static int render_entry(FILE *out, const PlanOptions *options, const ConfigEntry *entry,
                        const char *heading, bool *first)
{
    if (entry->state != CONFIG_REFUSED && entry->diagnostics.n_entries == 0)
        return 0;
    int r = say_gap(out, first);
    if (r >= 0)
        r = say(out, options, "%s:", heading);
    return r < 0 ? r : say_all_messages(out, options, entry);
}

static int render_masked_settings(FILE *out, const PlanOptions *options,
                                  const ConfigEntry *settings, bool *first)
{
    int r = say_gap(out, first);
    if (r >= 0)
        r = say(out, options, "Settings are masked by %s, and the defaults shown",
                settings->sources[0].path);
    return r < 0 ? r : say_all_messages(out, options, settings);
}

/* Where there is something to say of them. */
static int render_settings(FILE *out, const PlanOptions *options, const Config *config, bool *first)
{
    const ConfigEntry *settings = &config->settings_entry;

    int r = settings->state == CONFIG_MASKED
                ? render_masked_settings(out, options, settings, first)
                : render_entry(out, options, settings,
                               settings->state == CONFIG_REFUSED
                                   ? "Settings are refused, and the defaults shown"
                                   : "Settings",
                               first);
    return r < 0 ? r : render_entry(out, options, &config->policies.folders, "Folders", first);
}

static int render_host(FILE *out, const PlanOptions *options, const Plan *plan)
{
    const PinHost *host = &plan->host;
    int r;

    if (plan->other_machine)
        r = say(out, options,
                "\nHost: with --root or --ram, it is not known how much memory is locked or "
                "available, and who has files open; all pins may take %s, and leave %s available",
                BYTES(host->budget, options), BYTES(host->reserve, options));
    else if (plan->host_error < 0)
        r = say(out, options, "\nHost: nothing is known of its memory: %s",
                strerror(-plan->host_error));
    else
        r = say(
            out, options,
            "\nHost: %s of memory are locked, and %s available; all pins may take %s, and leave "
            "%s available",
            BYTES(host->locked, options), BYTES(host->available, options),
            BYTES(host->budget, options), BYTES(host->reserve, options));
    if (r >= 0 && !plan->has_psi)
        r = say(out, options, "The kernel keeps no pressure stall information (boot with psi=1)");
    if (r >= 0 && plan->openers_error < 0)
        r = say(out, options, "Who has files open is not known: %s",
                strerror(-plan->openers_error));
    else if (r >= 0 && plan->n_unreadable > 0)
        r = say(out, options,
                "Who has files open is not known for sure: %u process%s could not be looked into",
                plan->n_unreadable, plan->n_unreadable == 1 ? "" : "es");
    return r;
}

int plan_render(const Plan *plan, FILE *out, const PlanOptions *options)
{
    bool first = true;

    if (options->output.json != JSON_OFF)
        return plan_render_json(plan, out, options->output.json);

    int r = render_settings(out, options, plan->config, &first);
    for (size_t i = 0; i < plan->n_policies && r >= 0; i++) {
        if (!plan->policies[i].shown)
            continue;
        r = say_gap(out, &first);
        if (r >= 0)
            r = render_policy(out, options, plan, &plan->policies[i]);
    }
    if (r >= 0 && plan->n_policies == 0 && plan->config->policies.folders.state != CONFIG_REFUSED) {
        r = say_gap(out, &first);
        if (r >= 0)
            r = say(out, options, "There are no policies.");
    }
    return r < 0 ? r : render_host(out, options, plan);
}
