/* SPDX-License-Identifier: MIT */
/* Names of a large folder mostly begin alike ("img-000001.jpg"), where strcmp() is slow. So what
 * all have in common is passed over, and the eight bytes behind it are compared as one number. */
#include "kernel/folder_names.h"

#include <dirent.h>
#include <string.h>

#include "util/array.h"
#include "util/cleanup.h"

/* A folder's listing costs a call for each so many bytes; more is not faster. */
#define DENTS_BYTES (128 * 1024)

typedef struct SortName {
    uint64_t key;
    uint32_t offset; /* in the text */
    uint8_t type;
} SortName;

typedef struct Listing {
    char *text;
    size_t text_used, text_room;
    SortName *names;
    size_t n_names, room;
} Listing;

static void listing_clear(Listing *list)
{
    free(list->text);
    free(list->names);
}

static int add_name(Listing *list, const char *name, uint8_t type)
{
    size_t size = strlen(name) + 1;

    if (list->text_used + size > list->text_room) {
        size_t room = list->text_room * 2 + size + 1024;
        char *grown = realloc(list->text, room);
        if (!grown)
            return -ENOMEM;
        list->text = grown;
        list->text_room = room;
    }
    if (ARRAY_RESERVE(list->names, list->n_names, list->room) < 0)
        return -ENOMEM;
    if (list->text_used > UINT32_MAX)
        return -E2BIG;

    memcpy(list->text + list->text_used, name, size);
    list->names[list->n_names++] = (SortName){ 0, (uint32_t)list->text_used, type };
    list->text_used += size;
    return 0;
}

static int add_names(Listing *list, const char *dents, size_t n, size_t max)
{
    for (size_t i = 0; i < n;) {
        const struct dirent64 *entry = (const void *)(dents + i);

        i += entry->d_reclen;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int r = list->n_names == max ? -E2BIG : add_name(list, entry->d_name, entry->d_type);
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_all(int fd, size_t max, Listing *list)
{
    CLEANUP_FREE char *dents = malloc(DENTS_BYTES);
    if (!dents)
        return -ENOMEM;

    for (;;) {
        ssize_t n = getdents64(fd, dents, DENTS_BYTES);
        if (n < 0)
            return errno == ENOENT ? 0 : -errno; /* ENOENT: removed meanwhile */
        if (n == 0)
            return 0;
        int r = add_names(list, dents, (size_t)n, max);
        if (r < 0)
            return r;
    }
}

static size_t common_length(const Listing *list)
{
    const char *first = list->text;
    size_t common = strlen(first);

    for (size_t i = 1; i < list->n_names && common > 0; i++) {
        const char *name = list->text + list->names[i].offset;
        size_t n = 0;
        while (n < common && name[n] == first[n])
            n++;
        common = n;
    }
    return common;
}

/* The next eight bytes as a number that is in the order of strcmp(). */
static uint64_t key_of(const char *text)
{
    uint64_t key = 0;
    size_t n = strnlen(text, sizeof key);

    for (size_t i = 0; i < sizeof key; i++)
        key = key << 8 | (i < n ? (unsigned char)text[i] : 0);
    return key;
}

static int compare(const void *a, const void *b, void *text)
{
    const SortName *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return strcmp((char *)text + x->offset, (char *)text + y->offset);
}

static void sort(Listing *list)
{
    size_t common = common_length(list);

    for (size_t i = 0; i < list->n_names; i++)
        list->names[i].key = key_of(list->text + list->names[i].offset + common);
    qsort_r(list->names, list->n_names, sizeof *list->names, compare, list->text);
}

int folder_names_read(int fd, size_t max, FolderNames *ret)
{
    cleanup(listing_clear) Listing list = { 0 };

    int r = read_all(fd, max, &list);
    if (r < 0)
        return r;
    CLEANUP_FREE FolderName *names = calloc(list.n_names + 1, sizeof *names);
    if (!names)
        return -ENOMEM;
    if (list.n_names > 0)
        sort(&list);
    for (size_t i = 0; i < list.n_names; i++)
        names[i] = (FolderName){ list.text + list.names[i].offset, list.names[i].type };
    *ret = (FolderNames){ TAKE_PTR(names), list.n_names, TAKE_PTR(list.text) };
    return 0;
}

void folder_names_clear(FolderNames *list)
{
    free(list->names);
    free(list->text);
    *list = (FolderNames){ 0 };
}
