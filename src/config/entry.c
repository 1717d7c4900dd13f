/* SPDX-License-Identifier: MIT */
#include "config/entry.h"

#include <fcntl.h>
#include <string.h>

#include "policy/reader.h"
#include "util/io.h"

static void source_clear(Source *source)
{
    free((char *)source->path);
    free((char *)source->text);
}

void config_entry_clear(ConfigEntry *entry)
{
    free(entry->name);
    for (size_t i = 0; i < entry->n_sources; i++)
        source_clear(&entry->sources[i]);
    free(entry->sources);
    diagnostics_clear(&entry->diagnostics);
    *entry = (ConfigEntry){ 0 };
}

int config_entry_add_source(ConfigEntry *entry, size_t i, const char *path)
{
    CLEANUP_FREE char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    Source *grown = reallocarray(entry->sources, entry->n_sources + 1, sizeof(Source));
    if (!grown)
        return -ENOMEM;

    memmove(&grown[i + 1], &grown[i], (entry->n_sources - i) * sizeof(Source));
    grown[i] = (Source){ .path = TAKE_PTR(copy) };
    entry->sources = grown;
    entry->n_sources++;
    return 0;
}

void config_entry_remove_source(ConfigEntry *entry, size_t i)
{
    source_clear(&entry->sources[i]);
    entry->n_sources--;
    memmove(&entry->sources[i], &entry->sources[i + 1], (entry->n_sources - i) * sizeof(Source));
}

static const char *explain(int error)
{
    switch (-error) {
    case E2BIG:
        return READER_TOO_LARGE;
    case EISDIR:
        return "a folder, not a file";
    case EINVAL:
    case ENXIO: /* a socket */
        return "not a regular file";
    case ENOLINK:
        return "a symbolic link to nothing";
    case EOPNOTSUPP:
        return "links cannot be kept within the image: openat2(2) is missing, or a sandbox forbids "
               "it";
    default:
        return strerror(-error);
    }
}

int config_entry_refuse(ConfigEntry *entry, size_t file, int error)
{
    entry->state = CONFIG_REFUSED;
    return diagnostics_add(&entry->diagnostics, SEVERITY_MISTAKE, (PolicyPlace){ .file = file },
                           "%s", explain(error));
}

/* 0, or what reading failed with. */
static int read_source(Source *source, const ConfigRoot *root)
{
    char *text;

    CLEANUP_CLOSE int fd = config_open(root, source->path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return fd;
    int r = read_fd_alloc(fd, READER_TEXT_MAX, &text, &source->size);
    if (r < 0)
        return r;
    source->text = text;
    return 0;
}

int config_entry_read(ConfigEntry *entry, const ConfigRoot *root)
{
    bool first_is_gone = false;

    for (size_t i = 0; i < entry->n_sources;) {
        int r = read_source(&entry->sources[i], root);
        if (r == -ENOENT) {
            config_entry_remove_source(entry, i);
            first_is_gone |= i == 0;
            continue;
        }
        if (r < 0 && r != -ENOMEM)
            r = config_entry_refuse(entry, i, r);
        if (r < 0)
            return r;
        i++;
    }
    return first_is_gone;
}

char *config_entry_format(const ConfigEntry *entry, Severity severity)
{
    char *text = NULL;
    size_t size;
    bool any = false;

    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (size_t i = 0; i < entry->diagnostics.n_entries; i++) {
        const Diagnostic *diagnostic = &entry->diagnostics.entries[i];
        if (diagnostic->severity != severity)
            continue;
        CLEANUP_FREE char *line = diagnostic_format(diagnostic, entry->sources);
        fprintf(out, "%s%s", any ? "\n" : "", line ?: "out of memory");
        any = true;
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

const char *config_state_to_string(ConfigState state)
{
    static const char *const names[] = {
        [CONFIG_IN_FORCE] = "in force",
        [CONFIG_REFUSED] = "refused",
        [CONFIG_MASKED] = "masked",
        [CONFIG_MISSING] = "missing",
    };

    return names[state];
}
