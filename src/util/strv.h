/* SPDX-License-Identifier: MIT */
#pragma once

/* NULL-terminated arrays of strings; NULL is the empty one. */

#include <stdbool.h>
#include <stddef.h>

#include "util/cleanup.h"

#define STRV_FOREACH(s, strv) for (char *const *s = (strv); s && *s; s++)

size_t strv_length(char *const *strv);

bool strv_has(char *const *strv, const char *value);

/* Appends a copy. 0, or -ENOMEM with the array as it was. */
int strv_append(char ***strv, const char *value);

/* 0, or -ENOMEM. */
int strv_copy(char *const *strv, char ***ret);

/* Frees the array and what is in it; takes NULL, returns NULL. */
char **strv_free(char **strv);

DEFINE_CLEANUP(char **, strv_free)
