/* SPDX-License-Identifier: MIT */
#include "config/policies.h"

#include <fcntl.h>
#include <string.h>

#include "config/draws.h"
#include "config/find.h"
#include "policy/decode.h"

void policies_clear(Policies *policies)
{
    ConfigEntries entries = { policies->entries, policies->n_entries };

    policy_set_clear(&policies->set);
    config_entries_clear(&entries);
    config_entry_clear(&policies->folders);
    *policies = (Policies){ 0 };
}

static ConfigEntry *find(const Policies *policies, const char *name)
{
    for (size_t i = 0; i < policies->n_entries; i++)
        if (strcmp(policies->entries[i].name, name) == 0)
            return &policies->entries[i];
    return NULL;
}

const ConfigEntry *policies_find_entry(const Policies *policies, const char *name)
{
    return find(policies, name);
}

static void count_refused(Policies *policies)
{
    policies->n_refused = policies->folders.state == CONFIG_REFUSED;
    for (size_t i = 0; i < policies->n_entries; i++)
        policies->n_refused += policies->entries[i].state == CONFIG_REFUSED;
}

/* Its sources have been read. */
static int decode(Policies *policies, ConfigEntry *entry, uint64_t ram)
{
    Policy *policy;

    int r = policy_decode(entry->name, entry->sources, entry->n_sources, ram, &entry->diagnostics,
                          &policy);
    if (r == -EBADMSG) {
        entry->state = CONFIG_REFUSED;
        return 0;
    }
    if (r >= 0)
        r = policy_set_add(&policies->set, policy);
    return r == -EEXIST ? 0 : r; /* one of the same name in another folder */
}

/* From every folder */

static void remove_entry(Policies *policies, size_t i)
{
    config_entry_clear(&policies->entries[i]);
    policies->n_entries--;
    memmove(&policies->entries[i], &policies->entries[i + 1],
            (policies->n_entries - i) * sizeof(ConfigEntry));
}

static int load_entries(Policies *policies, const ConfigRoot *root, uint64_t ram)
{
    for (size_t i = 0; i < policies->n_entries;) {
        ConfigEntry *entry = &policies->entries[i];
        int r = 0;

        if (entry->state == CONFIG_IN_FORCE)
            r = config_entry_read(entry, root);
        if (r > 0) { /* deleted since the folder was read */
            remove_entry(policies, i);
            continue;
        }
        if (r >= 0 && entry->state == CONFIG_IN_FORCE)
            r = decode(policies, entry, ram);
        if (r < 0)
            return r;
        i++;
    }
    return 0;
}

/* Nothing can be found: the reason stands where folders that cannot be listed do. */
static int refuse_root(ConfigEntry *folders, const ConfigPlaces *places, int error)
{
    int r = error == -ENOMEM ? error : config_entry_add_source(folders, 0, places->root);
    return r < 0 ? r : config_entry_refuse(folders, 0, error);
}

int policies_load(const ConfigPlaces *places, uint64_t ram, Policies *ret)
{
    cleanup(policies_clear) Policies policies = { 0 };
    cleanup(config_root_close) ConfigRoot root = { .fd = -1 };
    ConfigEntries entries = { 0 };

    int r = config_root_open(places, &root);
    if (r < 0) {
        r = refuse_root(&policies.folders, places, r);
    } else {
        r = config_find_policies(&root, &policies.folders, &entries);
        policies.entries = entries.entries;
        policies.n_entries = entries.n_entries;
        if (r >= 0)
            r = load_entries(&policies, &root, ram);
    }
    if (r >= 0)
        r = policies_warn_of_draws(&policies);
    if (r < 0)
        return r;

    count_refused(&policies);
    *ret = TAKE(policies, (Policies){ 0 });
    return 0;
}

/* From files that are named */

/* "shop" of "policies.d/shop.yaml"; to be freed, NULL: out of memory. */
static char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');

    return strndup(base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
}

