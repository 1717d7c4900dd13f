/* SPDX-License-Identifier: MIT */
/* The daemon's JSON, for people. Columns are a table of (heading, how to make a cell); a cell is a
 * string of its own. Nothing here relies on a member being there: the daemon may be older or newer
 * than the command. */
#include "cli/status-render.h"

#include <errno.h>
#include <string.h>

#include "cli/json.h"
#include "cli/table.h"
#include "cli/text.h"
#include "util/units.h"

#define PROBLEMS_SHOWN 5 /* of each target; the rest is counted and in the JSON */

/* The member of @object at @path ("memory", "high"), which ends with NULL; NULL where it is missing
 * or null. */
static struct json_object *member(struct json_object *object, const char *const path[])
{
    for (; *path && object; path++)
        if (!json_object_is_type(object, json_type_object) ||
            !json_object_object_get_ex(object, *path, &object))
            return NULL;
    return object;
}

#define MEMBER(object, ...) member(object, (const char *const[]){ __VA_ARGS__, NULL })

static bool get_bytes(struct json_object *value, uint64_t *ret)
{
    if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0)
        return false;
    *ret = json_object_get_uint64(value);
    return true;
}

/* Whether @object has a member @name at all, be it null. */
static bool has(struct json_object *object, const char *name)
{
    return json_object_is_type(object, json_type_object) &&
           json_object_object_get_ex(object, name, NULL);
}

