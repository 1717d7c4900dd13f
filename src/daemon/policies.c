/* SPDX-License-Identifier: MIT */
#include "daemon/policies.h"

#include <fcntl.h>
#include <string.h>

#include "policy/decode.h"
#include "policy/reader.h"
#include "util/io.h"

#define SUFFIX ".yaml"

static void file_clear(PolicyFile *file)
{
    free(file->name);
    free(file->path);
    free(file->error);
}

void policies_clear(Policies *policies)
{
    policy_set_clear(&policies->set);
    for (size_t i = 0; i < policies->n_files; i++)
        file_clear(&policies->files[i]);
    free(policies->files);
    *policies = (Policies){ 0 };
}

static PolicyFile *find(const Policies *policies, const char *name)
{
    for (size_t i = 0; i < policies->n_files; i++)
        if (strcmp(policies->files[i].name, name) == 0)
            return &policies->files[i];
    return NULL;
}

const PolicyFile *policies_find_file(const Policies *policies, const char *name)
{
    return find(policies, name);
}

static int add_file(Policies *policies, const char *name, const char *path, const char *error)
{
    PolicyFile *grown = reallocarray(policies->files, policies->n_files + 1, sizeof(PolicyFile));
    if (!grown)
        return -ENOMEM;
    policies->files = grown;

    PolicyFile file = {
        .name = strdup(name),
        .path = strdup(path),
        .error = error ? strdup(error) : NULL,
    };
    if (!file.name || !file.path || (error && !file.error)) {
        file_clear(&file);
        return -ENOMEM;
    }
    grown[policies->n_files++] = file;
    policies->n_refused += error != NULL;
    return 0;
}

int policies_note_error(Policies *policies, const PolicyFile *file)
{
    PolicyFile *mine = find(policies, file->name);
    if (!mine)
        return add_file(policies, file->name, file->path, file->error);

    char *error = strdup(file->error);
    if (!error)
        return -ENOMEM;
    free(mine->error);
    mine->error = error;
    return 0;
}

/* All of a file's mistakes, a line each, to be freed; NULL: out of memory. */
static char *join(const Diagnostics *diagnostics, const Source *source)
{
    char *text = NULL;
    size_t size;

    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (size_t i = 0; i < diagnostics->n_entries; i++) {
        if (diagnostics->entries[i].severity != SEVERITY_MISTAKE)
            continue;
        CLEANUP_FREE char *line = diagnostic_format(&diagnostics->entries[i], source);
        fprintf(out, "%s%s", ftell(out) > 0 ? "\n" : "", line ?: "out of memory");
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static int refuse(Policies *policies, const char *name, const char *path, int error)
{
    CLEANUP_FREE char *message = NULL;
    const char *why = error == -E2BIG    ? "larger than 1 MiB"
                      : error == -EINVAL ? "not a regular file"
                      : error == -EISDIR ? "a folder, not a file"
                                         : strerror(-error);

    if (asprintf(&message, "%s: %s", path, why) < 0) {
        message = NULL;
        return -ENOMEM;
    }
    return add_file(policies, name, path, message);
}

static int load_one(Policies *policies, const char *dir, const char *file_name, uint64_t ram)
{
    CLEANUP_FREE char *path = NULL, *text = NULL, *error = NULL;
    CLEANUP_FREE char *name = strndup(file_name, strlen(file_name) - strlen(SUFFIX));
    Diagnostics diagnostics = { 0 };
    Policy *policy = NULL;
    size_t size;

    if (asprintf(&path, "%s/%s", dir, file_name) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    if (!name)
        return -ENOMEM;
    int r = read_file_alloc(AT_FDCWD, path, READER_TEXT_MAX, &text, &size);
    if (r == -ENOENT) /* deleted since the folder was read */
        return 0;
    if (r < 0)
        return refuse(policies, name, path, r);

    Source source = { path, text, size };
    r = policy_decode(name, &source, 1, ram, &diagnostics, &policy);
    if (r == -EBADMSG) {
        error = join(&diagnostics, &source);
        r = error ? add_file(policies, name, path, error) : -ENOMEM;
    } else if (r >= 0) {
        r = policy_set_add(&policies->set, policy);
        if (r >= 0)
            r = add_file(policies, name, path, NULL);
    }
    diagnostics_clear(&diagnostics);
    return r;
}

static int is_policy(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return entry->d_name[0] != '.' && length > strlen(SUFFIX) &&
           strcmp(entry->d_name + length - strlen(SUFFIX), SUFFIX) == 0;
}

/* strverscmp, which glibc's versionsort is, would not give the byte order that is documented. */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

int policies_load(const char *dir, uint64_t ram, Policies *ret)
{
    struct dirent **entries = NULL;
    Policies policies = { 0 };
    int r = 0;

    int n = scandir(dir, &entries, is_policy, by_bytes);
    if (n < 0 && errno != ENOENT)
        return -errno;

    for (int i = 0; i < n; i++) {
        if (r >= 0)
            r = load_one(&policies, dir, entries[i]->d_name, ram);
        free(entries[i]);
    }
    free(entries);
    if (r < 0) {
        policies_clear(&policies);
        return r;
    }

    *ret = policies;
    return 0;
}
