/* SPDX-License-Identifier: MIT */
#pragma once

/* Globs over names: `*` and `?` within a name, `[a-z]`, `{a,b}`, and `**` for any number of
 * folders. */

#include <stdbool.h>
#include <stddef.h>

/* A glob has `*`, `?`, `[` or `{` in it that is not escaped by a backslash. */
bool pattern_has_wildcard(const char *text);

/* One name against one glob without folders; a leading dot must be matched by a dot, as in a shell.
 * Braces are not known here: expand them first. */
bool pattern_match_name(const char *pattern, const char *name);

/* All readings of @pattern without braces, as a strv to be freed. -EINVAL: unbalanced; -E2BIG: more
 * than PATTERN_READINGS_MAX of them. */
#define PATTERN_READINGS_MAX 1000
int pattern_expand_braces(const char *pattern, char ***ret);

/* Characters that stand for themselves: the more of them, the more specific a pattern is. */
size_t pattern_literal_length(const char *pattern);
