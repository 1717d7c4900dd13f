/* SPDX-License-Identifier: MIT */
/* Lists of files are long and alike: of each what decides is shown, its beginning and where the
 * budget ends. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "cli/plan-text.h"
#include "util/units.h"

#define AROUND_SHOWN 3 /* on each side of the budget's end */

/* Whether the file @i of @n is, if the budget ends in front of, or in, the file @end. */
static bool is_shown(size_t i, size_t n, size_t end, const PlanOptions *options)
{
    return options->all || i < PLAN_FIRST_SHOWN ||
           (end < n && i + AROUND_SHOWN >= end && i < end + AROUND_SHOWN);
}

/* A row with nothing but a text in its last cell. */
static int add_remark(struct libscols_table *table, size_t n_cells, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int add_remark(struct libscols_table *table, size_t n_cells, const char *format, ...)
{
    const char *cells[8] = { 0 };
    char text[128];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    cells[n_cells - 1] = text;
    return table_add_row(table, cells, n_cells);
}

static int add_more(struct libscols_table *table, size_t n_cells, size_t n,
                    const PlanOptions *options)
{
    return n == 0 ? 0
                  : add_remark(table, n_cells, "%s %zu more", options->output.unicode ? "…" : "...",
                               n);
}

static int say_problems(FILE *out, const PlanOptions *options, const PlanProblems *problems)
{
    int r = 0;
    size_t i;

    for (i = 0; i < problems->n_entries && r >= 0 && is_shown(i, 0, 0, options); i++)
        r = say(out, options, "  passed over: %s %s", problems->entries[i].path,
                problems->entries[i].why);
    size_t more = problems->n_entries - i + problems->n_more;
    if (r >= 0 && more > 0)
        r = say(out, options, "  passed over: %zu more", more);
    return r;
}

/* Pins */

static int add_pin(struct libscols_table *table, const PlanPin *pin, const PlanOptions *options)
{
    char size[FORMAT_SIZE_MAX], wanted[FORMAT_SIZE_MAX], target[FORMAT_SIZE_MAX];
    char resident[FORMAT_SIZE_MAX];
    char raw[SELECTED_PATH_MAX];
    bool b = options->output.bytes;
    CLEANUP_FREE char *path = escape_text(selected_path(pin->file, raw), options->output.unicode);
    if (!path)
        return -ENOMEM;

    const char *const cells[] = {
        format_bytes(size, pin->file->size, b),
        format_bytes(wanted, pin->wanted, b),
        format_bytes(target, pin->target, b),
        pin->has_resident ? format_bytes(resident, pin->resident, b) : unknown(options),
        path,
    };
    return table_add_row(table, cells, ELEMENTS(cells));
}

/* Between the last file that gets something and the first that gets nothing. */
static int add_budget_end(struct libscols_table *table, const PlanPins *pins, size_t end,
                          const PlanOptions *options)
{
    size_t n = pins->selected.n_files - end;

    return add_remark(table, 5, "-- the budget ends here: %zu file%s, %s not pinned --", n,
                      plural(n), BYTES(plan_not_pinned(pins, end), options));
}

static int render_pin_table(FILE *out, const PlanOptions *options, const PlanPins *pins)
{
    static const char *const numbers[] = { "SIZE", "WANTED", "PINNED", "CACHED" };
    cleanup(scols_unref_tablep) struct libscols_table *table = NULL;
    size_t n = pins->selected.n_files, end = plan_budget_end(pins), hidden = 0;
    size_t line = end < n && pins->files[end].target > 0 ? end + 1 : end; /* in front of it */

    int r = plan_table_new(out, options, numbers, ELEMENTS(numbers), "PATH", &table);
    for (size_t i = 0; i < n && r >= 0; i++) {
        bool shown = is_shown(i, n, end, options);
        if (shown)
            r = add_more(table, 5, TAKE(hidden, 0), options);
        if (r >= 0 && i == line && end < n)
            r = add_budget_end(table, pins, end, options);
        if (r >= 0 && shown)
            r = add_pin(table, &pins->files[i], options);
        hidden += !shown;
    }
    if (r >= 0)
        r = add_more(table, 5, hidden, options);
    if (r >= 0 && line == n && end < n)
        r = add_budget_end(table, pins, end, options);
    return r < 0 ? r : table_print(table);
}

static int say_count(FILE *out, const PlanOptions *options, size_t n, const char *why)
{
    return n == 0 ? 0 : say(out, options, "  passed over: %zu file%s %s", n, plural(n), why);
}

int plan_render_pins(FILE *out, const PlanOptions *options, const Plan *plan, const PlanPolicy *p)
{
    const PlanPins *pins = &p->pins;
    size_t n = pins->selected.n_files;
    size_t n_units = p->governed.n_units - p->governed.n_cgroups;
    uint64_t all = pins->sum * max_u64(n_units, 1);
    int r;

    if (p->policy->n_pins == 0)
        return 0;
    if (pins->error < 0)
        return say(out, options, "\nPins: the files cannot be found: %s", strerror(-pins->error));
    if (n == 0)
        r = say(out, options, "\nPins: no file is there, for a budget of %s",
                BYTES(p->policy->pin_budget, options));
    else
        r = say(out, options,
                "\nPins%s: %s of a budget of %s, %zu of %zu file%s whole, in this order",
                n_units > 1 ? " of each unit" : "", BYTES(pins->sum, options),
                BYTES(p->policy->pin_budget, options), plan_budget_end(pins), n, plural(n));
    if (r >= 0 && n > 0)
        r = render_pin_table(out, options, pins);
    if (r >= 0 && plan_knows_host(plan) && plan->host_room < all)
        r = say(out, options, "  no more than %s can be locked now: %s",
                BYTES(plan->host_room, options), pin_bound_to_string(plan->host_bound));
    if (r >= 0)
        r = say_count(out, options, pins->selected.n_too_large, "larger than max_size");
    if (r >= 0)
        r = say_count(out, options, pins->selected.n_excluded, "excluded");
    if (r >= 0 && p->policy->pin_restore)
        r = say(out, options,
                "  warm start: what of these is in memory when a service stops is read before it "
                "starts again, up to the budget");
    return r < 0 ? r : say_problems(out, options, &pins->passed_over);
}

/* Evictions */

static const char *verdict_to_string(const PlanEvictFile *file)
{
    switch (file->verdict) {
    case EVICT_NOW:
        return file->unsure ? "evict unless in use" : "evict";
    case EVICT_PINNED:
        return "pinned";
    case EVICT_IN_USE:
        return "in use";
    case EVICT_NOT_RESIDENT:
    case EVICT_NOT_IDLE:
        break;
    }
    return "";
}

static int add_evict_file(struct libscols_table *table, const PlanEvictFile *file,
                          const PlanOptions *options)
{
    char size[FORMAT_SIZE_MAX], resident[FORMAT_SIZE_MAX], dirty[FORMAT_SIZE_MAX];
    bool b = options->output.bytes;
    CLEANUP_FREE char *path = escape_text(file->path, options->output.unicode);
    if (!path)
        return -ENOMEM;

    const char *const cells[] = {
        format_bytes(size, file->size, b),
        format_bytes(resident, file->resident, b),
        file->has_dirty ? format_bytes(dirty, file->dirty, b) : unknown(options),
        verdict_to_string(file),
        path,
    };
    return table_add_row(table, cells, ELEMENTS(cells));
}

static int render_evict_table(FILE *out, const PlanOptions *options, const PlanEvict *evict)
{
    static const char *const columns[] = { "SIZE", "CACHED", "DIRTY", "VERDICT" };
    cleanup(scols_unref_tablep) struct libscols_table *table = NULL;
    size_t i, n = evict->n_files;

    int r = plan_table_new(out, options, columns, ELEMENTS(columns), "PATH", &table);
    for (i = 0; i < n && r >= 0 && is_shown(i, n, n, options); i++)
        r = add_evict_file(table, &evict->files[i], options);
    if (r >= 0)
        r = add_more(table, ELEMENTS(columns) + 1, n - i, options);
    return r < 0 ? r : table_print(table);
}

static const char *when_text(unsigned when)
{
    switch (when) {
    case EVICT_WHEN_PRESSURE:
        return ", while memory is short";
    case EVICT_WHEN_DISTRESS:
        return ", while a critical service suffers";
    case EVICT_WHEN_PRESSURE | EVICT_WHEN_DISTRESS:
        return ", while memory is short or a critical service suffers";
    default:
        return "";
    }
}

/* "", or ", 0-8M of each". */
#define RANGE_TEXT_MAX (FORMAT_RANGE_MAX + 16)
static const char *range_text(char buffer[static RANGE_TEXT_MAX], const ByteRange *range)
{
    char text[FORMAT_RANGE_MAX];

    buffer[0] = '\0';
    if (!range_is_all(range))
        snprintf(buffer, RANGE_TEXT_MAX, ", %s of each",
                 format_range(text, range->begin, range->end));
    return buffer;
}

static int render_evict(FILE *out, const PlanOptions *options, const PlanEvict *evict)
{
    const EvictRule *rule = evict->rule;
    size_t n_known = evict->n_matching - evict->n_unknown;
    char idle[FORMAT_DURATION_MAX], every[FORMAT_DURATION_MAX], range[RANGE_TEXT_MAX];

    if (rule->stream)
        return say(out, options,
                   "\nEvictions of streams: %s at once; then what is read and written, behind its "
                   "position",
                   BYTES(evict->bytes, options));
    int r = say(
        out, options,
        "\nEvictions of %s%s: %s once idle for %s%s, looked at every %s; %zu of %zu file%s in "
        "memory",
        rule->path, range_text(range, &rule->range), BYTES(evict->bytes, options),
        format_duration(idle, rule->idle_usec), when_text(rule->when),
        format_duration(every, rule->every_usec), evict->n_files, n_known, plural(n_known));
    if (r >= 0 && evict->n_files > 0)
        r = render_evict_table(out, options, evict);
    if (r >= 0 && evict->n_unknown > 0)
        r = say(out, options, "  %zu file%s: the kernel does not tell what is in memory",
                evict->n_unknown, plural(evict->n_unknown));
    return r;
}

int plan_render_evictions(FILE *out, const PlanOptions *options, const PlanPolicy *p)
{
    int r = 0;

    if (p->evict_error < 0)
        return say(out, options, "\nEvictions: the files cannot be found: %s",
                   strerror(-p->evict_error));
    for (size_t i = 0; i < p->policy->n_evicts && r >= 0; i++)
        r = render_evict(out, options, &p->evicts[i]);
    return r < 0 ? r : say_problems(out, options, &p->evict_passed_over);
}
