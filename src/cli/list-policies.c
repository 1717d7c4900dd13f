/* SPDX-License-Identifier: MIT */
/* `pagewarden list-policies`: which policies are installed and what became of them. */
#include <string.h>

#include "cli/config-options.h"
#include "cli/json.h"
#include "cli/table.h"
#include "util/strv.h"

#define GLOBS_SHOWN 3 /* of each policy; the rest is counted and in the JSON */

/* A policy as it is installed. */
typedef struct Row {
    const ConfigEntry *entry;
    const Policy *policy; /* NULL: it is not in force */
} Row;

static Row row_of(const Policies *policies, size_t i)
{
    const ConfigEntry *entry = &policies->entries[i];

    return (Row){ entry, entry->state == CONFIG_IN_FORCE
                             ? policy_set_find(&policies->set, entry->name)
                             : NULL };
}

/* The last of the sources may be a folder that could not be listed, the only one of drop-ins
 * without a policy is theirs: then the number is not known. */
static bool count_dropins(const ConfigEntry *entry, size_t *ret)
{
    *ret = entry->n_sources > 0 ? entry->n_sources - 1 : 0;
    return entry->state == CONFIG_IN_FORCE || entry->state == CONFIG_MASKED;
}

/* For people */

/* "a.service, b.service, c.service, and 4 more" */
static char *join_globs(const Policy *policy)
{
    char *const *const lists[] = { policy->units, policy->cgroups };
    size_t n = strv_length(policy->units) + strv_length(policy->cgroups), shown = 0, size;
    char *text = NULL;

    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (size_t i = 0; i < ELEMENTS(lists); i++)
        STRV_FOREACH (glob, lists[i])
            if (shown < GLOBS_SHOWN)
                fprintf(out, "%s%s", shown++ > 0 ? ", " : "", *glob);
    if (shown < n)
        fprintf(out, ", and %zu more", n - shown);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static int add_row(struct libscols_table *table, Row row, bool unicode)
{
    const ConfigEntry *entry = row.entry;
    const char *none = unicode ? "–" : "-";
    CLEANUP_FREE char *name = escape_text(entry->name, unicode);
    CLEANUP_FREE char *file = escape_text(entry->sources[0].path, unicode);
    CLEANUP_FREE char *globs = row.policy ? join_globs(row.policy) : strdup(none);
    CLEANUP_FREE char *match = globs && row.policy ? escape_text(globs, unicode) : NULL;
    char dropins[24];
    size_t n;

    if (!name || !file || !globs || (row.policy && !match))
        return -ENOMEM;
    bool known = count_dropins(entry, &n);
    snprintf(dropins, sizeof(dropins), "%zu", n);

    const char *const cells[] = {
        name,
        config_state_to_string(entry->state),
        row.policy ? policy_role_to_string(row.policy->role) : none,
        row.policy ? policy_mode_to_string(row.policy->mode) : none,
        match ?: globs,
        known ? dropins : none,
        file,
    };
    return table_add_row(table, cells, ELEMENTS(cells));
}

static int print_table(const Policies *policies, const OutputOptions *options)
{
    cleanup(scols_unref_tablep) struct libscols_table *table = NULL;

    int r = table_new(stdout, options->legend, &table);
    if (r >= 0)
        r = table_add_column(table, "NAME", 0);
    if (r >= 0)
        r = table_add_column(table, "STATE", 0);
    if (r >= 0)
        r = table_add_column(table, "ROLE", 0);
    if (r >= 0)
        r = table_add_column(table, "MODE", 0);
    if (r >= 0)
        r = table_add_column(table, "MATCH", 0);
    if (r >= 0)
        r = table_add_column(table, "DROP-INS", SCOLS_FL_RIGHT);
    if (r >= 0) /* last, so that a long one moves nothing */
        r = table_add_column(table, "FILE", 0);
    for (size_t i = 0; i < policies->n_entries && r >= 0; i++)
        r = add_row(table, row_of(policies, i), options->unicode);
    if (r >= 0 && policies->n_entries == 0 && options->legend &&
        policies->folders.state != CONFIG_REFUSED)
        printf("There are no policies.\n");
    return r < 0 ? r : table_print(table);
}

/* For programs */

static struct json_object *strv_to_json(char *const *strv)
{
    cleanup(json_object_putp) struct json_object *list = json_object_new_array();

    STRV_FOREACH (text, strv)
        if (!list || json_append(list, json_text(*text)) < 0)
            return NULL;
    return TAKE_PTR(list);
}

static struct json_object *row_to_json(Row row)
{
    cleanup(json_object_putp) struct json_object *object = json_object_new_object();
    const ConfigEntry *entry = row.entry;
    const Policy *policy = row.policy;
    size_t n;

    if (!object || json_add_text(object, "name", entry->name) < 0 ||
        json_add_text(object, "state", config_state_to_string(entry->state)) < 0 ||
        json_add_text(object, "description", policy ? policy->description : NULL) < 0 ||
        json_add_text(object, "role", policy ? policy_role_to_string(policy->role) : NULL) < 0 ||
        json_add_text(object, "mode", policy ? policy_mode_to_string(policy->mode) : NULL) < 0 ||
        json_add(object, "units", strv_to_json(policy ? policy->units : NULL)) < 0 ||
        json_add(object, "cgroups", strv_to_json(policy ? policy->cgroups : NULL)) < 0 ||
        json_add_text(object, "file", entry->sources[0].path) < 0)
        return NULL;
    if (count_dropins(entry, &n) ? json_add(object, "dropins", json_sources(entry, 1)) < 0
                                 : json_add_text(object, "dropins", NULL) < 0)
        return NULL;
    return TAKE_PTR(object);
}

/* Why policies may be missing. */
static struct json_object *folders_to_json(const ConfigEntry *folders)
{
    cleanup(json_object_putp) struct json_object *object = json_object_new_object();
    cleanup(json_object_putp) struct json_object *list = json_object_new_array();
    const Diagnostics *diagnostics = &folders->diagnostics;

    /* The one behind the last only counts the others. */
    for (size_t i = 0; i < diagnostics->n_entries && i < DIAGNOSTICS_MAX; i++)
        if (!list || json_append(list, json_diagnostic(folders, &diagnostics->entries[i])) < 0)
            return NULL;
    if (!object || json_add(object, "diagnostics", TAKE_PTR(list)) < 0 ||
        json_add_number(object, "more", true, diagnostics->n_more) < 0)
        return NULL;
    return TAKE_PTR(object);
}

static int print_json(const Policies *policies, JsonMode mode)
{
    cleanup(json_object_putp) struct json_object *root = json_object_new_object();
    cleanup(json_object_putp) struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < policies->n_entries; i++)
        if (!list || json_append(list, row_to_json(row_of(policies, i))) < 0)
            return -ENOMEM;
    if (!root || json_add(root, "policies", TAKE_PTR(list)) < 0 ||
        json_add(root, "folders", folders_to_json(&policies->folders)) < 0)
        return -ENOMEM;
    return json_print(root, stdout, mode);
}

