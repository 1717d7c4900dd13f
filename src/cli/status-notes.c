/* SPDX-License-Identifier: MIT */
/* What the table of the targets has no room for. */
#include <errno.h>
#include <string.h>

#include "cli/status-parts.h"
#include "cli/text.h"
#include "util/units.h"

#define DIRTY_SHOWN    (64 * MIB) /* less is on its way to any disk */
#define PROBLEMS_SHOWN 5          /* of each target; the rest is counted and in the JSON */

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

    if (!status_bytes(MEMBER(target, "pin", "released"), &released) || released == 0)
        return;
    fprintf(out, "%s: released: host memory short: %s of its pins were let go", unit,
            format_bytes(text, released, options->bytes));
    if (status_bytes(MEMBER(target, "pin", "again_in"), &again))
        fprintf(out, "; they come back in %ju s, if it stays as it is\n", (uintmax_t)again);
    else
        fprintf(out, "; they come back when enough is available\n");
}

/* In part for want of budget, or of what "bound" says. */
static void render_part(struct json_object *target, FILE *out, const char *unit,
                        const OutputOptions *options)
{
    const char *bound = status_text(MEMBER(target, "pin", "bound"));
    char wanted_text[FORMAT_SIZE_MAX], budget_text[FORMAT_SIZE_MAX];
    uint64_t wanted = 0, budget = 0;

    (void)status_bytes(MEMBER(target, "pin", "wanted"), &wanted);
    (void)status_bytes(MEMBER(target, "pin", "budget"), &budget);
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
    const char *to = status_text(MEMBER(target, "pin", "charged", "to"));
    struct json_object *moving = MEMBER(target, "pin", "charged", "moving");
    uint64_t service, holder, locked;

    if (!status_bytes(MEMBER(target, "pin", "locked"), &locked) || locked == 0 ||
        !status_bytes(MEMBER(target, "pin", "charged", "service"), &service) ||
        !status_bytes(MEMBER(target, "pin", "charged", "holder"), &holder) || service == 0)
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
        CLEANUP_FREE char *path = status_text_cell(MEMBER(problem, "path"), options);
        CLEANUP_FREE char *reason = status_text_cell(MEMBER(problem, "reason"), options);
        if (!path || !reason)
            return -ENOMEM;
        fprintf(out, "%s: not pinned: %s: %s\n", whose, path, reason);
    }
    (void)status_bytes(MEMBER(pin, "failed"), &failed);
    uint64_t shown = n < PROBLEMS_SHOWN ? n : PROBLEMS_SHOWN, all = failed > n ? failed : n;
    if (all > shown)
        fprintf(out, "%s: not pinned: %ju %sfile%s\n", whose, (uintmax_t)(all - shown),
                shown ? "more " : "", plural(all - shown));
    return 0;
}

/* What is only warm, and why files of this target are not pinned, or not all of them. */
static int render_pins(struct json_object *target, FILE *out, const OutputOptions *options)
{
    CLEANUP_FREE char *unit = status_unit_cell(target, options);
    char warmed_text[FORMAT_SIZE_MAX];
    uint64_t warmed;

    if (!unit)
        return -ENOMEM;
    if (status_bytes(MEMBER(target, "pin", "warmed"), &warmed) && warmed > 0)
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
    CLEANUP_FREE char *unit = status_unit_cell(target, options);
    uint64_t n = 0;

    if (!unit)
        return -ENOMEM;
    if (status_bytes(MEMBER(target, "pin", "follow", "unwatched"), &n) && n > 0)
        fprintf(out, "%s: changes are seen late in %ju folder%s that %s not watched\n", unit,
                (uintmax_t)n, plural(n), n == 1 ? "is" : "are");
    return 0;
}

/* What a stream has written faster than its disk takes it: until then nobody can drop that. */
static int render_dirty(struct json_object *target, FILE *out, const OutputOptions *options)
{
    CLEANUP_FREE char *unit = status_unit_cell(target, options);
    char text[FORMAT_SIZE_MAX];
    uint64_t dirty = 0;

    if (!unit)
        return -ENOMEM;
    if (status_bytes(MEMBER(target, "evict", "stream", "dirty"), &dirty) && dirty >= DIRTY_SHOWN)
        fprintf(out, "%s: %s that it wrote cannot leave memory before the disk has taken them\n",
                unit, format_bytes(text, dirty, options->bytes));
    return 0;
}

