/* SPDX-License-Identifier: MIT */
#include "cli/pins-render.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "cli/json.h"
#include "cli/table.h"
#include "cli/text.h"
#include "util/array.h"
#include "util/units.h"

int pins_report_add(PinsReport *report, const BusHeldFile *file, const char *policy)
{
    if (ARRAY_RESERVE(report->files, report->n_files, report->room) < 0)
        return -ENOMEM;

    PinsFile copy = {
        .path = *file->path ? strdup(file->path) : NULL,
        .unit = *file->unit ? strdup(file->unit) : NULL,
        .policy = policy ? strdup(policy) : NULL,
        .dev = file->dev,
        .ino = file->ino,
        .user = file->user,
        .since_usec = file->since_usec,
        .until_usec = file->until_usec,
        .size = file->size,
        .locked = file->locked,
    };
    if ((*file->path && !copy.path) || (*file->unit && !copy.unit) || (policy && !copy.policy)) {
        free(copy.path);
        free(copy.unit);
        free(copy.policy);
        return -ENOMEM;
    }
    report->files[report->n_files++] = copy;
    return 0;
}

void pins_report_clear(PinsReport *report)
{
    for (size_t i = 0; i < report->n_files; i++) {
        free(report->files[i].path);
        free(report->files[i].unit);
        free(report->files[i].policy);
    }
    free(report->files);
    *report = (PinsReport){ 0 };
}

static struct json_object *file_to_json(const PinsFile *file)
{
    cleanup(json_object_putp) struct json_object *object = json_object_new_object();

    if (!object || json_add_text(object, "path", file->path) < 0 ||
        json_add_number(object, "device", true, file->dev) < 0 ||
        json_add_number(object, "inode", true, file->ino) < 0 ||
        json_add_text(object, "unit", file->unit) < 0 ||
        json_add_text(object, "policy", file->policy) < 0 ||
        json_add_number(object, "user", file->user != UINT64_MAX, file->user) < 0 ||
        json_add_number(object, "since_usec", file->since_usec > 0, file->since_usec) < 0 ||
        json_add_number(object, "until_usec", file->until_usec > 0, file->until_usec) < 0 ||
        json_add_number(object, "size", true, file->size) < 0 ||
        json_add_number(object, "locked", true, file->locked) < 0)
        return NULL;
    return TAKE_PTR(object);
}

static int render_json(const PinsReport *report, FILE *out, JsonMode mode)
{
    cleanup(json_object_putp) struct json_object *root = json_object_new_object();
    cleanup(json_object_putp) struct json_object *pins = json_object_new_array();

    for (size_t i = 0; i < report->n_files; i++)
        if (!pins || json_append(pins, file_to_json(&report->files[i])) < 0)
            return -ENOMEM;
    if (!root || json_add(root, "pins", TAKE_PTR(pins)) < 0)
        return -ENOMEM;
    return json_print(root, out, mode);
}

/* The file, or its numbers where it has no name: "8:1 inode 1234". */
static char *path_cell(const PinsFile *file, bool unicode)
{
    char *text;

    if (file->path)
        return escape_text(file->path, unicode);
    if (asprintf(&text, "%u:%u inode %ju", major((dev_t)file->dev), minor((dev_t)file->dev),
                 (uintmax_t)file->ino) < 0)
        return NULL;
    return text;
}

/* The policy, or "by hand (root)". */
static char *by_cell(const PinsFile *file, bool unicode)
{
    const struct passwd *user;
    char *text;
    int r;

    if (file->policy)
        return escape_text(file->policy, unicode);
    if (file->user == UINT64_MAX)
        return strdup("by hand");
    user = getpwuid((uid_t)file->user);
    r = user ? asprintf(&text, "by hand (%s)", user->pw_name)
             : asprintf(&text, "by hand (%ju)", (uintmax_t)file->user);
    return r < 0 ? NULL : text;
}

#define TIME_MAX 32

static const char *time_cell(char buffer[static TIME_MAX], uint64_t usec, const char *none)
{
    time_t seconds = (time_t)(usec / USEC_PER_SEC);
    struct tm local;

    if (usec == 0 || !localtime_r(&seconds, &local) ||
        strftime(buffer, TIME_MAX, "%Y-%m-%d %H:%M:%S", &local) == 0)
        return none;
    return buffer;
}

static int add_row(struct libscols_table *table, const PinsFile *file, const OutputOptions *options)
{
    char since[TIME_MAX], until[TIME_MAX], size[FORMAT_SIZE_MAX], locked[FORMAT_SIZE_MAX];
    const char *none = options->unicode ? "–" : "-";
    CLEANUP_FREE char *path = path_cell(file, options->unicode);
    CLEANUP_FREE char *by = by_cell(file, options->unicode);
    CLEANUP_FREE char *unit = file->unit ? escape_text(file->unit, options->unicode) : strdup(none);
    if (!path || !by || !unit)
        return -ENOMEM;

    const char *const cells[] = {
        unit,
        by,
        time_cell(since, file->since_usec, none),
        time_cell(until, file->until_usec, none),
        format_bytes(size, file->size, options->bytes),
        format_bytes(locked, file->locked, options->bytes),
        path,
    };
    return table_add_row(table, cells, ELEMENTS(cells));
}

static int add_total(struct libscols_table *table, const PinsReport *report,
                     const OutputOptions *options)
{
    char size[FORMAT_SIZE_MAX], locked[FORMAT_SIZE_MAX];
    uint64_t size_sum = 0, locked_sum = 0;
    CLEANUP_FREE char *label = NULL;

    for (size_t i = 0; i < report->n_files; i++) {
        size_sum = add_u64(size_sum, report->files[i].size);
        locked_sum = add_u64(locked_sum, report->files[i].locked);
    }
    if (asprintf(&label, "total (%zu file%s)", report->n_files, plural(report->n_files)) < 0) {
        label = NULL;
        return -ENOMEM;
    }
    const char *const cells[] = {
        NULL,
        NULL,
        NULL,
        NULL,
        format_bytes(size, size_sum, options->bytes),
        format_bytes(locked, locked_sum, options->bytes),
        label,
    };
    return table_add_row(table, cells, ELEMENTS(cells));
}

int pins_report_render(const PinsReport *report, FILE *out, const OutputOptions *options)
{
    static const struct {
        const char *name;
        int flags;
    } columns[] = {
        { "UNIT", 0 },
        { "BY", 0 },
        { "SINCE", 0 },
        { "UNTIL", 0 },
        { "SIZE", SCOLS_FL_RIGHT },
        { "LOCKED", SCOLS_FL_RIGHT },
        { "PATH", 0 },
    };
    cleanup(scols_unref_tablep) struct libscols_table *table = NULL;

    if (options->json != JSON_OFF)
        return render_json(report, out, options->json);
    if (report->n_files == 0)
        return 0;
    int r = table_new(out, options->legend, &table);
    for (size_t i = 0; i < ELEMENTS(columns) && r >= 0; i++)
        r = table_add_column(table, columns[i].name, columns[i].flags);
    for (size_t i = 0; i < report->n_files && r >= 0; i++)
        r = add_row(table, &report->files[i], options);
    if (r >= 0 && options->legend)
        r = add_total(table, report, options);
    return r < 0 ? r : table_print(table);
}
