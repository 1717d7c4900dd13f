/* SPDX-License-Identifier: MIT */
/* `pagewarden cat-config`: the settings and the policies as they are in force, when drop-ins have
 * been merged. What is printed is YAML, in which only comments say where it comes from. */
#include <string.h>

#include "cli/config-options.h"
#include "cli/json.h"
#include "policy/show.h"
#include "policy/text.h"

typedef struct CatConfig {
    ConfigOptions options;
    struct json_object *entries; /* NULL: YAML is printed */
    bool any;                    /* has been printed */
    bool failed;                 /* something is not in force, and should be */
} CatConfig;

/* For people, and for the reader of YAML */

static int print_header(const ConfigEntry *entry)
{
    CLEANUP_FREE char *name = text_printable(entry->name);
    if (!name)
        return -ENOMEM;

    for (size_t i = 0; i < entry->n_sources; i++) {
        CLEANUP_FREE char *file = text_printable(entry->sources[i].path);
        if (!file)
            return -ENOMEM;
        if (i == 0)
            printf("# %s: %s\n", name, file);
        else
            printf("#   + %s\n", file);
    }
    if (entry->n_sources == 0)
        printf("# %s: no file, all settings are the defaults\n", name);
    return 0;
}

static int print_yaml(CatConfig *cat, const ConfigEntry *entry, const Node *tree)
{
    CLEANUP_FREE char *text = tree ? show_document(tree, entry->sources) : strdup("");
    if (!text)
        return -ENOMEM;

    /* One stream of several documents; what is about the defaults is a comment and no document. */
    if (cat->any)
        puts("---");
    cat->any |= tree != NULL;
    int r = print_header(entry);
    fputs(text, stdout);
    if (!tree)
        puts("");
    return r;
}

/* For programs */

static struct json_object *node_to_json(const Node *node, PolicyPlace place, const Source *sources);

static struct json_object *list_to_json(const Node *list, const Source *sources)
{
    cleanup(json_object_putp) struct json_object *array = json_object_new_array();

    for (const Node *entry = list->first; entry; entry = entry->next)
        if (!array || json_append(array, node_to_json(entry, entry->place, sources)) < 0)
            return NULL;
    return TAKE_PTR(array);
}

static struct json_object *mapping_to_json(const Node *mapping, const Source *sources)
{
    cleanup(json_object_putp) struct json_object *object = json_object_new_object();

    NODE_FOREACH_KEY(key, mapping)
    if (!object || json_add(object, key->text, node_to_json(key->next, key->place, sources)) < 0)
        return NULL;
    return TAKE_PTR(object);
}

/* {"value": …, "file": …, "line": …} */
static struct json_object *node_to_json(const Node *node, PolicyPlace place, const Source *sources)
{
    cleanup(json_object_putp) struct json_object *object = json_object_new_object();
    struct json_object *value;

    if (!object)
        return NULL;
    if (node->kind == NODE_TEXT)
        value = json_text(node->text);
    else if (node->kind == NODE_LIST)
        value = list_to_json(node, sources);
    else
        value = mapping_to_json(node, sources);
    if (json_add(object, "value", value) < 0 ||
        json_add_text(object, "file", sources[place.file].path) < 0 ||
        json_add_number(object, "line", true, place.line) < 0)
        return NULL;
    return TAKE_PTR(object);
}

static struct json_object *entry_to_json(const char *kind, const ConfigEntry *entry,
                                         const Node *tree)
{
    cleanup(json_object_putp) struct json_object *object = json_object_new_object();

    if (!object || json_add_text(object, "kind", kind) < 0 ||
        json_add_text(object, "name", entry->name) < 0 ||
        json_add(object, "files", json_sources(entry, 0)) < 0)
        return NULL;
    if (tree ? json_add(object, "config", mapping_to_json(tree, entry->sources)) < 0
             : json_add(object, "config", json_object_new_object()) < 0)
        return NULL;
    return TAKE_PTR(object);
}

/* The entries */

static int show(CatConfig *cat, const char *kind, const ConfigEntry *entry)
{
    cleanup(node_freep) Node *tree = NULL;
    Diagnostics diagnostics = { 0 };

    if (entry->n_sources > 0) {
        /* It has been decoded from the same texts. */
        int r = document_read_merged(entry->sources, entry->n_sources, &diagnostics, &tree);
        diagnostics_clear(&diagnostics);
        if (r < 0)
            return r;
    }
    if (cat->entries)
        return json_append(cat->entries, entry_to_json(kind, entry, tree));
    return print_yaml(cat, entry, tree);
}

