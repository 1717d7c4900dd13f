/* SPDX-License-Identifier: MIT */
/* What a glob says by itself: its readings, and how specific it is. Matching is pattern_match.c. */
#include "util/pattern.h"

#include <errno.h>
#include <string.h>

#include "util/pattern_parts.h"
#include "util/strv.h"

bool pattern_has_wildcard(const char *text)
{
    for (; *text; text++) {
        if (*text == '\\' && text[1])
            text++;
        else if (strchr("*?[{", *text))
            return true;
    }
    return false;
}

char *pattern_quote(const char *text, char *to)
{
    for (; *text; text++) {
        if (strchr("*?[]{}\\,", *text))
            *to++ = '\\';
        *to++ = *text;
    }
    *to = '\0';
    return to;
}

/* The first `{…}` of @text: *ret_open is NULL where there is none. */
static int find_braces(const char *text, const char **ret_open, const char **ret_close)
{
    const char *open = NULL;
    unsigned depth = 0;

    for (const char *p = text; *p; p++) {
        if (*p == '\\' && p[1]) {
            p++;
        } else if (*p == '{') {
            if (depth++ == 0)
                open = p;
        } else if (*p == '}') {
            if (depth == 0)
                return -EINVAL;
            if (--depth == 0) {
                *ret_open = open;
                *ret_close = p;
                return 0;
            }
        }
    }
    if (depth > 0)
        return -EINVAL;

    *ret_open = *ret_close = NULL;
    return 0;
}

/* The end of the alternative that begins at @p: a comma of this depth, or @close. */
static const char *alternative_end(const char *p, const char *close)
{
    unsigned depth = 0;

    for (; p < close; p++) {
        if (*p == '\\' && p + 1 < close)
            p++;
        else if (*p == '{')
            depth++;
        else if (*p == '}')
            depth--;
        else if (*p == ',' && depth == 0)
            return p;
    }
    return close;
}

static int expand(const char *pattern, unsigned depth, char ***readings)
{
    const char *open, *close;

    if (depth > 32)
        return -E2BIG;
    int r = find_braces(pattern, &open, &close);
    if (r < 0)
        return r;
    if (!open) {
        if (strv_length(*readings) >= PATTERN_READINGS_MAX)
            return -E2BIG;
        return strv_append(readings, pattern);
    }

    for (const char *begin = open + 1;;) {
        const char *end = alternative_end(begin, close);
        CLEANUP_FREE char *reading = NULL;
        if (asprintf(&reading, "%.*s%.*s%s", (int)(open - pattern), pattern, (int)(end - begin),
                     begin, close + 1) < 0) {
            reading = NULL;
            return -ENOMEM;
        }
        r = expand(reading, depth + 1, readings);
        if (r < 0 || end == close)
            return r;
        begin = end + 1;
    }
}

int pattern_expand_braces(const char *pattern, char ***ret)
{
    cleanup(strv_freep) char **readings = NULL;

    int r = expand(pattern, 0, &readings);
    if (r < 0)
        return r;

    *ret = TAKE_PTR(readings);
    return 0;
}

bool pattern_find_single_choice(const char *pattern, PatternSpan *ret)
{
    const char *open, *close;

    for (const char *p = pattern; *p; p++) {
        if (*p == '\\' && p[1])
            p++;
        else if (*p == '{' && find_braces(p, &open, &close) == 0 &&
                 alternative_end(open + 1, close) == close) {
            *ret = (PatternSpan){ open, close + 1 };
            return true;
        }
    }
    return false;
}

size_t pattern_literal_length(const char *pattern)
{
    size_t n = 0;

    for (const char *p = pattern; *p; p++) {
        if (*p == '\\' && p[1]) {
            p++;
            n++;
        } else if (*p == '[') {
            const char *end = pattern_set_end(p, p + strlen(p));
            if (end)
                p = end - 1;
            else
                n++;
        } else if (!strchr("*?{},", *p)) {
            n++;
        }
    }
    return n;
}
