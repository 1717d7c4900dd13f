/* SPDX-License-Identifier: MIT */
/* The syntax of globs, in one place, for those who match and for those who compare. It is that of
 * fnmatch(3), except that characters are UTF-8 whatever the locale is: the daemon has none, and
 * must say the same as the command. What is incomplete stands for itself: a `[` without its `]`, a
 * backslash at the end. */
#include "util/pattern_parts.h"

#include <string.h>

#include "util/cleanup.h"
#include "util/utf8.h"

#define NO_CHARACTER UINT32_MAX

/* Paths ---------------------------------------------------------------------------------------- */

bool pattern_next_name(const char **path, PatternSpan *ret)
{
    for (;;) {
        const char *begin = *path + strspn(*path, "/");
        const char *end = strchrnul(begin, '/');

        *path = end;
        if (begin == end)
            return false;
        if (end - begin == 1 && *begin == '.')
            continue;
        *ret = (PatternSpan){ begin, end };
        return true;
    }
}

bool pattern_next_component(PatternComponents *components, PatternComponent *ret)
{
    static const char star[] = "*";
    static const PatternSpan everything = { star, star + 1 };
    PatternSpan span;

    if (pattern_next_name(&components->rest, &span)) {
        bool any_folders = span.end - span.begin == 2 && memcmp(span.begin, "**", 2) == 0;

        components->behind_folders = any_folders;
        *ret = (PatternComponent){ any_folders ? everything : span, any_folders };
        return true;
    }
    if (!components->behind_folders)
        return false;

    components->behind_folders = false;
    *ret = (PatternComponent){ everything, false };
    return true;
}

/* Names ---------------------------------------------------------------------------------------- */

const char *pattern_read_character(const char *p, const char *end, uint32_t *ret)
{
    if ((unsigned char)*p < 0x80) {
        *ret = (unsigned char)*p;
        return p + 1;
    }

    int length = utf8_decode(p, (size_t)(end - p), ret);
    if (length > 0)
        return p + length;
    *ret = CHARACTER_INVALID + (unsigned char)*p;
    return p + 1;
}

static const char *read_escaped(const char *p, const char *end, uint32_t *ret)
{
    if (*p == '\\' && p + 1 < end)
        p++;
    return pattern_read_character(p, end, ret);
}

/* "[:alpha:]" in a set: what is behind it, and its name. NULL: @p is something else. */
static const char *read_class(const char *p, const char *end, PatternSpan *ret_name)
{
    if (end - p < 4 || p[0] != '[' || p[1] != ':')
        return NULL;

    const char *name = p + 2;
    for (p = name; p < end && *p >= 'a' && *p <= 'z'; p++)
        ;
    if (end - p < 2 || p[0] != ':' || p[1] != ']')
        return NULL;
    *ret_name = (PatternSpan){ name, p };
    return p + 2;
}

const char *pattern_set_end(const char *open, const char *end)
{
    const char *p = open + 1;
    PatternSpan name;

    if (p < end && (*p == '!' || *p == '^'))
        p++;
    if (p < end && *p == ']') /* in the first place it stands for itself */
        p++;
    while (p < end && *p != ']') {
        const char *behind_class = read_class(p, end, &name);
        if (behind_class)
            p = behind_class;
        else
            p += *p == '\\' && p + 1 < end ? 2 : 1;
    }
    return p < end ? p + 1 : NULL;
}

static PatternElement set_element(const char *open, const char *end)
{
    const char *begin = open + 1;
    bool negated = *begin == '!' || *begin == '^';

    return (PatternElement){
        .kind = negated ? PATTERN_NOT_SET : PATTERN_SET,
        .set = { begin + negated, end - 1 },
    };
}