static ExitCode list_policies(const ConfigOptions *options)
{
    cleanup(config_clear) Config config = { 0 };
    const Policies *policies = &config.policies;

    int r = config_options_load(options, &config);
    if (r < 0)
        return EXIT_FAILED;

    r = options->output.json != JSON_OFF ? print_json(policies, options->output.json)
                                         : print_table(policies, &options->output);
    if (r == -ENOMEM)
        complain("out of memory");
    complain_of_entry(&policies->folders, SEVERITY_WARNING);
    /* A refused policy is part of the answer; what a folder has that cannot be listed is missing.
     */
    if (policies->folders.state != CONFIG_REFUSED)
        return r < 0 ? EXIT_FAILED : EXIT_OK;
    complain_of_entry(&policies->folders, SEVERITY_MISTAKE);
    return EXIT_FAILED;
}

static void help(void)
{
    printf("pagewarden list-policies [OPTION…]\n\n"
           "Lists the policies that are installed: whether they are in force, and for what. Those\n"
           "that are refused are explained by \"pagewarden verify\".\n\n"
           "      --no-legend    no headings\n" CONFIG_OPTIONS_HELP
           "  -h, --help         show this\n");
}

ExitCode verb_list_policies(int argc, char *argv[])
{
    static const struct option longs[] = { NO_LEGEND_OPTION, CONFIG_OPTIONS, { 0 } };
    cleanup(config_options_clear) ConfigOptions options;
    ExitCode code;

    config_options_init(&options);
    for (int c; (c = next_option(argv[0], argc, argv, "h", longs)) >= 0;)
        if (!config_options_take(&options, c, help, &code))
            return code;
    if (optind < argc) {
        complain("list-policies takes no arguments");
        return EXIT_USAGE;
    }
    return list_policies(&options);
}
