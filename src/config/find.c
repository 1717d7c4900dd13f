/* SPDX-License-Identifier: MIT */
/* The folders are gone through in the order of precedence, so what is noted first for a name wins.
 * A mask wins like a file, and takes effect behind that. */
#include "config/find.h"

#include <fcntl.h>
#include <string.h>

#include "config/names.h"
#include "policy/text.h"
#include "util/strv.h"

#define POLICIES_FOLDER "policies.d"
#define SETTINGS_NAME   "pagewarden"

typedef struct Listing {
    struct dirent **names;
    int n_names;
} Listing;

static void listing_clear(Listing *listing)
{
    for (int i = 0; i < listing->n_names; i++)
        free(listing->names[i]);
    free(listing->names);
}

static int is_no_leftover(const struct dirent *entry)
{
    return !config_is_leftover(entry->d_name);
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* But for leftovers, in the order of the names. 0, with nothing where there is no folder @path, or
 * -errno. */
static int list(const ConfigRoot *root, const char *path, Listing *ret)
{
    CLEANUP_CLOSE int fd = config_open(root, path, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;

    int n = scandirat(fd, ".", &ret->names, is_no_leftover, compare_names);
    if (n < 0)
        return -errno;
    ret->n_names = n;
    return 0;
}

/* What cannot be listed is a mistake in @entry: its last source. */
static int refuse_folder(ConfigEntry *entry, const char *path, int error)
{
    if (error == -ENOMEM)
        return error;
    int r = config_entry_add_source(entry, entry->n_sources, path);
    return r < 0 ? r : config_entry_refuse(entry, entry->n_sources - 1, error);
}

/* Nothing is passed over silently: most likely it was meant to be read. */
static int warn_of_name(ConfigEntry *folders, const char *path, const char *why)
{
    int r = config_entry_add_source(folders, folders->n_sources, path);
    if (r < 0)
        return r;
    return diagnostics_add(&folders->diagnostics, SEVERITY_WARNING,
                           (PolicyPlace){ .file = folders->n_sources - 1 }, "is passed over (%s)",
                           why);
}

/* To be freed; NULL: out of memory. */
static char *path_in(const char *folder, const char *name)
{
    char *path;

    return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

/* Drop-ins */

static const char *base_name(const char *path)
{
    return strrchr(path, '/') + 1;
}

/* Adds @path to the sources from @first on, which are in the order of their names, unless there is
 * one of that name. */
static int add_dropin(ConfigEntry *entry, size_t first, const char *path)
{
    size_t i = first;
    int order = 1;

    for (; i < entry->n_sources; i++) {
        order = strcmp(base_name(entry->sources[i].path), base_name(path));
        if (order >= 0)
            break;
    }
    if (i < entry->n_sources && order == 0)
        return 0;
    return config_entry_add_source(entry, i, path);
}

static int add_dropins_of(const ConfigRoot *root, const char *path, ConfigEntry *folders,
                          ConfigEntry *entry, size_t first)
{
    cleanup(listing_clear) Listing listing = { 0 };

    int r = list(root, path, &listing);
    if (r < 0)
        return refuse_folder(entry, path, r);
    for (int i = 0; i < listing.n_names && r >= 0; i++) {
        const char *name = listing.names[i]->d_name;
        CLEANUP_FREE char *file = path_in(path, name);
        if (!file)
            return -ENOMEM;
        if (config_stem_length(name, CONFIG_FILE_SUFFIX) > 0)
            r = add_dropin(entry, first, file);
        else
            r = warn_of_name(folders, file, "drop-ins end in " CONFIG_FILE_SUFFIX);
    }
    return r;
}

static void remove_masked(const ConfigRoot *root, ConfigEntry *entry, size_t first)
{
    for (size_t i = first; i < entry->n_sources;)
        if (config_is_mask(root, entry->sources[i].path))
            config_entry_remove_source(entry, i);
        else
            i++;
}

/* Those in any of @listed; one that cannot be listed ends it. */
static int add_dropins(const ConfigRoot *root, char *const *listed, ConfigEntry *folders,
                       ConfigEntry *entry)
{
    size_t first = entry->n_sources;

    STRV_FOREACH (folder, listed) {
        CLEANUP_FREE char *path = NULL;
        if (asprintf(&path, "%s/%s" CONFIG_DROPINS_SUFFIX, *folder, entry->name) < 0) {
            path = NULL;
            return -ENOMEM;
        }
        int r = add_dropins_of(root, path, folders, entry, first);
        if (r < 0 || entry->state == CONFIG_REFUSED)
            return r;
    }
    remove_masked(root, entry, first);
    return 0;
}

/* Policies */

void config_entries_clear(ConfigEntries *entries)
{
    for (size_t i = 0; i < entries->n_entries; i++)
        config_entry_clear(&entries->entries[i]);
    free(entries->entries);
    *entries = (ConfigEntries){ 0 };
}

/* The entry of that name, a new one where there was none. */
static int get_entry(ConfigEntries *entries, const char *name, size_t length, ConfigEntry **ret)
{
    CLEANUP_FREE char *copy = strndup(name, length);
    size_t i = 0;
    int order = 1;

    if (!copy)
        return -ENOMEM;
    for (; i < entries->n_entries; i++) {
        order = strcmp(entries->entries[i].name, copy);
        if (order >= 0)
            break;
    }
    if (i == entries->n_entries || order != 0) {
        ConfigEntry *grown = reallocarray(entries->entries, entries->n_entries + 1,
                                          sizeof(ConfigEntry));
        if (!grown)
            return -ENOMEM;
        memmove(&grown[i + 1], &grown[i], (entries->n_entries - i) * sizeof(ConfigEntry));
        grown[i] = (ConfigEntry){ .name = TAKE_PTR(copy) };
        entries->entries = grown;
        entries->n_entries++;
    }
    *ret = &entries->entries[i];
    return 0;
}

/* Notes what @name in the folder @path says: that there is a policy, or that there are drop-ins. */
static int note_name(ConfigEntries *entries, ConfigEntry *folders, const char *path,
                     const char *name)
{
    CLEANUP_FREE char *file = path_in(path, name);
    ConfigEntry *entry;
    size_t file_stem = config_stem_length(name, CONFIG_FILE_SUFFIX);
    size_t dropins_stem = config_stem_length(name, CONFIG_DROPINS_SUFFIX);

    if (!file)
        return -ENOMEM;
    if (file_stem == 0 && dropins_stem == 0)
        return warn_of_name(folders, file, config_explain_name(name));
    int r = get_entry(entries, name, file_stem > 0 ? file_stem : dropins_stem, &entry);
    if (r < 0 || file_stem == 0 || entry->n_sources > 0)
        return r;
    return config_entry_add_source(entry, 0, file);
}

/* Notes what the policies.d/ of @folder has. What can be listed is added to @listed. */
static int note_folder(const ConfigRoot *root, const char *folder, ConfigEntry *folders,
                       ConfigEntries *entries, char ***listed)
{
    CLEANUP_FREE char *above = config_path(root, folder, NULL);
    CLEANUP_FREE char *path = config_path(root, folder, POLICIES_FOLDER);
    cleanup(listing_clear) Listing listing = { 0 };

    if (!above || !path)
        return -ENOMEM;
    CLEANUP_CLOSE int fd = config_open(root, above, O_PATH | O_DIRECTORY);
    if (fd == -ENOENT && !root->folders_must_exist)
        return 0;
    if (fd < 0)
        return refuse_folder(folders, above, fd);
    int r = list(root, path, &listing);
    if (r < 0)
        return refuse_folder(folders, path, r);
    r = strv_append(listed, path);
    for (int i = 0; i < listing.n_names && r >= 0; i++)
        r = note_name(entries, folders, path, listing.names[i]->d_name);
    return r;
}

/* Leaves of drop-ins without a file their first folder. */
static int warn_of_missing(ConfigEntry *entry)
{
    CLEANUP_FREE char *folder = strdup(entry->sources[0].path);
    if (!folder)
        return -ENOMEM;

    *strrchr(folder, '/') = '\0';
    while (entry->n_sources > 0)
        config_entry_remove_source(entry, entry->n_sources - 1);
    entry->state = CONFIG_MISSING;
    int r = config_entry_add_source(entry, 0, folder);
    if (r < 0)
        return r;
    return diagnostics_add(&entry->diagnostics, SEVERITY_WARNING, (PolicyPlace){ 0 },
                           "there is no policy %s to merge these drop-ins into",
                           QUOTE(entry->name));
}

static int complete(const ConfigRoot *root, char *const *listed, ConfigEntry *folders,
                    ConfigEntry *entry)
{
    bool has_file = entry->n_sources > 0;

    if (has_file && config_is_mask(root, entry->sources[0].path)) {
        entry->state = CONFIG_MASKED;
        return 0;
    }
    int r = add_dropins(root, listed, folders, entry);
    if (r >= 0 && !has_file && entry->n_sources > 0 && entry->state != CONFIG_REFUSED)
        r = warn_of_missing(entry);
    return r;
}

/* What is left of names that only have folders without drop-ins. */
static void remove_empty(ConfigEntries *entries)
{
    size_t n = 0;

    for (size_t i = 0; i < entries->n_entries; i++)
        if (entries->entries[i].n_sources > 0)
            entries->entries[n++] = entries->entries[i];
        else
            config_entry_clear(&entries->entries[i]);
    entries->n_entries = n;
}

int config_find_policies(const ConfigRoot *root, ConfigEntry *folders, ConfigEntries *ret)
{
    cleanup(config_entries_clear) ConfigEntries entries = { 0 };
    cleanup(strv_freep) char **listed = NULL;
    int r = 0;

    for (const char *const *folder = root->folders; *folder && r >= 0; folder++)
        r = note_folder(root, *folder, folders, &entries, &listed);
    for (size_t i = 0; i < entries.n_entries && r >= 0; i++)
        r = complete(root, listed, folders, &entries.entries[i]);
    if (r < 0)
        return r;

    remove_empty(&entries);
    *ret = TAKE(entries, (ConfigEntries){ 0 });
    return 0;
}

/* Settings */

static int add_settings_file(const ConfigRoot *root, char *const *paths, ConfigEntry *entry)
{
    STRV_FOREACH (folder, paths) {
        CLEANUP_FREE char *path = NULL;
        if (asprintf(&path, "%s/" SETTINGS_NAME CONFIG_FILE_SUFFIX, *folder) < 0) {
            path = NULL;
            return -ENOMEM;
        }
        CLEANUP_CLOSE int fd = config_open(root, path, O_PATH | O_NOFOLLOW);
        if (fd == -ENOENT)
            continue;
        return fd < 0 ? refuse_folder(entry, path, fd) : config_entry_add_source(entry, 0, path);
    }
    return 0;
}

static int all_folders(const ConfigRoot *root, char ***ret)
{
    cleanup(strv_freep) char **paths = NULL;

    for (const char *const *folder = root->folders; *folder; folder++) {
        CLEANUP_FREE char *path = config_path(root, *folder, NULL);
        int r = path ? strv_append(&paths, path) : -ENOMEM;
        if (r < 0)
            return r;
    }
    *ret = TAKE_PTR(paths);
    return 0;
}

int config_find_settings(const ConfigRoot *root, ConfigEntry *folders, ConfigEntry *ret)
{
    cleanup(config_entry_clear) ConfigEntry entry = { .name = strdup(SETTINGS_NAME) };
    cleanup(strv_freep) char **paths = NULL;

    int r = entry.name ? all_folders(root, &paths) : -ENOMEM;
    if (r >= 0)
        r = add_settings_file(root, paths, &entry);
    if (r >= 0 && entry.n_sources > 0 && config_is_mask(root, entry.sources[0].path))
        entry.state = CONFIG_MASKED;
    else if (r >= 0 && entry.state != CONFIG_REFUSED)
        r = add_dropins(root, paths, folders, &entry);
    if (r < 0)
        return r;

    *ret = TAKE(entry, (ConfigEntry){ 0 });
    return 0;
}
