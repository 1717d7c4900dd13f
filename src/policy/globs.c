/* SPDX-License-Identifier: MIT */
/* What is refused here would never match what was meant (a relative path, a unit without a suffix),
 * or too much (the whole file system). Braces are expanded first, because "/srv/{a,..}/x" is two
 * globs; only the first component is judged as it is written, for it must be a plain name anyway.
 */
#include "policy/globs.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/pattern.h"
#include "util/strv.h"
#include "util/utf8.h"

#define UNIT_NAME_MAX 255 /* systemd's own limit, UNIT_NAME_MAX in its unit-name.h */

#define refuse(reason, ...) (snprintf((reason), REASON_MAX, __VA_ARGS__), -EINVAL)

static int expand(const char *glob, char ***ret_readings, char *reason)
{
    int r = pattern_expand_braces(glob, ret_readings);
    if (r == -EINVAL)
        return refuse(reason, "has unbalanced braces (write \\{ or \\} for the character itself)");
    if (r == -E2BIG)
        return refuse(reason, "stands for more than %d globs (write fewer braces)",
                      PATTERN_READINGS_MAX);
    return r;
}

/* Every "[" of one component has its "]", and the last backslash something to escape. */
static int check_escapes(const char *text, size_t n, char *reason)
{
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\\') {
            if (++i == n)
                return refuse(reason, "has a backslash with nothing to escape (leave it out)");
        } else if (text[i] == '[') {
            size_t first = i + 1;

            if (first < n && (text[first] == '!' || text[first] == '^'))
                first++;
            /* A "]" in the first place stands for itself: "[]a]". */
            const char *close = first + 1 < n ? memchr(text + first + 1, ']', n - first - 1) : NULL;
            if (!close)
                return refuse(reason, "has a \"[\" without its \"]\" (write \\[ for the character "
                                      "itself)");
            i = (size_t)(close - text);
        }
    }
    return 0;
}

/* 1 for ".", 2 for "..", however it is escaped, 0 for all else. */
static size_t count_dots(const char *component, size_t n)
{
    size_t dots = 0;

    for (size_t i = 0; i < n; i++) {
        if (component[i] == '\\' && i + 1 < n)
            i++;
        if (component[i] != '.')
            return 0;
        dots++;
    }
    return dots <= 2 ? dots : 0;
}

static int check_component(const char *component, size_t n, char *reason)
{
    if (n == 0 && component[0] == '\0')
        return refuse(reason, "is a folder (add ** for all files below it, * for those in it)");
    if (n == 0)
        return refuse(reason, "has an empty component (write one / instead of two)");
    size_t dots = count_dots(component, n);
    if (dots > 0)
        return refuse(reason, "has a \"%.*s\" component (write the path without it)", (int)dots,
                      "..");
    if (n > 2 && memmem(component, n, "**", 2))
        return refuse(reason, "has ** beside other characters (it stands for folders: write "
                              "/srv/**/*.log, or a single *)");
    return check_escapes(component, n, reason);
}

/* @path begins with a slash. */
static int check_components(const char *path, char *reason)
{
    do {
        const char *component = ++path;

        path = strchrnul(component, '/');
        int r = check_component(component, (size_t)(path - component), reason);
        if (r < 0)
            return r;
    } while (*path);
    return 0;
}

/* The first folder is a plain name. */
static int check_reach(const char *glob, char *reason)
{
    const char *begin = glob + strspn(glob, "/");
    CLEANUP_FREE char *first = strndup(begin, strcspn(begin, "/"));
    if (!first)
        return -ENOMEM;

    if (first[0] && !pattern_has_wildcard(first))
        return 0;
    return refuse(reason, "could match the whole file system (write the first folder in full: "
                          "/srv/**)");
}

static int check_path_as_written(const char *glob, char *reason)
{
    if (glob[0] != '/')
        return refuse(reason, "is a relative path (write it in full, from / on)");
    if (strlen(glob) >= PATH_MAX)
        return refuse(reason, "is longer than %d bytes, which no path is", PATH_MAX - 1);
    if (text_has_control(glob))
        return refuse(reason, "has a control character in it (leave it out, or write ?)");
    return check_reach(glob, reason);
}

typedef int (*check_t)(const char *text, char reason[static REASON_MAX]);