/* Says on standard error why there is nothing to be shown of it. */
static int explain(CatConfig *cat, const ConfigEntry *entry, bool named)
{
    bool unicode = cat->options.output.unicode;
    CLEANUP_FREE char *name = escape_text(entry->name, unicode);
    CLEANUP_FREE char *file = escape_text(entry->sources[0].path, unicode);
    if (!name || !file)
        return -ENOMEM;

    switch (entry->state) {
    case CONFIG_REFUSED:
        complain("\"%s\" is refused:", name);
        complain_of_entry(entry, SEVERITY_MISTAKE);
        break;
    case CONFIG_MASKED:
        complain("\"%s\" is masked by %s", name, file);
        break;
    case CONFIG_MISSING:
        complain("\"%s\" is missing, and only has drop-ins, in %s", name, file);
        break;
    case CONFIG_IN_FORCE:
        break;
    }
    cat->failed |= named || entry->state == CONFIG_REFUSED;
    return 0;
}

static int show_or_explain(CatConfig *cat, const char *kind, const ConfigEntry *entry, bool named)
{
    if (entry->state == CONFIG_IN_FORCE)
        return show(cat, kind, entry);
    return explain(cat, entry, named);
}

static int show_all(CatConfig *cat, const Config *config)
{
    const Policies *policies = &config->policies;

    int r = show_or_explain(cat, "settings", &config->settings_entry, false);
    for (size_t i = 0; i < policies->n_entries && r >= 0; i++)
        r = show_or_explain(cat, "policy", &policies->entries[i], false);
    return r;
}

/* A policy may have the name of the settings: then both are shown. */
static int show_named(CatConfig *cat, const Config *config, const char *name)
{
    const ConfigEntry *policy = policies_find_entry(&config->policies, name);
    bool settings = strcmp(name, config->settings_entry.name) == 0;
    int r = 0;

    if (settings)
        r = show_or_explain(cat, "settings", &config->settings_entry, true);
    if (r >= 0 && policy)
        r = show_or_explain(cat, "policy", policy, true);
    if (!settings && !policy) {
        r = complain_of_unknown(config, name);
        cat->failed = true;
    }
    return r;
}

static int print_json(const CatConfig *cat)
{
    cleanup(json_object_putp) struct json_object *root = json_object_new_object();

    if (!root || json_add(root, "entries", json_object_get(cat->entries)) < 0)
        return -ENOMEM;
    return json_print(root, stdout, cat->options.output.json);
}

static int show_config(CatConfig *cat, const Config *config, char *const names[])
{
    int r = 0;

    if (!*names)
        r = show_all(cat, config);
    for (; *names && r >= 0; names++)
        r = show_named(cat, config, *names);
    return r < 0 || !cat->entries ? r : print_json(cat);
}

static ExitCode cat_config(CatConfig *cat, char *const names[])
{
    cleanup(config_clear) Config config = { 0 };
    cleanup(json_object_putp) struct json_object *entries = NULL;

    int r = config_options_load(&cat->options, &config);
    if (r < 0)
        return EXIT_FAILED;
    if (!config.settings_entry.name) { /* the image could not be opened */
        complain_of_entry(&config.policies.folders, SEVERITY_MISTAKE);
        return EXIT_FAILED;
    }
    if (cat->options.output.json != JSON_OFF) {
        cat->entries = entries = json_object_new_array();
        r = entries ? 0 : -ENOMEM;
    }
    if (r >= 0)
        r = show_config(cat, &config, names);
    if (r < 0 && r != -EIO)
        complain("%s", r == -ENOMEM ? "out of memory" : strerror(-r));
    if (config.policies.folders.state == CONFIG_REFUSED) {
        complain_of_entry(&config.policies.folders, SEVERITY_MISTAKE);
        cat->failed = true;
    }
    return r < 0 || cat->failed ? EXIT_FAILED : EXIT_OK;
}

static void help(void)
{
    printf("pagewarden cat-config [OPTION…] [NAME…]\n\n"
           "Prints what is in force when drop-ins have been merged: the settings, whose NAME is\n"
           "\"pagewarden\", and all policies; or those that are named. It is YAML, with the origin "
           "of\n"
           "each line behind it.\n\n" CONFIG_OPTIONS_HELP "  -h, --help         show this\n");
}

ExitCode verb_cat_config(int argc, char *argv[])
{
    static const struct option longs[] = { CONFIG_OPTIONS, { 0 } };
    CatConfig cat = { 0 };
    ExitCode code = EXIT_OK;
    bool go_on = true;

    config_options_init(&cat.options);
    for (int c; go_on && (c = next_option(argv[0], argc, argv, "h", longs)) >= 0;)
        go_on = config_options_take(&cat.options, c, help, &code);
    if (go_on)
        code = cat_config(&cat, argv + optind);
    config_options_clear(&cat.options);
    return code;
}
