/* SPDX-License-Identifier: MIT */
#pragma once

/* The names in one folder, all at once. */

#include <stddef.h>
#include <stdint.h>

typedef struct FolderName {
    const char *name;
    uint8_t type; /* DT_…; a hint that may be old, or DT_UNKNOWN */
} FolderName;

typedef struct FolderNames {
    FolderName *names; /* in byte order, without "." and ".." */
    size_t n_names;
    char *text; /* internal */
} FolderNames;

/* Of the folder @fd, open for reading at its beginning. *ret is for folder_names_clear() on success
 * only. -E2BIG: over @max names; -ENOMEM, or what getdents64(2) fails with. One that is removed
 * meanwhile is empty. */
int folder_names_read(int fd, size_t max, FolderNames *ret);
void folder_names_clear(FolderNames *list);