/* @as_written judges the glob with its braces, @of_reading each of its readings. */
static int check_glob(const char *glob, check_t as_written, check_t of_reading,
                      char ***ret_readings, char reason[static REASON_MAX])
{
    cleanup(strv_freep) char **readings = NULL;

    int r = as_written(glob, reason);
    if (r < 0)
        return r;
    r = expand(glob, &readings, reason);
    if (r < 0)
        return r;

    STRV_FOREACH (reading, readings) {
        r = of_reading(*reading, reason);
        if (r < 0)
            return r;
    }
    *ret_readings = TAKE_PTR(readings);
    return 0;
}

int path_glob_check(const char *glob, char ***ret_readings, char reason[static REASON_MAX])
{
    return check_glob(glob, check_path_as_written, check_components, ret_readings, reason);
}

/* Types of units: the first six have a cgroup, and so a memory to speak of. */
static const char *const unit_types[] = {
    "service", "scope", "slice",  "socket", "mount",     "swap",
    "timer",   "path",  "target", "device", "automount",
};
#define N_UNIT_TYPES_WITH_CGROUP 6

static int check_unit_type(const char *glob, const char *type, char *reason)
{
    Suggestion suggestion = { 0 };

    for (size_t i = 0; i < ELEMENTS(unit_types); i++) {
        if (strcmp(type, unit_types[i]) != 0)
            continue;
        if (i < N_UNIT_TYPES_WITH_CGROUP)
            return 0;
        return refuse(reason, "is a %s unit, which has no processes (name the .service behind it)",
                      type);
    }

    for (size_t i = 0; i < N_UNIT_TYPES_WITH_CGROUP; i++)
        suggestion_offer(&suggestion, type, unit_types[i]);
    if (suggestion.word)
        return refuse(reason, "is no unit name: unknown suffix %s (did you mean \".%s\"?)",
                      QUOTE(type - 1), suggestion.word);
    return refuse(
        reason, "is no unit name: it has no suffix such as .service (write \"%s.service\")", glob);
}

/* Escaping an x is pointless, so systemd's own "\\x2d" is meant. */
static bool has_escaped_x(const char *glob)
{
    for (; *glob; glob++)
        if (*glob == '\\' && *++glob == 'x')
            return true;
    return false;
}

/* @glob has no braces, and something behind each backslash. */
static int check_unit_reading(const char *glob, char *reason)
{
    size_t n = strlen(glob);
    int r = check_escapes(glob, n, reason);
    if (r < 0)
        return r;
    if (has_escaped_x(glob))
        return refuse(reason, "has a single \\x, which is an escaped x (write \\\\x for systemd's "
                              "own escape)");
    if (n > 0 && strchr("*?]", glob[n - 1]))
        return 0;

    const char *dot = strrchr(glob, '.');
    if (dot == glob)
        return refuse(reason,
                      "is no unit name: there is nothing before its suffix (write "
                      "\"*%s\" for all of them)",
                      glob);
    if (dot && pattern_has_wildcard(dot))
        return 0;
    if (dot && dot[-1] == '@' && !pattern_has_wildcard(glob))
        return refuse(reason, "is a template, of which only instances run (write \"%.*s*%s\")",
                      (int)(dot - glob), glob, dot);
    if (!dot || !dot[1])
        return refuse(reason, "is no unit name: it has no suffix (write \"%.*s.service\")",
                      (int)(dot ? n - 1 : n), glob);
    return check_unit_type(glob, dot + 1, reason);
}

static int check_unit_as_written(const char *glob, char *reason)
{
    static const char known[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                ":-_.\\@*?[]!^{},";
    const char *unknown = glob + strspn(glob, known);

    if (strchr(glob, '/'))
        return refuse(reason, "is a path (name units as systemctl shows them: nginx.service)");
    if (strlen(glob) > UNIT_NAME_MAX)
        return refuse(reason, "is longer than %d bytes, which no unit name is", UNIT_NAME_MAX);
    if (*unknown) {
        char character[5] = { 0 };
        uint32_t c;
        int length = utf8_decode(unknown, strlen(unknown), &c);

        memcpy(character, unknown, length > 0 ? (size_t)length : 1);
        return refuse(reason, "has a character that no unit name has: %s", QUOTE(character));
    }
    return 0;
}

int unit_glob_check(const char *glob, char ***ret_readings, char reason[static REASON_MAX])
{
    return check_glob(glob, check_unit_as_written, check_unit_reading, ret_readings, reason);
}
