/* SPDX-License-Identifier: MIT */
/* Three lines: two globs and a path. What both globs match they have in common; the path, taken as
 * a glob, has in common with another what that one matches; and a walk finds it just where it is
 * matched. */
#include <limits.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "kernel/globset.h"
#include "util/cleanup.h"
#include "util/pattern.h"
#include "util/utf8.h"

static bool is_utf8(const char *text)
{
    uint32_t c;

    for (int n; *text; text += n) {
        n = utf8_decode(text, strlen(text), &c);
        if (n < 0)
            return false;
    }
    return true;
}

/* The next of up to three lines, as an absolute path. */
static char *take_line(char **rest)
{
    const char *line = strsep(rest, "\n");
    char *path = NULL;

    if (asprintf(&path, "/%s", line ? line : "") < 0)
        abort();
    return path;
}

static char *as_glob(const char *path)
{
    char *glob = calloc(2, strlen(path) + 1), *p = glob;

    if (!glob)
        abort();
    for (; *path; path++) {
        if (strchr("*?[\\", *path))
            *p++ = '\\';
        *p++ = *path;
    }
    return glob;
}

/* One step of the walk, whose states the next step overwrites. */
static bool step(GlobSet *set, GlobStep *at, const char *name)
{
    CLEANUP_FREE uint32_t *states = malloc((at->n_states + 1) * sizeof *states);
    size_t n = at->n_states;

    if (!states)
        abort();
    memcpy(states, at->states, n * sizeof *states);
    globset_step(set, states, n, name, at);
    return at->file;
}

/* Whether a walk finds a file of this path; -1: it does not read the glob in the same way. */
static int found_by_walk(const char *glob, const char *path)
{
    cleanup(globset_freep) GlobSet *set = NULL;
    CLEANUP_FREE char *names = strdup(path);
    char *rest = names;
    GlobStep at;
    int found = -1;

    if (!names)
        abort();
    if (strpbrk(glob, "{}") || strstr(glob, "/\\.") || globset_new(glob, NULL, &set) < 0)
        return -1;
    globset_start(set, &at);
    for (const char *name; (name = strsep(&rest, "/"));)
        if (*name && strcmp(name, ".") != 0)
            found = step(set, &at, name);
    return found;
}

static void check_one(const char *glob, const char *path)
{
    CLEANUP_FREE char *literal = as_glob(path);
    bool matches = pattern_match_path(glob, path);

    /* A set, a name or a glob that is too long, and what is not UTF-8, may overlap in vain. */
    bool exact = strlen(glob) < NAME_MAX && strlen(literal) < NAME_MAX && is_utf8(glob);
    bool overlap = pattern_overlap(glob, literal);
    must_hold(overlap || !matches);
    must_hold(!overlap || matches || !exact);
    must_hold(pattern_overlap(literal, glob) == overlap);

    int found = exact ? found_by_walk(glob, path) : -1;
    must_hold(found < 0 || found == matches);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_FREE char *text = strndup((const char *)data, size);
    char *rest = text;

    if (!text)
        return 0;
    CLEANUP_FREE char *a = take_line(&rest);
    CLEANUP_FREE char *b = take_line(&rest);
    CLEANUP_FREE char *path = take_line(&rest);

    bool overlap = pattern_overlap(a, b);
    must_hold(pattern_overlap(b, a) == overlap);
    must_hold(overlap || !pattern_match_path(a, path) || !pattern_match_path(b, path));
    check_one(a, path);
    check_one(b, path);
    return 0;
}
