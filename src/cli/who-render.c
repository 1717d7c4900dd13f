/* SPDX-License-Identifier: MIT */
#include "cli/who-render.h"

#include <inttypes.h>

#include "cli/json.h"
#include "cli/rows.h"
#include "cli/text.h"
#include "kernel/units.h"

static struct json_object *user_to_json(const FileUser *user)
{
    cleanup(json_object_putp) struct json_object *object = json_object_new_object();
    CLEANUP_FREE char *unit = user->cgroup ? unit_of_cgroup(user->cgroup) : NULL;

    if (!object || (user->cgroup && !unit) ||
        json_add_number(object, "pid", true, (uint64_t)user->pid) < 0 ||
        json_add_text(object, "command", *user->command ? user->command : NULL) < 0 ||
        json_add_text(object, "unit", unit) < 0 ||
        json_add_text(object, "cgroup", user->cgroup) < 0 ||
        json_add_number(object, "descriptors", true, user->descriptors) < 0 ||
        json_add_number(object, "mapped", true, user->mapped) < 0 ||
        json_add_number(object, "rss", true, user->rss) < 0 ||
        json_add_number(object, "pss", true, user->pss) < 0 ||
        json_add_number(object, "locked", true, user->locked) < 0)
        return NULL;
    return TAKE_PTR(object);
}

static struct json_object *file_to_json(const WhoReport *report, size_t i)
{
    cleanup(json_object_putp) struct json_object *object = json_object_new_object();
    cleanup(json_object_putp) struct json_object *users = json_object_new_array();

    if (!object || !users || json_add_text(object, "path", report->paths[i]) < 0)
        return NULL;
    for (size_t j = 0; j < report->users.n_users; j++)
        if (report->users.users[j].file == i &&
            json_append(users, user_to_json(&report->users.users[j])) < 0)
            return NULL;
    return json_add(object, "users", TAKE_PTR(users)) < 0 ? NULL : TAKE_PTR(object);
}

static int render_json(const WhoReport *report, FILE *out, JsonMode mode)
{
    cleanup(json_object_putp) struct json_object *root = json_object_new_object();
    cleanup(json_object_putp) struct json_object *files = json_object_new_array();

    for (size_t i = 0; i < report->n_paths; i++)
        if (!files || json_append(files, file_to_json(report, i)) < 0)
            return -ENOMEM;
    if (!root || json_add(root, "files", TAKE_PTR(files)) < 0 ||
        json_add_number(root, "unreadable", true, report->users.unreadable) < 0)
        return -ENOMEM;
    return json_print(root, out, mode);
}

static int add_row(Rows *rows, const WhoReport *report, const FileUser *user,
                   const OutputOptions *options)
{
    const char *none = options->unicode ? "–" : "-";
    char pid[24], descriptors[24], mapped[FORMAT_SIZE_MAX], rss[FORMAT_SIZE_MAX];
    char pss[FORMAT_SIZE_MAX], locked[FORMAT_SIZE_MAX];
    CLEANUP_FREE char *unit = user->cgroup ? unit_of_cgroup(user->cgroup) : NULL;
    CLEANUP_FREE char *shown_unit = escape_text(unit ? unit : "", options->unicode);
    CLEANUP_FREE char *command = escape_text(user->command, options->unicode);
    CLEANUP_FREE char *path = escape_text(report->paths[user->file], options->unicode);
    bool b = options->bytes;

    if (!shown_unit || !command || !path || (user->cgroup && !unit))
        return -ENOMEM;
    snprintf(pid, sizeof pid, "%" PRIdMAX, (intmax_t)user->pid);
    snprintf(descriptors, sizeof descriptors, "%u", user->descriptors);
    const char *const cells[] = {
        pid,
        unit ? shown_unit : none,
        *command ? command : none,
        descriptors,
        format_bytes(mapped, user->mapped, b),
        format_bytes(rss, user->rss, b),
        format_bytes(pss, user->pss, b),
        format_bytes(locked, user->locked, b),
        path,
    };
    return rows_add(rows, cells);
}

static int render_table(const WhoReport *report, FILE *out, const OutputOptions *options)
{
    static const char *const names[] = { "PID", "UNIT", "COMMAND", "OPEN", "MAPPED",
                                         "RSS", "PSS",  "LOCKED",  "PATH" };
    cleanup(rows_clear) Rows rows = { .n_columns = ELEMENTS(names) };
    int r = 0;

    if (report->users.n_users == 0)
        return 0;
    if (options->legend)
        r = rows_add(&rows, names);
    for (size_t i = 0; i < report->users.n_users && r >= 0; i++)
        r = add_row(&rows, report, &report->users.users[i], options);
    return r < 0 ? r : rows_print(&rows, out);
}

int who_render(const WhoReport *report, FILE *out, const OutputOptions *options)
{
    if (options->json != JSON_OFF)
        return render_json(report, out, options->json);
    return render_table(report, out, options);
}
