/* SPDX-License-Identifier: MIT */
/* Three lines: two globs and a path. What both globs match they have in common; the path, taken as
 * a glob, has in common with another what that one matches; and a walk finds it just where it is
 * matched. A name without a flaw matches something, unless what it leaves out is everything; a flaw
 * is a part of the name, and a range that is backwards has nothing in it. */
#include <limits.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "kernel/globset.h"
#include "util/cleanup.h"
#include "util/pattern_parts.h"
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

/* A character of a name that @element takes; false: there is none. */
static bool find_character(const PatternElement *element, uint32_t *ret)
{
    for (uint32_t c = 1; c < CHARACTER_INVALID; c++) {
        c = pattern_element_next(element, c);
        if (c >= CHARACTER_INVALID)
            return false;
        bool surrogate = c >= 0xd800 && c <= 0xdfff;
        if (pattern_element_takes(element, c) && c != '/' && !surrogate) {
            *ret = c;
            return true;
        }
    }
    return false;
}

static char *put_utf8(char *p, uint32_t c)
{
    if (c < 0x80) {
        *p++ = (char)c;
        return p;
    }
    if (c < 0x800) {
        *p++ = (char)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *p++ = (char)(0xe0 | c >> 12);
        } else {
            *p++ = (char)(0xf0 | c >> 18);
            *p++ = (char)(0x80 | (c >> 12 & 0x3f));
        }
        *p++ = (char)(0x80 | (c >> 6 & 0x3f));
    }
    *p++ = (char)(0x80 | (c & 0x3f));
    return p;
}

/* A name that @glob, without a flaw, matches; false: there is none. */
static bool find_match(PatternSpan glob, char name[static NAME_MAX + 1])
{
    PatternElements elements;
    char *p = name;

    if (!pattern_parse_elements(glob, &elements))
        return false;
    for (size_t i = 0; i < elements.n; i++) {
        uint32_t c;

        if (elements.items[i].kind == PATTERN_MANY)
            continue;
        if (!find_character(&elements.items[i], &c)) {
            must_hold(elements.items[i].kind == PATTERN_NOT_SET);
            return false;
        }
        if (p + 4 > name + NAME_MAX)
            return false;
        p = put_utf8(p, c);
    }
    *p = '\0';
    return true;
}

/* Of the name of a path, which is UTF-8. */
static void check_flaw(PatternSpan name)
{
    PatternSpan part = { 0 };
    char match[NAME_MAX + 1];
    uint32_t c;

    PatternFlaw flaw = pattern_find_flaw(name, &part);
    if (flaw == PATTERN_NO_FLAW) {
        CLEANUP_FREE char *glob = strndup(name.begin, (size_t)(name.end - name.begin));
        must_hold(!part.begin && !part.end);
        /* What a dot at the beginning needs is not judged. */
        must_hold(!glob || !find_match(name, match) || match[0] == '.' ||
                  pattern_match_name(glob, match));
        return;
    }
    must_hold(name.begin <= part.begin && part.begin < part.end && part.end <= name.end);
    const PatternElement set = { .kind = PATTERN_SET, .set = part };
    must_hold(flaw != PATTERN_BACKWARDS_RANGE || !find_character(&set, &c));
    must_hold(flaw != PATTERN_LONE_BACKSLASH || part.end == name.end);
}

static void check_flaws(const char *glob)
{
    PatternSpan name;

    while (is_utf8(glob) && pattern_next_name(&glob, &name))
        check_flaw(name);
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
    check_flaws(a);
    check_flaws(b);
    return 0;
}
