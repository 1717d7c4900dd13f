/* SPDX-License-Identifier: MIT */
#pragma once

/* The list of --files0-from: names that end with a NUL, as find -print0 writes them. */

#include <stddef.h>

/* Appends the names in the file @path ("-": standard input) to *names, an array for strv_free().
 * Complains, and returns -errno. */
int file_list_read(const char *path, char ***names);

/* Appends the first @n of @arguments. The same. */
int file_list_add(char *const arguments[], size_t n, char ***names);
