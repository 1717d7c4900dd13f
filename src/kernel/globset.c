/* SPDX-License-Identifier: MIT */
/* Every reading of the glob is cut into components, and all components of all readings lie in one
 * array; a state is an index into it. A `**` stays in its place for every folder it passes over,
 * and stands for no folder at all as well, so that a state in front of it implies the one behind
 * it. A `**` at the end of a glob is read as two components, `**` and `*`: all files below. */
#include "kernel/globset.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "util/array.h"
#include "util/pattern.h"
#include "util/strv.h"

typedef enum ComponentKind {
    LITERAL,
    WILDCARD,
    ANY_FOLDERS, /* `**` */
} ComponentKind;

typedef struct Component {
    const char *text; /* in readings, or static */
    ComponentKind kind;
    bool last;           /* of its reading: names files */
    bool literal_prefix; /* all before it in its reading are literal, and it is too */
} Component;

struct GlobSet {
    char **readings; /* cut up by NULs, escapes taken out of literals */
    char **resolved; /* likewise: what the literal beginnings of readings became */
    Component *components;
    size_t count;
    size_t capacity;
    uint32_t *states;     /* of the last step */
    uint32_t *before;     /* a copy of them, for globset_matches() */
    uint32_t *generation; /* by component: the step that last added it */
    uint32_t steps;
    bool hidden; /* everything matches */
};

static int add_component(GlobSet *set, Component component)
{
    if (ARRAY_RESERVE(set->components, set->count, set->capacity) < 0)
        return -ENOMEM;
    set->components[set->count++] = component;
    return 0;
}

/* "\*" → "*", in place. */
static void unescape(char *text)
{
    char *to = text;

    for (const char *from = text; *from; from++) {
        if (*from == '\\' && from[1])
            from++;
        *to++ = *from;
    }
    *to = '\0';
}

/* Puts what @resolver makes of the path in the place of the components from @first on. */
static int resolve_literals(GlobSet *set, size_t first, const GlobResolver *resolver)
{
    CLEANUP_FREE char *path = NULL, *resolved = NULL;
    size_t length = 0;

    for (size_t i = first; i < set->count; i++)
        length += 1 + strlen(set->components[i].text);
    char *to = path = malloc(length + 1);
    if (!path)
        return -ENOMEM;
    *to = '\0';
    for (size_t i = first; i < set->count; i++)
        to = stpcpy(stpcpy(to, "/"), set->components[i].text);

    int r = resolver->resolve(path, &resolved, resolver->userdata);
    if (r >= 0)
        r = strv_append(&set->resolved, resolved);
    if (r < 0)
        return r;
    set->count = first;
    char *rest = set->resolved[strv_length(set->resolved) - 1];
    for (char *name; (name = strsep(&rest, "/")) && r >= 0;)
        if (*name)
            r = add_component(set, (Component){ name, LITERAL, false, true });
    return r;
}

static int add_reading(GlobSet *set, char *reading, const GlobResolver *resolver)
{
    size_t first = set->count;
    bool literal = true;
    int r = 0;

    if (reading[0] != '/')
        return -EINVAL;
    for (char *name; (name = strsep(&reading, "/"));) {
        ComponentKind kind = strcmp(name, "**") == 0      ? ANY_FOLDERS
                             : pattern_has_wildcard(name) ? WILDCARD
                                                          : LITERAL;
        if (kind == LITERAL)
            unescape(name);
        if (*name == '\0' || strcmp(name, ".") == 0)
            continue;
        if (strcmp(name, "..") == 0 || strchr(name, '/'))
            return -EINVAL;
        if (literal && kind != LITERAL && resolver)
            r = resolve_literals(set, first, resolver);
        literal = literal && kind == LITERAL;
        if (r >= 0)
            r = add_component(set, (Component){ name, kind, false, literal });
        if (r < 0)
            return r;
    }
    if (literal && resolver)
        r = resolve_literals(set, first, resolver);
    else if (set->count > first && set->components[set->count - 1].kind == ANY_FOLDERS)
        r = add_component(set, (Component){ "*", WILDCARD, false, false });
    if (r < 0)
        return r;
    if (set->count > first)
        set->components[set->count - 1].last = true;
    return 0;
}

/* Room for the states, once all components are there. */
static int finish(GlobSet *set)
{
    set->states = calloc(set->count + 1, sizeof *set->states);
    set->before = calloc(set->count + 1, sizeof *set->before);
    set->generation = calloc(set->count + 1, sizeof *set->generation);
    return set->states && set->before && set->generation ? 0 : -ENOMEM;
}

