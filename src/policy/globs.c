/* SPDX-License-Identifier: MIT */
/* What is refused here would never match what was meant (a relative path, an empty component), or
 * too much (the whole file system, every cgroup). Of a path the first component is judged as it is
 * written, for it must be a plain name anyway; all else is judged without braces. */
#include "policy/globs.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "policy/glob_parts.h"
#include "util/cleanup.h"
#include "util/path.h"
#include "util/pattern.h"

/* Components ----------------------------------------------------------------------------------- */

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

static bool has_double_star(const char *component, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++) {
        if (component[i] == '\\')
            i++;
        else if (component[i] == '*' && component[i + 1] == '*')
            return true;
    }
    return false;
}

static int check_component(const char *component, size_t n, const char *example, char *reason)
{
    if (n == 0)
        return refuse_glob(reason, "has an empty component (write one / instead of two)");
    size_t dots = count_dots(component, n);
    if (dots > 0)
        return refuse_glob(reason, "has a \"%.*s\" component (write the path without it)",
                           (int)dots, "..");
    if (n > 2 && has_double_star(component, n))
        return refuse_glob(
            reason,
            "has ** beside other characters (it stands for folders: write %s, or a single *)",
            example);
    return glob_check_syntax(component, n, reason);
}

/* @path begins with a slash and does not end in one; @example shows how to write `**`. */
static int check_components(const char *path, const char *example, char *reason)
{
    do {
        const char *component = ++path;

        path = strchrnul(component, '/');
        int r = check_component(component, (size_t)(path - component), example, reason);
        if (r < 0)
            return r;
    } while (*path);
    return 0;
}

static bool ends_in_slash(const char *path)
{
    size_t n = strlen(path);

    return n > 0 && path[n - 1] == '/';
}

/* The first component, to be freed; NULL: out of memory. */
static char *first_component(const char *path)
{
    const char *begin = path + strspn(path, "/");

    return strndup(begin, strcspn(begin, "/"));
}

/* What is true of names, paths and cgroups alike. @max counts the '\0'. */
static int check_text(const char *text, size_t max, const char *kind, char *reason)
{
    if (strlen(text) >= max)
        return refuse_glob(reason, "is longer than %zu bytes, which no %s is", max - 1, kind);
    if (text_has_control(text))
        return refuse_glob(reason, "has a control character in it (leave it out, or write ?)");
    return 0;
}

/* Paths ---------------------------------------------------------------------------------------- */

/* The first folder is a plain name. */
static int check_reach(const char *glob, char *reason)
{
    CLEANUP_FREE char *first = first_component(glob);
    if (!first)
        return -ENOMEM;

    if (first[0] && !pattern_has_wildcard(first))
        return 0;
    return refuse_glob(reason, "could match the whole file system (write the first folder in "
                               "full: /srv/**)");
}

static int check_path_as_written(const char *glob, char *reason)
{
    if (glob[0] != '/')
        return refuse_glob(reason, "is a relative path (write it in full, from / on)");
    int r = check_text(glob, PATH_MAX, "path", reason);
    if (r < 0)
        return r;
    return check_reach(glob, reason);
}

static int check_path_reading(const char *path, char *reason)
{
    if (ends_in_slash(path))
        return refuse_glob(reason, "is a folder (add ** for all files below it, * for those in "
                                   "it)");
    return check_components(path, "/srv/**/*.log", reason);
}

int path_glob_check(const char *glob, char ***ret_readings, char reason[static REASON_MAX])
{
    return glob_check(glob, check_path_as_written, check_path_reading, ret_readings, reason);
}

/* Cgroups -------------------------------------------------------------------------------------- */

static int check_cgroup_as_written(const char *glob, char *reason)
{
    if (glob[0] != '/')
        return refuse_glob(reason, "is a relative path (write it in full, from the cgroup root "
                                   "on: /system.slice/nginx.service)");
    return check_text(glob, PATH_MAX, "path", reason);
}

/* Beside the file system's folders, groups are many and made by programs: "/kubepods*" may be what
 * is meant. So the first component needs but one character that stands for itself. */
static int check_cgroup_reading(const char *path, char *reason)
{
    static const char mount_point[] = "/sys/fs/cgroup";
    CLEANUP_FREE char *first = first_component(path);
    if (!first)
        return -ENOMEM;

    if (pattern_literal_length(first) == 0)
        return refuse_glob(reason, "could match every cgroup (write the first group in full: "
                                   "/system.slice/**)");
    if (path_is_below(path, mount_point))
        return refuse_glob(reason, "begins with %s (leave that out: /system.slice/nginx.service)",
                           mount_point);
    if (ends_in_slash(path))
        return refuse_glob(reason, "ends in a slash (leave out the last /)");
    return check_components(path, "/user.slice/**/*.scope", reason);
}

int cgroup_glob_check(const char *glob, char ***ret_readings, char reason[static REASON_MAX])
{
    return glob_check(glob, check_cgroup_as_written, check_cgroup_reading, ret_readings, reason);
}

/* Exclusions ----------------------------------------------------------------------------------- */

static int check_name_as_written(const char *glob, char *reason)
{
    if (strchr(glob, '/'))
        return refuse_glob(reason, "is a relative path (write it in full, from / on, or a name "
                                   "without /)");
    return check_text(glob, NAME_MAX + 1, "name", reason);
}

static int check_name_reading(const char *name, char *reason)
{
    size_t n = strlen(name);

    if (n == 0)
        return refuse_glob(reason, "stands for an empty name (write one, such as *_fsm)");
    if (count_dots(name, n) > 0)
        return refuse_glob(reason, "stands for a folder, \".\" or \"..\" (write a name of files)");
    if (strspn(name, "*") == n)
        return refuse_glob(reason, "excludes every file (leave the entry of pin.files out)");
    if (has_double_star(name, n))
        return refuse_glob(reason, "has ** in a name (write a single *)");
    return glob_check_syntax(name, n, reason);
}

int exclude_glob_check(const char *glob, char ***ret_readings, char reason[static REASON_MAX])
{
    if (glob[0] == '/')
        return path_glob_check(glob, ret_readings, reason);
    return glob_check(glob, check_name_as_written, check_name_reading, ret_readings, reason);
}
