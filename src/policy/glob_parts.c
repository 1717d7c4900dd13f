/* SPDX-License-Identifier: MIT */
/* Braces are expanded before a glob is judged, because "/srv/{a,..}/x" is two globs. What stands in
 * brackets is read by util/pattern.h, so it is refused only where it would not match. */
#include "policy/glob_parts.h"

#include <string.h>

#include "util/cleanup.h"
#include "util/pattern.h"
#include "util/strv.h"

/* Braces without a comma would only vanish. */
static int check_choices(const char *glob, char *reason)
{
    PatternSpan span;

    if (!pattern_find_single_choice(glob, &span))
        return 0;
    CLEANUP_FREE char *part = strndup(span.begin, (size_t)(span.end - span.begin));
    if (!part)
        return -ENOMEM;
    return refuse_glob(reason,
                       "has %s, which is no list of choices (write {a,b,c}, or \\{ for the "
                       "character itself)",
                       QUOTE(part));
}

static int expand(const char *glob, char ***ret_readings, char *reason)
{
    int r = pattern_expand_braces(glob, ret_readings);
    if (r == -EINVAL)
        return refuse_glob(reason, "has unbalanced braces (write \\{ or \\} for the character "
                                   "itself)");
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
    r = check_choices(glob, reason);
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

/* "alnum, alpha, …" */
static const char *list_classes(char *list, size_t size)
{
    const char *name;
    size_t n = 0;

    for (size_t i = 0; n < size && (name = pattern_class_name(i)); i++)
        n += (size_t)snprintf(list + n, size - n, "%s%s", i > 0 ? ", " : "", name);
    return list;
}

/* @class is "[:…:]", or only looks so: "[:…]". */
static int refuse_class(const char *class, char *reason)
{
    Suggestion suggestion = { 0 };
    char known[128];
    CLEANUP_FREE char *typed = strndup(class + 2, strcspn(class + 2, ":]"));
    if (!typed)
        return -ENOMEM;

    for (size_t i = 0; pattern_class_name(i); i++)
        suggestion_offer(&suggestion, typed, pattern_class_name(i));
    if (suggestion.word)
        return refuse_glob(reason, "has an unknown class %s (did you mean \"[:%s:]\"?)",
                           QUOTE(class), suggestion.word);
    return refuse_glob(
        reason, "has an unknown class %s (known here: %s; write \\[ for the character itself)",
        QUOTE(class), list_classes(known, sizeof known));
}

int glob_check_syntax(const char *name, size_t n, char reason[static REASON_MAX])
{
    PatternSpan span;

    PatternFlaw flaw = pattern_find_flaw((PatternSpan){ name, name + n }, &span);
    if (flaw == PATTERN_NO_FLAW)
        return 0;
    CLEANUP_FREE char *part = strndup(span.begin, (size_t)(span.end - span.begin));
    if (!part)
        return -ENOMEM;

    switch (flaw) {
    case PATTERN_LONE_BACKSLASH:
        return refuse_glob(reason, "has a backslash with nothing to escape (leave it out)");
    case PATTERN_OPEN_SET:
        return refuse_glob(reason, "has a \"[\" without its \"]\" (write \\[ for the character "
                                   "itself)");
    case PATTERN_BARE_CLASS:
        return refuse_glob(reason, "has a class outside of brackets: %s (write [[:alpha:]])",
                           QUOTE(part));
    case PATTERN_UNKNOWN_CLASS:
        return refuse_class(part, reason);
    case PATTERN_BACKWARDS_RANGE:
        return refuse_glob(reason,
                           "has a backwards range, %s, which matches nothing (write its "
                           "lower end first; A to Z are below a to z)",
                           QUOTE(part));
    case PATTERN_NO_FLAW:
        break;
    }
    return 0;
}
