/* SPDX-License-Identifier: MIT */
#include "cli/owners-report.h"

#include <string.h>

#include "cli/json.h"
#include "cli/rows.h"
#include "cli/text.h"
#include "kernel/units.h"
#include "util/array.h"

int owners_report_add(OwnersReport *report, const char *path, PageOwners *owners)
{
    cleanup(page_owners_clear) PageOwners taken = TAKE(*owners, (PageOwners){ 0 });

    if (ARRAY_RESERVE(report->files, report->n_files, report->room) < 0)
        return -ENOMEM;
    char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    page_owners_sort(&taken);
    report->files[report->n_files++] = (OwnedFile){ copy, TAKE(taken, (PageOwners){ 0 }) };
    return 0;
}

void owners_report_clear(OwnersReport *report)
{
    for (size_t i = 0; i < report->n_files; i++) {
        free(report->files[i].path);
        page_owners_clear(&report->files[i].owners);
    }
    free(report->files);
    cgroup_names_clear(&report->names);
    *report = (OwnersReport){ 0 };
}

static struct json_object *owner_to_json(const OwnersReport *report, const PageOwner *owner)
{
    cleanup(json_object_putp) struct json_object *object = json_object_new_object();
    const char *path = cgroup_names_find(&report->names, owner->cgroup);
    CLEANUP_FREE char *unit = path ? unit_of_cgroup(path) : NULL;

    if (!object || (path && !unit) || json_add_text(object, "unit", unit) < 0 ||
        json_add_text(object, "cgroup", path) < 0 ||
        json_add_number(object, "inode", owner->cgroup > 0, owner->cgroup) < 0 ||
        json_add_number(object, "resident", true, owner->resident) < 0 ||
        json_add_number(object, "locked", true, owner->locked) < 0)
        return NULL;
    return TAKE_PTR(object);
}

static struct json_object *file_to_json(const OwnersReport *report, const OwnedFile *file)
{
    cleanup(json_object_putp) struct json_object *object = json_object_new_object();
    cleanup(json_object_putp) struct json_object *owners = json_object_new_array();

    if (!object || !owners || json_add_text(object, "path", file->path) < 0)
        return NULL;
    for (size_t i = 0; i < file->owners.n_owners; i++)
        if (json_append(owners, owner_to_json(report, &file->owners.owners[i])) < 0)
            return NULL;
    return json_add(object, "cgroups", TAKE_PTR(owners)) < 0 ? NULL : TAKE_PTR(object);
}

static int render_json(const OwnersReport *report, FILE *out, JsonMode mode)
{
    cleanup(json_object_putp) struct json_object *root = json_object_new_object();
    cleanup(json_object_putp) struct json_object *files = json_object_new_array();

    for (size_t i = 0; i < report->n_files; i++)
        if (!files || json_append(files, file_to_json(report, &report->files[i])) < 0)
            return -ENOMEM;
    if (!root || json_add(root, "files", TAKE_PTR(files)) < 0)
        return -ENOMEM;
    return json_print(root, out, mode);
}

/* For people. One without a path was removed, or is out of this cgroup namespace. */
static char *name_owner(const OwnersReport *report, const PageOwner *owner, bool unicode)
{
    const char *path = cgroup_names_find(&report->names, owner->cgroup);
    CLEANUP_FREE char *name = NULL;

    if (owner->cgroup == 0)
        return strdup("(nobody)");
    if (path)
        return escape_text(path, unicode);
    if (asprintf(&name, "(cgroup %ju)", (uintmax_t)owner->cgroup) < 0)
        name = NULL;
    return TAKE_PTR(name);
}

static int add_row(Rows *rows, const OwnersReport *report, const OwnedFile *file,
                   const PageOwner *owner, const OutputOptions *options)
{
    char resident[FORMAT_SIZE_MAX], locked[FORMAT_SIZE_MAX];
    CLEANUP_FREE char *name = name_owner(report, owner, options->unicode);
    CLEANUP_FREE char *path = escape_text(file->path, options->unicode);
    if (!name || !path)
        return -ENOMEM;

    const char *const cells[] = {
        format_bytes(resident, owner->resident, options->bytes),
        format_bytes(locked, owner->locked, options->bytes),
        name,
        path,
    };
    return rows_add(rows, cells);
}

static int render_table(const OwnersReport *report, FILE *out, const OutputOptions *options)
{
    static const char *const names[] = { "RESIDENT", "LOCKED", "CGROUP", "PATH" };
    cleanup(rows_clear) Rows rows = { .n_columns = ELEMENTS(names) };
    int r = 0;

    if (options->legend && report->n_files > 0)
        r = rows_add(&rows, names);
    for (size_t i = 0; i < report->n_files; i++)
        for (size_t j = 0; j < report->files[i].owners.n_owners && r >= 0; j++)
            r = add_row(&rows, report, &report->files[i], &report->files[i].owners.owners[j],
                        options);
    return r < 0 ? r : rows_print(&rows, out);
}

int owners_report_render(const OwnersReport *report, FILE *out, const OutputOptions *options)
{
    if (options->json != JSON_OFF)
        return render_json(report, out, options->json);
    return render_table(report, out, options);
}