/* Why a stream is not followed as it should be. */
static int render_stream_problem(struct json_object *target, FILE *out,
                                 const OutputOptions *options)
{
    const char *problem = status_text(MEMBER(target, "evict", "stream", "problem"));
    CLEANUP_FREE char *unit = status_unit_cell(target, options);
    CLEANUP_FREE char *head = NULL;

    if (!unit || asprintf(&head, "%s: its stream", unit) < 0) {
        head = NULL;
        return -ENOMEM;
    }
    return problem ? print_note(out, head, problem, options) : 0;
}

/* For how long changes of files waited to be pinned. */
static int render_followed(struct json_object *target, FILE *out, const OutputOptions *options)
{
    struct json_object *follow = MEMBER(target, "pin", "follow");
    CLEANUP_FREE char *unit = status_unit_cell(target, options);
    uint64_t n = 0, last = 0, most = 0, overflows = 0;

    if (!unit)
        return -ENOMEM;
    if (!status_bytes(MEMBER(follow, "changes"), &n) || n == 0 ||
        !status_bytes(MEMBER(follow, "last_usec"), &last) ||
        !status_bytes(MEMBER(follow, "max_usec"), &most))
        return 0;
    (void)status_bytes(MEMBER(follow, "overflows"), &overflows);
    fprintf(out, "%s: %ju change%s of files followed, the last after %.2f s, at most %.2f s", unit,
            (uintmax_t)n, plural(n), (double)last / USEC_PER_SEC, (double)most / USEC_PER_SEC);
    if (overflows > 0)
        fprintf(out, "; the kernel lost some of what it had to tell, %ju time%s",
                (uintmax_t)overflows, plural(overflows));
    fprintf(out, "\n");
    return 0;
}

/* How far pinning is, while it goes on. */
static int render_progress(struct json_object *target, FILE *out, const OutputOptions *options)
{
    char locked_text[FORMAT_SIZE_MAX], wanted_text[FORMAT_SIZE_MAX];
    const char *state = status_text(MEMBER(target, "pin", "state"));
    CLEANUP_FREE char *unit = status_unit_cell(target, options);
    uint64_t locked, wanted, files, wanted_files, budget;

    if (!unit)
        return -ENOMEM;
    if (!state || strcmp(state, "pinning") != 0 ||
        !status_bytes(MEMBER(target, "pin", "locked"), &locked) ||
        !status_bytes(MEMBER(target, "pin", "wanted"), &wanted) ||
        !status_bytes(MEMBER(target, "pin", "files"), &files) ||
        !status_bytes(MEMBER(target, "pin", "wanted_files"), &wanted_files) ||
        !status_bytes(MEMBER(target, "pin", "budget"), &budget))
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
    bool has_unit = status_text(MEMBER(hand, "unit"));
    const char *state = status_text(MEMBER(hand, "state"));
    CLEANUP_FREE char *unit = status_unit_cell(hand, options);
    CLEANUP_FREE char *bound = status_text_cell(MEMBER(hand, "bound"), options);
    CLEANUP_FREE char *whose = NULL;
    uint64_t files, locked, wanted;

    if (!unit || !bound)
        return -ENOMEM;
    if (asprintf(&whose, "%s%sby hand", has_unit ? unit : "", has_unit ? ", " : "") < 0) {
        whose = NULL;
        return -ENOMEM;
    }
    if (!status_bytes(MEMBER(hand, "files"), &files) ||
        !status_bytes(MEMBER(hand, "locked"), &locked) ||
        !status_bytes(MEMBER(hand, "wanted"), &wanted))
        return 0;
    fprintf(out, "%s: %ju file%s, %s of %s locked%s%s%s\n", whose, (uintmax_t)files, plural(files),
            format_bytes(locked_text, locked, options->bytes),
            format_bytes(wanted_text, wanted, options->bytes),
            state && strcmp(state, "pinning") == 0 ? ", going on" : "",
            status_text(MEMBER(hand, "bound")) ? ": " : "",
            status_text(MEMBER(hand, "bound")) ? bound : "");
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
    CLEANUP_FREE char *unit = status_unit_cell(target, options);
    char size[FORMAT_SIZE_MAX], age[FORMAT_SIZE_MAX];
    uint64_t bytes = 0, files = 0, seconds = 0;

    if (!unit)
        return -ENOMEM;
    if (!json_object_is_type(restore, json_type_object))
        return 0;
    if (status_bytes(MEMBER(restore, "snapshot", "bytes"), &bytes) &&
        status_bytes(MEMBER(restore, "snapshot", "files"), &files) &&
        status_bytes(MEMBER(restore, "snapshot", "age"), &seconds))
        fprintf(out, "%s: warm start: %s of %ju file%s remembered, as of %s ago\n", unit,
                format_bytes(size, bytes, options->bytes), (uintmax_t)files, plural(files),
                format_age(age, seconds));
    else
        fprintf(out, "%s: warm start: nothing is remembered yet\n", unit);
    const char *problem = status_text(MEMBER(restore, "problem"));
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
    CLEANUP_FREE char *unit = status_unit_cell(target, options);
    uint64_t n = 0;

    if (!unit)
        return -ENOMEM;
    if (status_bytes(MEMBER(target, "advise", "descriptors"), &n) && n > 0)
        fprintf(out, "%s: read-ahead of %ju open file%s advised\n", unit, (uintmax_t)n, plural(n));
    if (status_bytes(MEMBER(target, "advise", "unreachable"), &n) && n > 0)
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
    const char *reason = status_text(MEMBER(cache, "reason"));
    CLEANUP_FREE char *unit = status_unit_cell(target, options);
    CLEANUP_FREE char *shown = status_text_cell(MEMBER(cache, "reason"), options);
    char now_text[FORMAT_SIZE_MAX], max_text[FORMAT_SIZE_MAX];
    uint64_t now, max, again;

    if (!unit || !shown)
        return -ENOMEM;
    if (!reason || !status_bytes(MEMBER(cache, "now"), &now) ||
        !status_bytes(MEMBER(cache, "max"), &max))
        return 0;
    fprintf(out, "%s: page cache: %s, capped at %s: %s", unit,
            format_bytes(now_text, now, options->bytes),
            format_bytes(max_text, max, options->bytes), shown);
    if (status_bytes(MEMBER(cache, "again_in"), &again))
        fprintf(out,
                ": given up for %ju s: of what it read, %.0f%% had been taken from it before, and "
                "it waited for that for %.0f%% of the time",
                (uintmax_t)again, get_share(MEMBER(cache, "returned")),
                get_share(MEMBER(cache, "waited")));
    fprintf(out, "\n");
    return 0;
}