/* The element at @p, which is moved behind it. */
static PatternElement read_element(const char **p, const char *end, bool *unclosed)
{
    if (**p == '*' || **p == '?')
        return (PatternElement){ .kind = *(*p)++ == '*' ? PATTERN_MANY : PATTERN_ONE };
    if (**p == '[' && !*unclosed) {
        const char *open = *p, *set_end = pattern_set_end(open, end);

        if (set_end) {
            *p = set_end;
            return set_element(open, set_end);
        }
        *unclosed = true; /* so none behind it is looked at: thousands of "[" are read once each */
    }

    PatternElement literal = { PATTERN_LITERAL };
    *p = read_escaped(*p, end, &literal.character);
    return literal;
}

bool pattern_parse_elements(PatternSpan glob, PatternElements *ret)
{
    size_t singles = 0;
    bool unclosed = false;

    ret->n = 0;
    while (glob.begin < glob.end) {
        PatternElement element = read_element(&glob.begin, glob.end, &unclosed);

        if (element.kind == PATTERN_MANY) {
            if (ret->n > 0 && ret->items[ret->n - 1].kind == PATTERN_MANY)
                continue;
        } else if (++singles > NAME_MAX) {
            return false;
        }
        ret->items[ret->n++] = element;
    }
    return true;
}

/* Sets ----------------------------------------------------------------------------------------- */

/* Of ASCII, as in the C locale; each is written as a set. */
static const struct {
    const char *name;
    const char *set;
} classes[] = {
    { "alnum", "0-9A-Za-z" },     { "alpha", "A-Za-z" }, { "blank", "\t " },
    { "cntrl", "\001-\037\177" }, { "digit", "0-9" },    { "graph", "!-~" },
    { "lower", "a-z" },           { "print", " -~" },    { "punct", "!-/:-@[-`{-~" },
    { "space", "\t-\r " },        { "upper", "A-Z" },    { "xdigit", "0-9A-Fa-f" },
};

const char *pattern_class_name(size_t i)
{
    return i < ELEMENTS(classes) ? classes[i].name : NULL;
}

/* NULL: there is no such class. */
static const char *class_set(PatternSpan name)
{
    size_t n = (size_t)(name.end - name.begin);

    for (size_t i = 0; i < ELEMENTS(classes); i++)
        if (strlen(classes[i].name) == n && memcmp(classes[i].name, name.begin, n) == 0)
            return classes[i].set;
    return NULL;
}

typedef struct Ranges {
    PatternSpan rest;
    const char *class; /* what is left of the class that was met last, or NULL: an unknown one has
                        * nothing in it, as in fnmatch(3) */
} Ranges;

typedef struct Range {
    uint32_t low;
    uint32_t high; /* included; the range is empty where it is below low */
} Range;

static bool next_range(Ranges *ranges, Range *ret)
{
    PatternSpan name;

    while (!ranges->class || !*ranges->class) {
        ranges->class = NULL;
        if (ranges->rest.begin == ranges->rest.end)
            return false;
        const char *behind_class = read_class(ranges->rest.begin, ranges->rest.end, &name);
        if (!behind_class)
            break;
        ranges->class = class_set(name);
        ranges->rest.begin = behind_class;
    }

    const char *p = ranges->class ? ranges->class : ranges->rest.begin;
    const char *end = ranges->class ? strchr(ranges->class, '\0') : ranges->rest.end;
    p = read_escaped(p, end, &ret->low);
    ret->high = ret->low;
    if (end - p >= 2 && *p == '-')
        p = read_escaped(p + 1, end, &ret->high);
    if (ranges->class)
        ranges->class = p;
    else
        ranges->rest.begin = p;
    return true;
}

static bool set_has(PatternSpan set, uint32_t character)
{
    Ranges ranges = { set, NULL };
    Range range;

    while (next_range(&ranges, &range))
        if (range.low <= character && character <= range.high)
            return true;
    return false;
}