static const char *plain_text(struct json_object *value)
{
    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static char *unknown(const OutputOptions *options)
{
    return strdup(options->unicode ? "–" : "-");
}

static char *text_cell(struct json_object *value, const OutputOptions *options)
{
    const char *text = plain_text(value);

    return text ? escape_text(text, options->unicode) : unknown(options);
}

static char *bytes_cell(struct json_object *value, const OutputOptions *options)
{
    char buffer[FORMAT_SIZE_MAX];
    uint64_t bytes;

    if (!get_bytes(value, &bytes))
        return unknown(options);
    return strdup(format_bytes(buffer, bytes, options->bytes));
}

static char *policy_cell(struct json_object *target, const OutputOptions *options)
{
    return text_cell(MEMBER(target, "policy"), options);
}

static char *unit_cell(struct json_object *target, const OutputOptions *options)
{
    return text_cell(MEMBER(target, "unit"), options);
}

static char *role_cell(struct json_object *target, const OutputOptions *options)
{
    return text_cell(MEMBER(target, "role"), options);
}

static char *mode_cell(struct json_object *target, const OutputOptions *options)
{
    return text_cell(MEMBER(target, "mode"), options);
}

static char *state_cell(struct json_object *target, const OutputOptions *options)
{
    return text_cell(MEMBER(target, "state"), options);
}

static char *memory_cell(struct json_object *target, const OutputOptions *options)
{
    return bytes_cell(MEMBER(target, "memory", "current"), options);
}

static char *high_cell(struct json_object *target, const OutputOptions *options)
{
    struct json_object *memory = MEMBER(target, "memory"), *high = MEMBER(memory, "high");

    return has(memory, "high") && !high ? strdup("max") : bytes_cell(high, options);
}

static char *pinned_cell(struct json_object *target, const OutputOptions *options)
{
    char locked_text[FORMAT_SIZE_MAX], budget_text[FORMAT_SIZE_MAX], *text;
    uint64_t locked, budget;

    if (!get_bytes(MEMBER(target, "pin", "locked"), &locked) ||
        !get_bytes(MEMBER(target, "pin", "budget"), &budget) || (locked == 0 && budget == 0))
        return unknown(options);
    if (asprintf(&text, "%s/%s", format_bytes(locked_text, locked, options->bytes),
                 format_bytes(budget_text, budget, options->bytes)) < 0)
        return NULL;
    return text;
}

static char *evicted_cell(struct json_object *target, const OutputOptions *options)
{
    return bytes_cell(MEMBER(target, "evict", "bytes"), options);
}

static char *pressure_cell(struct json_object *target, const OutputOptions *options)
{
    struct json_object *some = MEMBER(target, "pressure", "some_avg10");
    char *text;

    if (!json_object_is_type(some, json_type_double) && !json_object_is_type(some, json_type_int))
        return unknown(options);
    return asprintf(&text, "%.1f%%", json_object_get_double(some)) < 0 ? NULL : text;
}

/* Why the unit is treated as it is: a critical one suffers, or a limit follows its policy. */
static char *reason_cell(struct json_object *target, const OutputOptions *options)
{
    const char *mode = plain_text(MEMBER(target, "memory_high", "mode"));
    uint64_t hold_off;
    char *text;

    if (plain_text(MEMBER(target, "distress"))) {
        CLEANUP_FREE char *why = text_cell(MEMBER(target, "distress"), options);
        return !why || asprintf(&text, "in distress: %s", why) < 0 ? NULL : text;
    }
    if (mode && strcmp(mode, "off") == 0)
        return unknown(options);
    CLEANUP_FREE char *why = text_cell(MEMBER(target, "memory_high", "reason"), options);
    if (!why || !get_bytes(MEMBER(target, "memory_high", "hold_off"), &hold_off))
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
    { "UNIT", 0, unit_cell },
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
        const char *mode = plain_text(MEMBER(json_object_array_get_idx(targets, i), "mode"));
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

static int render_targets(struct json_object *targets, FILE *out, const OutputOptions *options)
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

/* "HEAD: TEXT" on one line, or the lines of @text below "HEAD:". */
static int print_note(FILE *out, const char *head, const char *text, const OutputOptions *options)
{
    CLEANUP_FREE char *copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    size_t length = strlen(copy);
    if (length > 0 && copy[length - 1] == '\n')
        copy[length - 1] = '\0';

    const char *before = strchr(copy, '\n') ? "\n  " : " ";
    fprintf(out, "%s:", head);
    for (char *rest = copy, *line; (line = strsep(&rest, "\n"));) {
        CLEANUP_FREE char *shown = escape_text(line, options->unicode);
        if (!shown)
            return -ENOMEM;
        fprintf(out, "%s%s", before, shown);
    }
    fprintf(out, "\n");
    return 0;
}

/* What of its pins was let go, and when it comes back. */
static void render_released(struct json_object *target, FILE *out, const char *unit,
                            const OutputOptions *options)
{
    char text[FORMAT_SIZE_MAX];
    uint64_t released, again;

    if (!get_bytes(MEMBER(target, "pin", "released"), &released) || released == 0)
        return;
    fprintf(out, "%s: released: host memory short: %s of its pins were let go", unit,
            format_bytes(text, released, options->bytes));
    if (get_bytes(MEMBER(target, "pin", "again_in"), &again))
        fprintf(out, "; they come back in %ju s, if it stays as it is\n", (uintmax_t)again);
    else
        fprintf(out, "; they come back when enough is available\n");
}

/* In part for want of budget, or of what "bound" says. */
static void render_part(struct json_object *target, FILE *out, const char *unit,
                        const OutputOptions *options)
{
    const char *bound = plain_text(MEMBER(target, "pin", "bound"));
    char wanted_text[FORMAT_SIZE_MAX], budget_text[FORMAT_SIZE_MAX];
    uint64_t wanted = 0, budget = 0;

    (void)get_bytes(MEMBER(target, "pin", "wanted"), &wanted);
    (void)get_bytes(MEMBER(target, "pin", "budget"), &budget);
    if (bound) {
        CLEANUP_FREE char *shown = escape_text(bound, options->unicode);
        fprintf(out, "%s: pinned less than wanted: %s\n", unit, shown ? shown : "out of memory");
    }
    if (budget > 0 && wanted > budget)
        fprintf(out, "%s: pinned in part: its files have %s, and the budget is %s\n", unit,
                format_bytes(wanted_text, wanted, options->bytes),
                format_bytes(budget_text, budget, options->bytes));
}

/* Whose memory the pins are, where it is not the holder's alone. */
static void render_charged(struct json_object *target, FILE *out, const char *unit,
                           const OutputOptions *options)
{
    char service_text[FORMAT_SIZE_MAX], holder_text[FORMAT_SIZE_MAX];
    const char *to = plain_text(MEMBER(target, "pin", "charged", "to"));
    struct json_object *moving = MEMBER(target, "pin", "charged", "moving");
    uint64_t service, holder, locked;

    if (!get_bytes(MEMBER(target, "pin", "locked"), &locked) || locked == 0 ||
        !get_bytes(MEMBER(target, "pin", "charged", "service"), &service) ||
        !get_bytes(MEMBER(target, "pin", "charged", "holder"), &holder) || service == 0)
        return;
    fprintf(out, "%s: charged with what is locked: the service with %s, the holder with %s", unit,
            format_bytes(service_text, service, options->bytes),
            format_bytes(holder_text, holder, options->bytes));
    if (to && json_object_is_type(moving, json_type_boolean) && json_object_get_boolean(moving))
        fprintf(out, "; moving to the %s", strcmp(to, "service") == 0 ? "service" : "holder");
    fprintf(out, "\n");
}

/* Files that are not pinned, and why: "problems", and how many more "failed". */
static int render_problems(struct json_object *pin, FILE *out, const char *whose,
                           const OutputOptions *options)
{
    struct json_object *problems = MEMBER(pin, "problems");
    uint64_t failed = 0;
    size_t n = 0;

    if (json_object_is_type(problems, json_type_array))
        n = json_object_array_length(problems);
    for (size_t i = 0; i < n && i < PROBLEMS_SHOWN; i++) {
        struct json_object *problem = json_object_array_get_idx(problems, i);
        CLEANUP_FREE char *path = text_cell(MEMBER(problem, "path"), options);
        CLEANUP_FREE char *reason = text_cell(MEMBER(problem, "reason"), options);
        if (!path || !reason)
            return -ENOMEM;
        fprintf(out, "%s: not pinned: %s: %s\n", whose, path, reason);
    }
    (void)get_bytes(MEMBER(pin, "failed"), &failed);
    uint64_t shown = n < PROBLEMS_SHOWN ? n : PROBLEMS_SHOWN, all = failed > n ? failed : n;
    if (all > shown)
        fprintf(out, "%s: not pinned: %ju %sfile%s\n", whose, (uintmax_t)(all - shown),
                shown ? "more " : "", all - shown == 1 ? "" : "s");
    return 0;
}

/* What is only warm, and why files of this target are not pinned, or not all of them. */
static int render_pins(struct json_object *target, FILE *out, const OutputOptions *options)
{
    CLEANUP_FREE char *unit = unit_cell(target, options);
    char warmed_text[FORMAT_SIZE_MAX];
    uint64_t warmed;

    if (!unit)
        return -ENOMEM;
    if (get_bytes(MEMBER(target, "pin", "warmed"), &warmed) && warmed > 0)
        fprintf(out, "%s: read, and not locked: %s\n", unit,
                format_bytes(warmed_text, warmed, options->bytes));
    render_released(target, out, unit, options);
    render_part(target, out, unit, options);
    render_charged(target, out, unit, options);
    return render_problems(MEMBER(target, "pin"), out, unit, options);
}

/* Folders without a watch: what changes there is found late, which should surprise nobody. */
static int render_unwatched(struct json_object *target, FILE *out, const OutputOptions *options)
{
    CLEANUP_FREE char *unit = unit_cell(target, options);
    uint64_t n = 0;

    if (!unit)
        return -ENOMEM;
    if (get_bytes(MEMBER(target, "pin", "follow", "unwatched"), &n) && n > 0)
        fprintf(out, "%s: changes are seen late in %ju folder%s that %s not watched\n", unit,
                (uintmax_t)n, n == 1 ? "" : "s", n == 1 ? "is" : "are");
    return 0;
}

/* How far pinning is, while it goes on. */
static int render_progress(struct json_object *target, FILE *out, const OutputOptions *options)
{
    char locked_text[FORMAT_SIZE_MAX], wanted_text[FORMAT_SIZE_MAX];
    const char *state = plain_text(MEMBER(target, "pin", "state"));
    CLEANUP_FREE char *unit = unit_cell(target, options);
    uint64_t locked, wanted, files, wanted_files, budget;

    if (!unit)
        return -ENOMEM;
    if (!state || strcmp(state, "pinning") != 0 ||
        !get_bytes(MEMBER(target, "pin", "locked"), &locked) ||
        !get_bytes(MEMBER(target, "pin", "wanted"), &wanted) ||
        !get_bytes(MEMBER(target, "pin", "files"), &files) ||
        !get_bytes(MEMBER(target, "pin", "wanted_files"), &wanted_files) ||
        !get_bytes(MEMBER(target, "pin", "budget"), &budget))
        return 0;
    wanted = min_u64(wanted, budget);
    if (locked >= wanted)
        return 0;
    fprintf(out, "%s: pinning: %s of %s, %ju of %ju files\n", unit,
            format_bytes(locked_text, locked, options->bytes),
            format_bytes(wanted_text, wanted, options->bytes), (uintmax_t)files,
            (uintmax_t)wanted_files);
    return 0;
}

/* What is pinned by hand, for a unit or for none. */
static int render_by_hand(struct json_object *hand, FILE *out, const OutputOptions *options)
{
    char locked_text[FORMAT_SIZE_MAX], wanted_text[FORMAT_SIZE_MAX];
    bool has_unit = plain_text(MEMBER(hand, "unit"));
    const char *state = plain_text(MEMBER(hand, "state"));
    CLEANUP_FREE char *unit = unit_cell(hand, options);
    CLEANUP_FREE char *bound = text_cell(MEMBER(hand, "bound"), options);
    CLEANUP_FREE char *whose = NULL;
    uint64_t files, locked, wanted;

    if (!unit || !bound)
        return -ENOMEM;
    if (asprintf(&whose, "%s%sby hand", has_unit ? unit : "", has_unit ? ", " : "") < 0) {
        whose = NULL;
        return -ENOMEM;
    }
    if (!get_bytes(MEMBER(hand, "files"), &files) || !get_bytes(MEMBER(hand, "locked"), &locked) ||
        !get_bytes(MEMBER(hand, "wanted"), &wanted))
        return 0;
    fprintf(out, "%s: %ju file%s, %s of %s locked%s%s%s\n", whose, (uintmax_t)files,
            files == 1 ? "" : "s", format_bytes(locked_text, locked, options->bytes),
            format_bytes(wanted_text, wanted, options->bytes),
            state && strcmp(state, "pinning") == 0 ? ", going on" : "",
            plain_text(MEMBER(hand, "bound")) ? ": " : "",
            plain_text(MEMBER(hand, "bound")) ? bound : "");
    return render_problems(hand, out, whose, options);
}

/* "20 s", "4 min", "3 h", "2 d". */
static const char *format_age(char buffer[static FORMAT_SIZE_MAX], uint64_t seconds)
{
    static const struct {
        uint64_t seconds;
        const char *name;
    } units[] = { { 24 * 60 * 60, "d" }, { 60 * 60, "h" }, { 60, "min" }, { 1, "s" } };
    size_t i = 0;

    while (i + 1 < ELEMENTS(units) && seconds < units[i].seconds)
        i++;
    snprintf(buffer, FORMAT_SIZE_MAX, "%ju %s", (uintmax_t)(seconds / units[i].seconds),
             units[i].name);
    return buffer;
}

/* What is remembered for the next warm start, and what stands in its way. */
static int render_restore(struct json_object *target, FILE *out, const OutputOptions *options)
{
    struct json_object *restore = MEMBER(target, "pin", "restore"), *armed;
    CLEANUP_FREE char *unit = unit_cell(target, options);
    char size[FORMAT_SIZE_MAX], age[FORMAT_SIZE_MAX];
    uint64_t bytes = 0, files = 0, seconds = 0;

    if (!unit)
        return -ENOMEM;
    if (!json_object_is_type(restore, json_type_object))
        return 0;
    if (get_bytes(MEMBER(restore, "snapshot", "bytes"), &bytes) &&
        get_bytes(MEMBER(restore, "snapshot", "files"), &files) &&
        get_bytes(MEMBER(restore, "snapshot", "age"), &seconds))
        fprintf(out, "%s: warm start: %s of %ju file%s remembered, as of %s ago\n", unit,
                format_bytes(size, bytes, options->bytes), (uintmax_t)files, files == 1 ? "" : "s",
                format_age(age, seconds));
    else
        fprintf(out, "%s: warm start: nothing is remembered yet\n", unit);
    const char *problem = plain_text(MEMBER(restore, "problem"));
    CLEANUP_FREE char *head = NULL;
    if (problem && asprintf(&head, "%s: warm start", unit) < 0) {
        head = NULL;
        return -ENOMEM;
    }
    armed = MEMBER(restore, "in_force");
    if (json_object_is_type(armed, json_type_boolean) && !json_object_get_boolean(armed))
        fprintf(out, "%s: warm start: in force after \"systemctl daemon-reload\"\n", unit);
    return problem ? print_note(out, head, problem, options) : 0;
}

/* Its open files whose read-ahead is the policy's. */
static int render_advice(struct json_object *target, FILE *out, const OutputOptions *options)
{
    CLEANUP_FREE char *unit = unit_cell(target, options);
    uint64_t n = 0;

    if (!unit)
        return -ENOMEM;
    if (get_bytes(MEMBER(target, "advise", "descriptors"), &n) && n > 0)
        fprintf(out, "%s: read-ahead of %ju open file%s advised\n", unit, (uintmax_t)n,
                n == 1 ? "" : "s");
    if (get_bytes(MEMBER(target, "advise", "unreachable"), &n) && n > 0)
        fprintf(out, "%s: open files of %ju process%s cannot be advised\n", unit, (uintmax_t)n,
                n == 1 ? "" : "es");
    return 0;
}

static double get_share(struct json_object *value)
{
    return json_object_is_type(value, json_type_double) ? json_object_get_double(value) : 0;
}

/* How large its page cache is, and why it may be larger than it should. */
static int render_cache(struct json_object *target, FILE *out, const OutputOptions *options)
{
    struct json_object *cache = MEMBER(target, "cache");
    const char *reason = plain_text(MEMBER(cache, "reason"));
    CLEANUP_FREE char *unit = unit_cell(target, options);
    CLEANUP_FREE char *shown = text_cell(MEMBER(cache, "reason"), options);
    char now_text[FORMAT_SIZE_MAX], max_text[FORMAT_SIZE_MAX];
    uint64_t now, max, again;

    if (!unit || !shown)
        return -ENOMEM;
    if (!reason || !get_bytes(MEMBER(cache, "now"), &now) || !get_bytes(MEMBER(cache, "max"), &max))
        return 0;
    fprintf(out, "%s: page cache: %s, capped at %s: %s", unit,
            format_bytes(now_text, now, options->bytes),
            format_bytes(max_text, max, options->bytes), shown);
    if (get_bytes(MEMBER(cache, "again_in"), &again))
        fprintf(out,
                ": given up for %ju s: of what it read, %.0f%% had been taken from it before, and "
                "it waited for that for %.0f%% of the time",
                (uintmax_t)again, get_share(MEMBER(cache, "returned")),
                get_share(MEMBER(cache, "waited")));
    fprintf(out, "\n");
    return 0;
}

static int render_target_notes(struct json_object *target, FILE *out, const OutputOptions *options)
{
    int r = render_progress(target, out, options);

    if (r >= 0)
        r = render_pins(target, out, options);
    if (r >= 0)
        r = render_unwatched(target, out, options);
    if (r >= 0)
        r = render_advice(target, out, options);
    if (r >= 0)
        r = render_cache(target, out, options);
    return r < 0 ? r : render_restore(target, out, options);
}

/* A policy that was in force stays so when its newer text is refused. */
static int render_policy(struct json_object *policy, FILE *out, const OutputOptions *options)
{
    const char *state = plain_text(MEMBER(policy, "state"));
    const char *error = plain_text(MEMBER(policy, "error"));
    bool refused = state && strcmp(state, "refused") == 0;
    CLEANUP_FREE char *name = NULL;
    CLEANUP_FREE char *head = NULL;

    if (!refused && !error)
        return 0;
    name = text_cell(MEMBER(policy, "name"), options);
    if (!name || asprintf(&head, "policy %s %s", name,
                          refused ? "refused" : "refused, the one before stays in force") < 0) {
        head = NULL;
        return -ENOMEM;
    }
    return print_note(out, head, error ? error : "no reason given", options);
}

static int render_released_folders(struct json_object *released, FILE *out,
                                   const OutputOptions *options)
{
    size_t n = json_object_is_type(released, json_type_array) ? json_object_array_length(released)
                                                              : 0;

    for (size_t i = 0; i < n; i++) {
        CLEANUP_FREE char *path = text_cell(json_object_array_get_idx(released, i), options);
        if (!path)
            return -ENOMEM;
        fprintf(out, "%s: released: nothing is pinned below it until it is mounted anew\n", path);
    }
    return 0;
}

static int render_notes(struct json_object *status, FILE *out, const OutputOptions *options)
{
    struct json_object *targets = MEMBER(status, "targets"), *policies, *warnings, *hands;
    int r = 0;

    policies = MEMBER(status, "policies");
    warnings = MEMBER(status, "warnings");
    hands = MEMBER(status, "by_hand");
    if (json_object_is_type(targets, json_type_array))
        for (size_t i = 0; i < json_object_array_length(targets) && r >= 0; i++)
            r = render_target_notes(json_object_array_get_idx(targets, i), out, options);
    if (json_object_is_type(hands, json_type_array))
        for (size_t i = 0; i < json_object_array_length(hands) && r >= 0; i++)
            r = render_by_hand(json_object_array_get_idx(hands, i), out, options);
    if (r >= 0)
        r = render_released_folders(MEMBER(status, "released"), out, options);
    if (json_object_is_type(policies, json_type_array))
        for (size_t i = 0; i < json_object_array_length(policies) && r >= 0; i++)
            r = render_policy(json_object_array_get_idx(policies, i), out, options);
    if (json_object_is_type(warnings, json_type_array))
        for (size_t i = 0; i < json_object_array_length(warnings) && r >= 0; i++) {
            const char *text = plain_text(json_object_array_get_idx(warnings, i));
            r = text ? print_note(out, "warning", text, options) : 0;
        }
    return r;
}

static void render_empty(struct json_object *status, FILE *out)
{
    struct json_object *policies = MEMBER(status, "policies");

    if (json_object_is_type(policies, json_type_array) && json_object_array_length(policies) > 0)
        fprintf(out, "No unit is governed: none that runs is matched by a policy in force.\n");
    else
        fprintf(out, "No unit is governed: there are no policies.\n");
}

int status_render(struct json_object *status, FILE *out, const OutputOptions *options)
{
    if (options->json != JSON_OFF)
        return json_print(status, out, options->json);

    struct json_object *targets = MEMBER(status, "targets");
    int r = 0;
    if (json_object_is_type(targets, json_type_array) && json_object_array_length(targets) > 0)
        r = render_targets(targets, out, options);
    else if (options->legend)
        render_empty(status, out);
    if (r >= 0)
        r = render_notes(status, out, options);
    return r < 0 ? r : ferror(out) ? -EIO : 0;
}
