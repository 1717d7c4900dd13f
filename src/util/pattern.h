/* SPDX-License-Identifier: MIT */
#pragma once

/* Globs over names: `*` and `?` within a name, `[a-z]`, `{a,b}`, and `**` for any number of
 * folders. They are read as by fnmatch(3), but characters are UTF-8 whatever the locale is. None
 * takes longer than by the product of the lengths, and only the expansion of braces allocates. */

#include <stdbool.h>
#include <stddef.h>

/* Part of a text, without a '\0' at its end. */
typedef struct PatternSpan {
    const char *begin;
    const char *end;
} PatternSpan;

/* A glob has `*`, `?`, `[` or `{` in it that is not escaped by a backslash. */
bool pattern_has_wildcard(const char *text);

/* One name, of up to NAME_MAX bytes, against one glob without folders; a leading dot must be
 * matched by a dot, as in a shell. Braces are not known here: expand them first. */
bool pattern_match_name(const char *pattern, const char *name);

/* An absolute path against an absolute glob without braces; false if one is relative. Each name is
 * matched by pattern_match_name(), and `**` as a whole component is any number of folders, or none,
 * whose names have no leading dot. At the end it is everything below: behind /a it
 * matches /a/b and /a/b/c, but not /a itself. Empty components and "." are passed over in both. */
bool pattern_match_path(const char *pattern, const char *path);

/* Some path is matched by both globs, which are absolute and without braces. False is always right.
 * True is wrong only where each such path would be too long (a name above NAME_MAX, a path above
 * PATH_MAX), where a set in brackets is longer than 255 bytes or a glob is not below PATH_MAX, and
 * where a glob is not UTF-8. Takes up to 32 KiB of stack. */
bool pattern_overlap(const char *a, const char *b);

/* All readings of @pattern without braces, as a strv to be freed. -EINVAL: unbalanced; -E2BIG: more
 * than PATTERN_READINGS_MAX of them. */
#define PATTERN_READINGS_MAX 1000
int pattern_expand_braces(const char *pattern, char ***ret);

/* The first braces without a comma of their own, "{a..c}", which are a single choice; false: there
 * are none. */
bool pattern_find_single_choice(const char *pattern, PatternSpan *ret);

/* Writes @text as a glob that matches it alone, in twice as many bytes at most; returns its end. */
char *pattern_quote(const char *text, char *to);

/* Characters that stand for themselves: the more of them, the more specific a pattern is. */
size_t pattern_literal_length(const char *pattern);

/* What fnmatch(3) lets pass, though it cannot be meant. */
typedef enum PatternFlaw {
    PATTERN_NO_FLAW,
    PATTERN_LONE_BACKSLASH,  /* at the end: it escapes nothing */
    PATTERN_OPEN_SET,        /* a "[" without its "]" */
    PATTERN_BARE_CLASS,      /* "[:alpha:]" as a set: of ":", "a", "l", "p" and "h" */
    PATTERN_UNKNOWN_CLASS,   /* "[:" in a set begins no class that is known */
    PATTERN_BACKWARDS_RANGE, /* "z-a": no character is in it */
} PatternFlaw;

/* The first flaw in the glob of a name, which has no braces; *ret is the part that has it, and is
 * left alone where there is none. */
PatternFlaw pattern_find_flaw(PatternSpan glob, PatternSpan *ret);

/* "alnum", … in the order of the alphabet; NULL: there are no more than @i. */
const char *pattern_class_name(size_t i);