/* Copies the text that is given in place of the file. */
static int set_text(Source *source, const Source *given)
{
    char *text = malloc(given->size + 1);
    if (!text)
        return -ENOMEM;

    memcpy(text, given->text, given->size);
    text[given->size] = '\0';
    source->text = text;
    source->size = given->size;
    return 0;
}

static int load_file(Policies *policies, ConfigEntry *entry, const ConfigRoot *root,
                     const Source *file, uint64_t ram)
{
    entry->name = name_of(file->path);
    int r = entry->name ? config_entry_add_source(entry, 0, file->path) : -ENOMEM;
    if (r >= 0)
        r = file->text ? set_text(entry->sources, file) : config_entry_read(entry, root);
    if (r > 0) { /* nothing there */
        r = config_entry_add_source(entry, 0, file->path);
        if (r >= 0)
            r = config_entry_refuse(entry, 0, -ENOENT);
    }
    return r < 0 || entry->state == CONFIG_REFUSED ? r : decode(policies, entry, ram);
}

int policies_load_files(const Source *files, size_t n_files, uint64_t ram, Policies *ret)
{
    cleanup(policies_clear) Policies policies = { 0 };
    const ConfigRoot root = { .fd = AT_FDCWD };

    policies.entries = calloc(n_files + 1, sizeof(ConfigEntry));
    if (!policies.entries)
        return -ENOMEM;
    for (size_t i = 0; i < n_files; i++) {
        int r = load_file(&policies, &policies.entries[policies.n_entries++], &root, &files[i],
                          ram);
        if (r < 0)
            return r;
    }
    int r = policies_warn_of_draws(&policies);
    if (r < 0)
        return r;

    count_refused(&policies);
    *ret = TAKE(policies, (Policies){ 0 });
    return 0;
}

/* After a refused reload */

static void write_refusal(FILE *out, const ConfigEntry *entry)
{
    if (entry->state != CONFIG_REFUSED)
        return;
    CLEANUP_FREE char *text = config_entry_format(entry, SEVERITY_MISTAKE);
    fprintf(out, "%s\n", text ?: "out of memory");
}

char *policies_format_refusals(const Policies *policies)
{
    char *text = NULL;
    size_t size;

    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    write_refusal(out, &policies->folders);
    for (size_t i = 0; i < policies->n_entries; i++)
        write_refusal(out, &policies->entries[i]);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const ConfigEntry *)a)->name, ((const ConfigEntry *)b)->name);
}

int policies_adopt_refusals(Policies *policies, Policies *newer)
{
    ConfigEntries old = { policies->entries, policies->n_entries };
    ConfigEntry *entries = calloc(policies->n_entries + newer->n_entries + 1, sizeof(ConfigEntry));
    size_t n = 0;
    if (!entries)
        return -ENOMEM;

    /* No file is left of it, and still it is in force. */
    for (size_t i = 0; i < old.n_entries; i++) {
        ConfigEntry *mine = &old.entries[i];
        if (!policy_set_find(&policies->set, mine->name) || find(newer, mine->name))
            continue;
        entries[n] = TAKE(*mine, (ConfigEntry){ 0 });
        diagnostics_clear(&entries[n].diagnostics);
        entries[n++].state = CONFIG_IN_FORCE;
    }
    for (size_t i = 0; i < newer->n_entries; i++) {
        const ConfigEntry *entry = &newer->entries[i];
        if (entry->state != CONFIG_IN_FORCE || policy_set_find(&policies->set, entry->name))
            entries[n++] = TAKE(newer->entries[i], (ConfigEntry){ 0 });
    }
    qsort(entries, n, sizeof(ConfigEntry), compare_names);

    config_entries_clear(&old);
    policies->entries = entries;
    policies->n_entries = n;
    config_entry_clear(&policies->folders);
    policies->folders = TAKE(newer->folders, (ConfigEntry){ 0 });
    count_refused(policies);
    return 0;
}
