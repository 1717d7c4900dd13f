/* SPDX-License-Identifier: MIT */
/* Most globs are refused by their first or last character, so that is looked at before a glob is
 * cut up. Only the last `*`, and of a path the last `**`, is ever made to take more: what an
 * earlier one could give up, the last one could take as well. Hence no glob takes longer than the
 * product of both lengths. */
#include "util/pattern.h"

#include <string.h>

#include "util/pattern_parts.h"

/* Takes off what both begin and end with; false: they differ there. */
static bool strip_plain(PatternSpan *glob, PatternSpan *name)
{
    const char *end = glob->end;

    while (glob->begin < glob->end && pattern_is_plain(*glob->begin)) {
        if (name->begin == name->end || *glob->begin != *name->begin)
            return false;
        glob->begin++;
        name->begin++;
    }
    while (glob->begin < glob->end && pattern_is_plain(glob->end[-1])) {
        if (name->begin == name->end || glob->end[-1] != name->end[-1])
            return false;
        glob->end--;
        name->end--;
    }
    if (glob->end < end && glob->begin < glob->end && glob->end[-1] == '\\') {
        glob->end++; /* it escapes this one */
        name->end++;
    }
    return true;
}

static bool match_elements(const PatternElements *glob, PatternSpan name)
{
    size_t i = 0, retry_i = SIZE_MAX;
    const char *retry = NULL;
    uint32_t c;

    while (name.begin < name.end) {
        if (i < glob->n && glob->items[i].kind == PATTERN_MANY) {
            if (++i == glob->n)
                return true;
            retry_i = i;
            retry = name.begin;
            continue;
        }
        const char *behind = pattern_read_character(name.begin, name.end, &c);
        if (i < glob->n && pattern_element_takes(&glob->items[i], c)) {
            i++;
            name.begin = behind;
            continue;
        }
        if (!retry)
            return false;
        retry = pattern_read_character(retry, name.end, &c);
        name.begin = retry;
        i = retry_i;
    }
    return i == glob->n || (i + 1 == glob->n && glob->items[i].kind == PATTERN_MANY);
}

static bool match_name(PatternSpan glob, PatternSpan name)
{
    const char *begin = name.begin;
    PatternElements elements;

    if (name.end - name.begin > NAME_MAX)
        return false;
    bool dot = name.begin < name.end && *name.begin == '.';
    if (!strip_plain(&glob, &name))
        return false;
    if (glob.begin == glob.end)
        return name.begin == name.end;
    if (dot && name.begin == begin && *glob.begin != '\\')
        return false; /* only a written one takes it */
    if (glob.end - glob.begin == 1 && *glob.begin == '*')
        return true;
    return pattern_parse_elements(glob, &elements) && match_elements(&elements, name);
}

bool pattern_match_name(const char *pattern, const char *name)
{
    if (pattern_is_plain(*pattern) && *pattern != *name)
        return false;
    return match_name((PatternSpan){ pattern, strchr(pattern, '\0') },
                      (PatternSpan){ name, strchr(name, '\0') });
}

/* Behind a beginning that is the same they have different characters, which no `/` or "." that is
 * passed over could explain. */
static bool paths_differ_at_once(const char *pattern, const char *path)
{
    while (*pattern && *pattern == *path && pattern_is_plain(*pattern)) {
        pattern++;
        path++;
    }
    return *pattern != *path && pattern_is_plain(*pattern) && *pattern != '/' && *pattern != '.' &&
           *path != '/' && *path != '.';
}

bool pattern_match_path(const char *pattern, const char *path)
{
    PatternComponents components = { pattern, false }, retry_components;
    PatternComponent component, folders;
    const char *retry = NULL;
    PatternSpan name;

    if (pattern[0] != '/' || path[0] != '/' || paths_differ_at_once(pattern, path))
        return false;
    for (;;) {
        bool more = pattern_next_component(&components, &component);

        if (more && component.any_folders) {
            folders = component;
            retry_components = components;
            retry = path;
            continue;
        }
        if (!pattern_next_name(&path, &name))
            return !more;
        if (more && match_name(component.span, name))
            continue;

        if (!retry || !pattern_next_name(&retry, &name) || !match_name(folders.span, name))
            return false;
        components = retry_components;
        path = retry;
    }
}
