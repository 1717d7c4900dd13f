/* SPDX-License-Identifier: MIT */
#include "cli/files-report.h"

#include <errno.h>
#include <string.h>

#include "cli/json.h"
#include "cli/rows.h"
#include "cli/text.h"
#include "util/array.h"
#include "util/units.h"

int files_report_add(FilesReport *report, const FilesEntry *entry)
{
    if (ARRAY_RESERVE(report->entries, report->n_entries, report->room) < 0)
        return -ENOMEM;
    FilesEntry copy = *entry;
    copy.path = pool_strdup(&report->paths, entry->path);
    if (!copy.path)
        return -ENOMEM;
    report->entries[report->n_entries++] = copy;
    return 0;
}

void files_report_clear(FilesReport *report)
{
    free(report->entries);
    pool_clear(&report->paths);
    *report = (FilesReport){ 0 };
}

/* What is not known last. */
static int compare(const void *a, const void *b)
{
    const FilesEntry *x = a, *y = b;

    if (x->has_cached != y->has_cached)
        return x->has_cached ? -1 : 1;
    if (x->cached != y->cached)
        return x->cached > y->cached ? -1 : 1;
    return strcmp(x->path, y->path);
}

static uint64_t sum_charged(const FilesReport *report)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < report->n_entries; i++)
        sum += report->entries[i].charged;
    return sum;
}

/* Of the unit's page cache, what is in no file of the list. */
static bool knows_other(const FilesReport *report)
{
    return report->has_file && report->has_charged;
}

static uint64_t other(const FilesReport *report)
{
    return sub_u64(report->file, sum_charged(report));
}

static bool is_shown(const FilesEntry *entry, bool all)
{
    return all || !entry->has_cached || entry->cached > 0;
}

/* JSON */

static struct json_object *entry_to_json(const FilesEntry *entry)
{
    cleanup(json_object_putp) struct json_object *object = json_object_new_object();

    if (!object || json_add_text(object, "path", entry->path) < 0 ||
        json_add(object, "deleted", json_object_new_boolean(entry->deleted)) < 0 ||
        json_add_number(object, "size", true, entry->size) < 0 ||
        json_add_number(object, "cached", entry->has_cached, entry->cached) < 0 ||
        json_add_number(object, "charged", entry->has_charged, entry->charged) < 0 ||
        json_add_number(object, "open", true, entry->open) < 0 ||
        json_add_number(object, "mapped", true, entry->mapped) < 0)
        return NULL;
    return TAKE_PTR(object);
}

static int render_json(const FilesReport *report, FILE *out, JsonMode mode, bool all)
{
    cleanup(json_object_putp) struct json_object *root = json_object_new_object();
    cleanup(json_object_putp) struct json_object *files = json_object_new_array();

    for (size_t i = 0; i < report->n_entries; i++)
        if (is_shown(&report->entries[i], all) &&
            (!files || json_append(files, entry_to_json(&report->entries[i])) < 0))
            return -ENOMEM;
    if (!root || json_add_text(root, "unit", report->unit) < 0 ||
        json_add_text(root, "cgroup", report->cgroup) < 0 ||
        json_add(root, "files", TAKE_PTR(files)) < 0 ||
        json_add_number(root, "other", knows_other(report), other(report)) < 0 ||
        json_add_number(root, "page_cache", report->has_file, report->file) < 0 ||
        json_add_number(root, "unreadable", true, report->unreadable) < 0)
        return -ENOMEM;
    return json_print(root, out, mode);
}

/* The table */

static int add_entry(Rows *rows, const FilesEntry *entry, const OutputOptions *options)
{
    const char *none = options->unicode ? "–" : "-";
    char cached[FORMAT_SIZE_MAX], charged[FORMAT_SIZE_MAX], size[FORMAT_SIZE_MAX];
    char open[24], mapped[24];
    CLEANUP_FREE char *shown = escape_text(entry->path, options->unicode);
    CLEANUP_FREE char *path = NULL;

    if (!shown || asprintf(&path, "%s%s", shown, entry->deleted ? " (deleted)" : "") < 0)
        return -ENOMEM;
    snprintf(open, sizeof open, "%u", entry->open);
    snprintf(mapped, sizeof mapped, "%u", entry->mapped);
    const char *const cells[] = {
        entry->has_cached ? format_bytes(cached, entry->cached, options->bytes) : none,
        entry->has_charged ? format_bytes(charged, entry->charged, options->bytes) : none,
        format_bytes(size, entry->size, options->bytes),
        entry->open > 0 ? open : none,
        entry->mapped > 0 ? mapped : none,
        path,
    };
    return rows_add(rows, cells);
}

/* What only the sums of the unit tell. */
static int add_sum(Rows *rows, const char *name, uint64_t bytes, const OutputOptions *options)
{
    const char *none = options->unicode ? "–" : "-";
    char text[FORMAT_SIZE_MAX];
    const char *const cells[] = {
        none, format_bytes(text, bytes, options->bytes), none, none, none, name,
    };

    return rows_add(rows, cells);
}

static int render_table(const FilesReport *report, FILE *out, const OutputOptions *options,
                        bool all)
{
    static const char *const names[] = { "CACHED", "CHARGED", "SIZE", "OPEN", "MAPPED", "PATH" };
    cleanup(rows_clear) Rows rows = { .n_columns = ELEMENTS(names) };
    int r = 0;

    if (options->legend)
        r = rows_add(&rows, names);
    for (size_t i = 0; i < report->n_entries && r >= 0; i++)
        if (is_shown(&report->entries[i], all))
            r = add_entry(&rows, &report->entries[i], options);
    if (r >= 0 && options->legend && knows_other(report))
        r = add_sum(&rows, "other files, open in none of its processes", other(report), options);
    if (r >= 0 && options->legend && report->has_file)
        r = add_sum(&rows, "all of its page cache", report->file, options);
    return r < 0 ? r : rows_print(&rows, out);
}

int files_report_render(FilesReport *report, FILE *out, const OutputOptions *options, bool all)
{
    if (report->n_entries > 0)
        qsort(report->entries, report->n_entries, sizeof *report->entries, compare);
    if (options->json != JSON_OFF)
        return render_json(report, out, options->json, all);
    return render_table(report, out, options, all);
}
