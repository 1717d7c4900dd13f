/* SPDX-License-Identifier: MIT */
/* The targets: columns are a table of (heading, how to make a cell). */
#include <errno.h>
#include <string.h>

#include "cli/status-parts.h"
#include "cli/table.h"
#include "cli/text.h"
#include "util/units.h"

/* Whether @object has a member @name at all, be it null. */
static bool has(struct json_object *object, const char *name)
{
    return json_object_is_type(object, json_type_object) &&
           json_object_object_get_ex(object, name, NULL);
}

static char *policy_cell(struct json_object *target, const OutputOptions *options)
{
    return status_text_cell(MEMBER(target, "policy"), options);
}

static char *role_cell(struct json_object *target, const OutputOptions *options)
{
    return status_text_cell(MEMBER(target, "role"), options);
}

static char *mode_cell(struct json_object *target, const OutputOptions *options)
{
    return status_text_cell(MEMBER(target, "mode"), options);
}

static char *state_cell(struct json_object *target, const OutputOptions *options)
{
    return status_text_cell(MEMBER(target, "state"), options);
}

static char *memory_cell(struct json_object *target, const OutputOptions *options)
{
    return status_bytes_cell(MEMBER(target, "memory", "current"), options);
}

static char *high_cell(struct json_object *target, const OutputOptions *options)
{
    struct json_object *memory = MEMBER(target, "memory"), *high = MEMBER(memory, "high");

    return has(memory, "high") && !high ? strdup("max") : status_bytes_cell(high, options);
}

static char *pinned_cell(struct json_object *target, const OutputOptions *options)
{
    char locked_text[FORMAT_SIZE_MAX], budget_text[FORMAT_SIZE_MAX], *text;
    uint64_t locked, budget;

    if (!status_bytes(MEMBER(target, "pin", "locked"), &locked) ||
        !status_bytes(MEMBER(target, "pin", "budget"), &budget) || (locked == 0 && budget == 0))
        return status_unknown(options);
    if (asprintf(&text, "%s/%s", format_bytes(locked_text, locked, options->bytes),
                 format_bytes(budget_text, budget, options->bytes)) < 0)
        return NULL;
    return text;
}

static char *evicted_cell(struct json_object *target, const OutputOptions *options)
{
    return status_bytes_cell(MEMBER(target, "evict", "bytes"), options);
}

static char *pressure_cell(struct json_object *target, const OutputOptions *options)
{
    struct json_object *some = MEMBER(target, "pressure", "some_avg10");
    char *text;

    if (!json_object_is_type(some, json_type_double) && !json_object_is_type(some, json_type_int))
        return status_unknown(options);
    return asprintf(&text, "%.1f%%", json_object_get_double(some)) < 0 ? NULL : text;
}

/* Why the unit is treated as it is: a critical one suffers, or a limit follows its policy. */
static char *reason_cell(struct json_object *target, const OutputOptions *options)
{
    const char *mode = status_text(MEMBER(target, "memory_high", "mode"));
    uint64_t hold_off;
    char *text;

    if (status_text(MEMBER(target, "distress"))) {
        CLEANUP_FREE char *why = status_text_cell(MEMBER(target, "distress"), options);
        return !why || asprintf(&text, "in distress: %s", why) < 0 ? NULL : text;
    }
    if (mode && strcmp(mode, "off") == 0)
        return status_unknown(options);
    CLEANUP_FREE char *why = status_text_cell(MEMBER(target, "memory_high", "reason"), options);
    if (!why || !status_bytes(MEMBER(target, "memory_high", "hold_off"), &hold_off))
        return TAKE_PTR(why);
    return asprintf(&text, "%s, %ju s more", why, (uintmax_t)hold_off) < 0 ? NULL : text;
}

typedef struct StatusColumn {
    const char *name;
    int flags;
    char *(*cell)(struct json_object *target, const OutputOptions *options);
} StatusColumn;

static const StatusColumn columns[] = {
    { "POLICY", 0, policy_cell },
    { "UNIT", 0, status_unit_cell },
    { "ROLE", 0, role_cell },
    { "MODE", 0, mode_cell },
    { "STATE", 0, state_cell },
    { "MEMORY", SCOLS_FL_RIGHT, memory_cell },
    { "HIGH", SCOLS_FL_RIGHT, high_cell },
    { "PINNED", SCOLS_FL_RIGHT, pinned_cell },
    { "EVICTED", SCOLS_FL_RIGHT, evicted_cell },
    { "PRESSURE", SCOLS_FL_RIGHT, pressure_cell },
    { "REASON", 0, reason_cell },
};

/* "enforce" is what everybody expects; the column is there where a target does something else. */
static bool shows_mode(struct json_object *targets)
{
    for (size_t i = 0; i < json_object_array_length(targets); i++) {
        const char *mode = status_text(MEMBER(json_object_array_get_idx(targets, i), "mode"));
        if (mode && strcmp(mode, "enforce") != 0)
            return true;
    }
    return false;
}

static int add_target(struct libscols_table *table, struct json_object *target, bool with_mode,
                      const OutputOptions *options)
{
    char *cells[ELEMENTS(columns)] = { 0 };
    size_t n = 0;
    int r = 0;

    for (const StatusColumn *c = columns; c < columns + ELEMENTS(columns) && r >= 0; c++)
        if (c->cell != mode_cell || with_mode) {
            cells[n] = c->cell(target, options);
            r = cells[n++] ? 0 : -ENOMEM;
        }
    if (r >= 0)
        r = table_add_row(table, (const char *const *)cells, n);
    for (size_t i = 0; i < n; i++)
        free(cells[i]);
    return r;
}

int status_render_targets(struct json_object *targets, FILE *out, const OutputOptions *options)
{
    cleanup(scols_unref_tablep) struct libscols_table *table = NULL;
    bool with_mode = shows_mode(targets);

    int r = table_new(out, options->legend, &table);
    for (const StatusColumn *c = columns; c < columns + ELEMENTS(columns) && r >= 0; c++)
        if (c->cell != mode_cell || with_mode)
            r = table_add_column(table, c->name, c->flags);
    for (size_t i = 0; i < json_object_array_length(targets) && r >= 0; i++)
        r = add_target(table, json_object_array_get_idx(targets, i), with_mode, options);
    return r < 0 ? r : table_print(table);
}
