/* SPDX-License-Identifier: MIT */
/* Braces are expanded before a glob is judged, because "/srv/{a,..}/x" is two globs. */
#include "policy/glob_parts.h"

#include <stdbool.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/pattern.h"
#include "util/strv.h"

static int expand(const char *glob, char ***ret_readings, char *reason)
{
    int r = pattern_expand_braces(glob, ret_readings);
    if (r == -EINVAL)
        return refuse_glob(reason,
                           "has unbalanced braces (write \\{ or \\} for the character itself)");
    if (r == -E2BIG)
        return refuse_glob(reason, "stands for more than %d globs (write fewer braces)",
                           PATTERN_READINGS_MAX);
    return r;
}

int glob_check(const char *glob, GlobRule as_written, GlobRule of_reading, char ***ret_readings,
               char reason[static REASON_MAX])
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

/* Every "[" of one component has its "]", and the last backslash something to escape. */
int glob_check_syntax(const char *text, size_t n, char reason[static REASON_MAX])
{
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\\') {
            if (++i == n)
                return refuse_glob(reason, "has a backslash with nothing to escape (leave it out)");
        } else if (text[i] == '[') {
            size_t first = i + 1;

            if (first < n && (text[first] == '!' || text[first] == '^'))
                first++;
            /* A "]" in the first place stands for itself: "[]a]". */
            const char *close = first + 1 < n ? memchr(text + first + 1, ']', n - first - 1) : NULL;
            if (!close)
                return refuse_glob(reason,
                                   "has a \"[\" without its \"]\" (write \\[ for the character "
                                   "itself)");
            i = (size_t)(close - text);
        }
    }
    return 0;
}
