/* SPDX-License-Identifier: MIT */
#pragma once

/* What globs are made of: a path glob of components, a component of elements. For pattern_*.c only.
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/pattern.h"

/* The next name of *@path, which is moved behind it; false: there is none. Empty ones and "." are
 * passed over. */
bool pattern_next_name(const char **path, PatternSpan *ret);

typedef struct PatternComponents {
    const char *rest;
    bool behind_folders; /* the last one was `**` */
} PatternComponents;

typedef struct PatternComponent {
    PatternSpan span; /* of `**`: `*`, which takes each of its folders */
    bool any_folders; /* `**`: never the last one */
} PatternComponent;

/* The next component of a path glob, where a `**` at the end is followed by the `*` it implies. */
bool pattern_next_component(PatternComponents *components, PatternComponent *ret);

/* Never a special character, whatever is around it, but for what a backslash before it does. */
static inline bool pattern_is_plain(char c)
{
    return (unsigned char)c < 0x80 && c != '*' && c != '?' && c != '[' && c != ']' && c != '\\';
}

/* The character at @p, which is before @end; returns what is behind it. A byte that is not UTF-8 is
 * a character of its own, above all of Unicode. */
#define CHARACTER_INVALID UINT32_C(0x110000) /* plus the byte */
#define CHARACTER_MAX     (CHARACTER_INVALID + 0xff)
const char *pattern_read_character(const char *p, const char *end, uint32_t *ret);

typedef enum PatternKind {
    PATTERN_LITERAL,
    PATTERN_ONE,  /* `?` */
    PATTERN_MANY, /* `*` */
    PATTERN_SET,  /* `[…]` */
    PATTERN_NOT_SET,
} PatternKind;

typedef struct PatternElement {
    PatternKind kind;
    uint32_t character; /* PATTERN_LITERAL */
    PatternSpan set;    /* what is between the brackets, without the `!` */
} PatternElement;

typedef struct PatternElements {
    size_t n;
    PatternElement items[2 * NAME_MAX + 1]; /* never two PATTERN_MANY in a row */
} PatternElements;

/* Cuts up the glob of a name. False: it wants more characters than a name can have. */
bool pattern_parse_elements(PatternSpan glob, PatternElements *ret);

/* @open is a `[`: what is behind its `]`, or NULL where there is none before @end. */
const char *pattern_set_end(const char *open, const char *end);

/* @element, which is not PATTERN_MANY, takes @character. */
bool pattern_element_takes(const PatternElement *element, uint32_t character);

/* @character where @element takes it; else a larger one, below which it takes none that is at least
 * @character; above CHARACTER_MAX: there is none. @element is not PATTERN_MANY. */
uint32_t pattern_element_next(const PatternElement *element, uint32_t character);