bool pattern_element_takes(const PatternElement *element, uint32_t character)
{
    switch (element->kind) {
    case PATTERN_LITERAL:
        return element->character == character;
    case PATTERN_ONE:
        return true;
    case PATTERN_SET:
        return set_has(element->set, character);
    case PATTERN_NOT_SET:
        return !set_has(element->set, character);
    case PATTERN_MANY:
        break;
    }
    return false;
}

static uint32_t next_in_set(PatternSpan set, uint32_t character)
{
    Ranges ranges = { set, NULL };
    Range range;
    uint32_t next = NO_CHARACTER;

    while (next_range(&ranges, &range)) {
        if (range.high < character)
            continue;
        if (range.low <= character)
            return character;
        if (range.low < next)
            next = range.low;
    }
    return next;
}

/* Passes over what one look at the ranges tells; the result may be in one of them still. */
static uint32_t next_beside_set(PatternSpan set, uint32_t character)
{
    Ranges ranges = { set, NULL };
    Range range;

    while (next_range(&ranges, &range))
        if (range.low <= character && character <= range.high)
            character = range.high + 1;
    return character;
}

uint32_t pattern_element_next(const PatternElement *element, uint32_t character)
{
    switch (element->kind) {
    case PATTERN_LITERAL:
        return character <= element->character ? element->character : NO_CHARACTER;
    case PATTERN_ONE:
        return character;
    case PATTERN_SET:
        return next_in_set(element->set, character);
    case PATTERN_NOT_SET:
        return next_beside_set(element->set, character);
    case PATTERN_MANY:
        break;
    }
    return NO_CHARACTER;
}

/* Flaws ---------------------------------------------------------------------------------------- */

static bool begins_unknown_class(PatternSpan set)
{
    PatternSpan name;

    if (set.end - set.begin < 2 || set.begin[0] != '[' || set.begin[1] != ':')
        return false;
    return !read_class(set.begin, set.end, &name) || !class_set(name);
}

static PatternFlaw find_flaw_of_set(PatternSpan set, PatternSpan *ret)
{
    Ranges ranges = { set, NULL };
    PatternSpan rest;
    Range range;

    do {
        rest = ranges.rest;
        if (begins_unknown_class(rest)) {
            /* Up to the "]" of the class, or else that of the set. */
            const char *close = memchr(rest.begin, ']', (size_t)(rest.end - rest.begin));
            *ret = (PatternSpan){ rest.begin, (close ? close : rest.end) + 1 };
            return PATTERN_UNKNOWN_CLASS;
        }
        if (!next_range(&ranges, &range))
            return PATTERN_NO_FLAW;
    } while (range.low <= range.high);

    *ret = (PatternSpan){ rest.begin, ranges.rest.begin };
    return PATTERN_BACKWARDS_RANGE;
}

/* Of the element at *@p, which is moved behind it. */
static PatternFlaw find_flaw_of_element(const char **p, const char *end, PatternSpan *ret)
{
    const char *begin = *p;
    PatternSpan name;

    *p = begin + 1;
    if (*begin == '\\' && ++*p > end) {
        *ret = (PatternSpan){ begin, end };
        return PATTERN_LONE_BACKSLASH;
    }
    if (*begin != '[')
        return PATTERN_NO_FLAW;

    *p = pattern_set_end(begin, end);
    if (!*p) {
        *ret = (PatternSpan){ begin, end };
        return PATTERN_OPEN_SET;
    }
    if (read_class(begin, *p, &name) == *p) {
        *ret = (PatternSpan){ begin, *p };
        return PATTERN_BARE_CLASS;
    }
    return find_flaw_of_set(set_element(begin, *p).set, ret);
}

PatternFlaw pattern_find_flaw(PatternSpan glob, PatternSpan *ret)
{
    PatternFlaw flaw = PATTERN_NO_FLAW;

    while (flaw == PATTERN_NO_FLAW && glob.begin < glob.end)
        flaw = find_flaw_of_element(&glob.begin, glob.end, ret);
    return flaw;
}
