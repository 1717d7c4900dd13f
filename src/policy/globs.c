/* SPDX-License-Identifier: MIT */
/* What is refused here would never match what was meant (a relative path, an empty component), or
 * too much (the whole file system). Of a path the first component is judged as it is written, for
 * it must be a plain name anyway; all else is judged without braces. */
#include "policy/globs.h"

#include <limits.h>
#include <string.h>

#include "policy/glob_parts.h"
#include "util/cleanup.h"
#include "util/pattern.h"

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
        return refuse_glob(reason,
                           "is a folder (add ** for all files below it, * for those in it)");
    if (n == 0)
        return refuse_glob(reason, "has an empty component (write one / instead of two)");
    size_t dots = count_dots(component, n);
    if (dots > 0)
        return refuse_glob(reason, "has a \"%.*s\" component (write the path without it)",
                           (int)dots, "..");
    if (n > 2 && memmem(component, n, "**", 2))
        return refuse_glob(reason, "has ** beside other characters (it stands for folders: write "
                                   "/srv/**/*.log, or a single *)");
    return glob_check_syntax(component, n, reason);
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
    return refuse_glob(reason, "could match the whole file system (write the first folder in full: "
                               "/srv/**)");
}

static int check_path_as_written(const char *glob, char *reason)
{
    if (glob[0] != '/')
        return refuse_glob(reason, "is a relative path (write it in full, from / on)");
    if (strlen(glob) >= PATH_MAX)
        return refuse_glob(reason, "is longer than %d bytes, which no path is", PATH_MAX - 1);
    if (text_has_control(glob))
        return refuse_glob(reason, "has a control character in it (leave it out, or write ?)");
    return check_reach(glob, reason);
}

int path_glob_check(const char *glob, char ***ret_readings, char reason[static REASON_MAX])
{
    return glob_check(glob, check_path_as_written, check_components, ret_readings, reason);
}