/* Why its policy does less than it says. */
static int render_above_critical(struct json_object *target, FILE *out,
                                 const OutputOptions *options)
{
    struct json_object *above = MEMBER(target, "above_critical");
    CLEANUP_FREE char *unit = status_unit_cell(target, options);

    if (!unit)
        return -ENOMEM;
    if (json_object_is_type(above, json_type_boolean) && json_object_get_boolean(above))
        fprintf(out, "%s: nothing is reclaimed from it: a critical unit runs below it\n", unit);
    return 0;
}

static int render_target_notes(struct json_object *target, FILE *out, const OutputOptions *options)
{
    int r = render_progress(target, out, options);

    if (r >= 0)
        r = render_pins(target, out, options);
    if (r >= 0)
        r = render_followed(target, out, options);
    if (r >= 0)
        r = render_unwatched(target, out, options);
    if (r >= 0)
        r = render_dirty(target, out, options);
    if (r >= 0)
        r = render_stream_problem(target, out, options);
    if (r >= 0)
        r = render_advice(target, out, options);
    if (r >= 0)
        r = render_cache(target, out, options);
    if (r >= 0)
        r = render_above_critical(target, out, options);
    return r < 0 ? r : render_restore(target, out, options);
}

/* A policy that was in force stays so when its newer text is refused. */
static int render_policy(struct json_object *policy, FILE *out, const OutputOptions *options)
{
    const char *state = status_text(MEMBER(policy, "state"));
    const char *error = status_text(MEMBER(policy, "error"));
    bool refused = state && strcmp(state, "refused") == 0;
    CLEANUP_FREE char *name = NULL;
    CLEANUP_FREE char *head = NULL;

    if (!refused && !error)
        return 0;
    name = status_text_cell(MEMBER(policy, "name"), options);
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
        CLEANUP_FREE char *path = status_text_cell(json_object_array_get_idx(released, i), options);
        if (!path)
            return -ENOMEM;
        fprintf(out, "%s: released: nothing is pinned below it until it is mounted anew\n", path);
    }
    return 0;
}

int status_render_notes(struct json_object *status, FILE *out, const OutputOptions *options)
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
            const char *text = status_text(json_object_array_get_idx(warnings, i));
            r = text ? print_note(out, "warning", text, options) : 0;
        }
    return r;
}
