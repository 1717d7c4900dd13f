/* SPDX-License-Identifier: MIT */
#include "cli/file-list.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/text.h"
#include "util/cleanup.h"
#include "util/strv.h"

/* strv_append() counts what is there each time, which a long list is too long for. */
typedef struct Names {
    char **names; /* ends with NULL */
    size_t n, room;
} Names;

static int append(Names *list, const char *name)
{
    if (list->n + 2 > list->room) {
        size_t room = 2 * list->room + 64;
        char **grown = reallocarray(list->names, room, sizeof(char *));
        if (!grown)
            return -ENOMEM;
        list->names = grown;
        list->room = room;
    }
    char *copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    list->names[list->n++] = copy;
    list->names[list->n] = NULL;
    return 0;
}

static int read_names(FILE *file, Names *list)
{
    CLEANUP_FREE char *name = NULL;
    size_t room = 0;
    ssize_t length;
    int r = 0;

    while (r >= 0 && (length = getdelim(&name, &room, '\0', file)) >= 0)
        r = *name ? append(list, name) : 0;
    return r < 0 ? r : ferror(file) ? -EIO : 0;
}

int file_list_read(const char *path, char ***names)
{
    CLEANUP_FCLOSE FILE *opened = NULL;
    Names list = { *names, strv_length(*names), 0 };
    int r = 0;

    if (strcmp(path, "-") != 0) {
        opened = fopen(path, "re");
        if (!opened)
            r = -errno;
    }
    if (r >= 0)
        r = read_names(opened ?: stdin, &list);
    *names = list.names;
    if (r >= 0)
        return 0;
    CLEANUP_FREE char *shown = escape_text(path, locale_is_unicode());
    complain("%s: %s", shown ? shown : "out of memory", strerror(-r));
    return r;
}

int file_list_add(char *const arguments[], size_t n, char ***names)
{
    Names list = { *names, strv_length(*names), 0 };
    int r = 0;

    for (size_t i = 0; i < n && r >= 0; i++)
        r = append(&list, arguments[i]);
    *names = list.names;
    if (r < 0)
        complain("out of memory");
    return r;
}
