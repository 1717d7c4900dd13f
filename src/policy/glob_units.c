/* SPDX-License-Identifier: MIT */
/* Globs over names of units: refused is what no unit is called, and what has no processes. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "policy/glob_parts.h"
#include "util/cleanup.h"
#include "util/pattern.h"
#include "util/utf8.h"

#define UNIT_NAME_MAX 255 /* systemd's own limit, UNIT_NAME_MAX in its unit-name.h */

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
        return refuse_glob(
            reason, "is a %s unit, which has no processes (name the .service behind it)", type);
    }

    for (size_t i = 0; i < N_UNIT_TYPES_WITH_CGROUP; i++)
        suggestion_offer(&suggestion, type, unit_types[i]);
    if (suggestion.word)
        return refuse_glob(reason, "is no unit name: unknown suffix %s (did you mean \".%s\"?)",
                           QUOTE(type - 1), suggestion.word);
    return refuse_glob(
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
    int r = glob_check_syntax(glob, n, reason);
    if (r < 0)
        return r;
    if (has_escaped_x(glob))
        return refuse_glob(reason,
                           "has a single \\x, which is an escaped x (write \\\\x for systemd's "
                           "own escape)");
    if (n > 0 && strchr("*?]", glob[n - 1]))
        return 0;

    const char *dot = strrchr(glob, '.');
    if (dot == glob)
        return refuse_glob(reason,
                           "is no unit name: there is nothing before its suffix (write "
                           "\"*%s\" for all of them)",
                           glob);
    if (dot && pattern_has_wildcard(dot))
        return 0;
    if (dot && dot[-1] == '@' && !pattern_has_wildcard(glob))
        return refuse_glob(reason, "is a template, of which only instances run (write \"%.*s*%s\")",
                           (int)(dot - glob), glob, dot);
    if (!dot || !dot[1])
        return refuse_glob(reason, "is no unit name: it has no suffix (write \"%.*s.service\")",
                           (int)(dot ? n - 1 : n), glob);
    return check_unit_type(glob, dot + 1, reason);
}

/* "a.service, b.service" in one entry: neither a comma nor a space is in any name. */
static bool has_several(const char *glob)
{
    bool dot = false;
    int depth = 0;

    for (; *glob; glob++) {
        depth += (*glob == '{') - (*glob == '}');
        if (depth == 0 && (*glob == ',' || (*glob == ' ' && dot)))
            return true;
        dot = dot || *glob == '.';
    }
    return false;
}

static int check_unit_as_written(const char *glob, char *reason)
{
    static const char known[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                ":-_.\\@*?[]!^{},";
    const char *unknown = glob + strspn(glob, known);

    if (strchr(glob, '/'))
        return refuse_glob(reason, "is a path (name units as systemctl shows them: nginx.service)");
    if (has_several(glob))
        return refuse_glob(reason, "is several names (write each as an entry of its own)");
    if (strlen(glob) > UNIT_NAME_MAX)
        return refuse_glob(reason, "is longer than %d bytes, which no unit name is", UNIT_NAME_MAX);
    if (*unknown) {
        char character[5] = { 0 };
        uint32_t c;
        int length = utf8_decode(unknown, strlen(unknown), &c);

        memcpy(character, unknown, length > 0 ? (size_t)length : 1);
        return refuse_glob(
            reason,
            "has a character that no unit name has, %s (name units as systemctl shows them)",
            QUOTE(character));
    }
    return 0;
}

int unit_glob_check(const char *glob, char ***ret_readings, char reason[static REASON_MAX])
{
    return glob_check(glob, check_unit_as_written, check_unit_reading, ret_readings, reason);
}