int globset_new(const char *pattern, const GlobResolver *resolver, GlobSet **ret)
{
    cleanup(globset_freep) GlobSet *set = calloc(1, sizeof *set);
    if (!set)
        return -ENOMEM;

    int r = pattern_expand_braces(pattern, &set->readings);
    if (r < 0)
        return r;
    STRV_FOREACH (reading, set->readings) {
        r = add_reading(set, *reading, resolver);
        if (r < 0)
            return r;
    }
    r = finish(set);
    if (r < 0)
        return r;

    *ret = TAKE_PTR(set);
    return 0;
}

int globset_new_everything(GlobSet **ret)
{
    cleanup(globset_freep) GlobSet *set = calloc(1, sizeof *set);
    if (!set)
        return -ENOMEM;

    set->hidden = true;
    int r = add_component(set, (Component){ "**", ANY_FOLDERS, false, false });
    if (r >= 0)
        r = add_component(set, (Component){ "*", WILDCARD, true, false });
    if (r >= 0)
        r = finish(set);
    if (r < 0)
        return r;

    *ret = TAKE_PTR(set);
    return 0;
}

GlobSet *globset_free(GlobSet *set)
{
    if (!set)
        return NULL;
    strv_free(set->readings);
    strv_free(set->resolved);
    free(set->components);
    free(set->states);
    free(set->before);
    free(set->generation);
    free(set);
    return NULL;
}

/* Adds @state to those of this step, and what it implies. */
static void add_state(GlobSet *set, GlobStep *step, uint32_t state)
{
    for (; set->generation[state] != set->steps; state++) {
        set->generation[state] = set->steps;
        set->states[step->n_states++] = state;
        if (set->components[state].kind != ANY_FOLDERS)
            return;
    }
}

static void begin_step(GlobSet *set, GlobStep *ret)
{
    *ret = (GlobStep){ .states = set->states };
    if (++set->steps == 0) { /* wrapped: the old marks would count */
        memset(set->generation, 0, set->count * sizeof *set->generation);
        set->steps = 1;
    }
}

void globset_start(GlobSet *set, GlobStep *ret)
{
    begin_step(set, ret);
    for (uint32_t i = 0; i < set->count; i++)
        if (i == 0 || set->components[i - 1].last)
            add_state(set, ret, i);
}

static bool takes_name(const GlobSet *set, const Component *component, const char *name)
{
    switch (component->kind) {
    case LITERAL:
        return strcmp(component->text, name) == 0;
    case WILDCARD:
        return set->hidden || pattern_match_name(component->text, name);
    case ANY_FOLDERS:
        return set->hidden || name[0] != '.';
    }
    return false;
}

void globset_step(GlobSet *set, const uint32_t *states, size_t n_states, const char *name,
                  GlobStep *ret)
{
    begin_step(set, ret);
    for (size_t i = 0; i < n_states; i++) {
        const Component *component = &set->components[states[i]];

        if (!takes_name(set, component, name))
            continue;
        if (component->kind == ANY_FOLDERS) {
            add_state(set, ret, states[i]);
            continue;
        }
        ret->matched = true;
        ret->named |= component->literal_prefix;
        if (component->last)
            ret->file = true;
        else
            add_state(set, ret, states[i] + 1);
    }
}

const char *globset_literal(const GlobSet *set, uint32_t state)
{
    return set->components[state].kind == LITERAL ? set->components[state].text : NULL;
}

bool globset_takes(const GlobSet *set, const uint32_t *states, size_t n_states, const char *name,
                   bool may_be_folder)
{
    for (size_t i = 0; i < n_states; i++) {
        const Component *component = &set->components[states[i]];

        if (component->kind == LITERAL || (component->kind == ANY_FOLDERS && !may_be_folder))
            continue;
        if (takes_name(set, component, name))
            return true;
    }
    return false;
}

bool globset_matches(GlobSet *set, const char *path)
{
    char name[NAME_MAX + 1];
    GlobStep step;

    globset_start(set, &step);
    for (path += strspn(path, "/"); *path; path += strspn(path, "/")) {
        size_t length = strcspn(path, "/"), n_states = step.n_states;

        if (length > NAME_MAX || n_states == 0)
            return false;
        memcpy(name, path, length);
        name[length] = '\0';
        memcpy(set->before, step.states, n_states * sizeof *set->before);
        globset_step(set, set->before, n_states, name, &step);
        path += length;
    }
    return step.file;
}
