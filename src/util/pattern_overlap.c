/* SPDX-License-Identifier: MIT */
/* Two globs are walked together: a state says how much of each is used up, and it is reached if
 * some text uses up just that. `*` in a name and `**` in a path are used up by nothing, or take one
 * more and stay. There are as many states as the product of the lengths, so nothing ever explodes,
 * and rows of them suffice, so nothing is allocated.
 *
 * What begins with a dot is apart: nothing but a written dot takes that one. So a name's states
 * also tell whether a character has been taken yet. */
#include "util/pattern.h"

#include <string.h>

#include "util/cleanup.h"
#include "util/pattern_parts.h"

/* Bytes. How long it takes to compare two sets grows faster than the product of their lengths. */
#define SET_LENGTH_MAX 255

enum {
    AT_START = 1 << 0, /* reached without a character */
    BEHIND_FIRST = 1 << 1,
};

/* One character other than `/`, and other than `.` if @first, is taken by both. */
static bool share_character(const PatternElement *a, const PatternElement *b, bool first)
{
    if (a->set.end - a->set.begin > SET_LENGTH_MAX || b->set.end - b->set.begin > SET_LENGTH_MAX)
        return true;

    for (uint32_t c = 1, next; c <= CHARACTER_MAX; c = next) {
        next = pattern_element_next(a, c);
        if (next == c)
            next = pattern_element_next(b, c);
        if (next == c && (c == '/' || (c == '.' && first)))
            next++;
        if (next == c)
            return true;
    }
    return false;
}

typedef struct NamePair {
    const PatternElements *a, *b;
    unsigned char *here;  /* states where @a is at @i */
    unsigned char *below; /* where it is one further */
    size_t i;
} NamePair;

/* What follows from the state before the elements @i and @j. */
static void step_name(const NamePair *pair, size_t j)
{
    static const PatternElement one = { .kind = PATTERN_ONE };
    const PatternElement *a = pair->i < pair->a->n ? &pair->a->items[pair->i] : NULL;
    const PatternElement *b = j < pair->b->n ? &pair->b->items[j] : NULL;
    bool a_many = a && a->kind == PATTERN_MANY, b_many = b && b->kind == PATTERN_MANY;

    if (a_many && b_many)
        pair->here[j] |= BEHIND_FIRST;
    unsigned char state = pair->here[j];
    bool first = !(state & BEHIND_FIRST);
    if (a_many)
        pair->below[j] |= state;
    if (b_many)
        pair->here[j + 1] |= state;
    if (!a || !b || (a_many && b_many))
        return;

    if (pair->i == 0 && j == 0 && a->kind == PATTERN_LITERAL && b->kind == PATTERN_LITERAL)
        first = false; /* both have it written */
    if (!share_character(a_many ? &one : a, b_many ? &one : b, first))
        return;
    if (a_many)
        pair->here[j + 1] |= BEHIND_FIRST;
    else if (b_many)
        pair->below[j] |= BEHIND_FIRST;
    else
        pair->below[j + 1] |= BEHIND_FIRST;
}

static bool elements_overlap(const PatternElements *a, const PatternElements *b)
{
    unsigned char rows[2][ELEMENTS(b->items) + 2] = { { AT_START } };

    for (size_t i = 0; i <= a->n; i++) {
        NamePair pair = { a, b, rows[i % 2], rows[(i + 1) % 2], i };
        bool reached = false;

        for (size_t j = 0; j <= b->n; j++) {
            if (!pair.here[j])
                continue;
            if (i == a->n && j == b->n)
                return true;
            reached = true;
            step_name(&pair, j);
            pair.here[j] = 0; /* this row is the one after the next */
        }
        if (!reached)
            return false;
    }
    return false;
}

/* Both begin with characters that stand for themselves, and with different ones. */
static bool differ_at_once(PatternSpan a, PatternSpan b)
{
    for (; a.begin < a.end && b.begin < b.end; a.begin++, b.begin++) {
        if (!pattern_is_plain(*a.begin) || !pattern_is_plain(*b.begin))
            return false;
        if (*a.begin != *b.begin)
            return true;
    }
    return false;
}

static bool names_overlap(PatternSpan a, PatternSpan b)
{
    PatternElements a_elements, b_elements;

    if (differ_at_once(a, b))
        return false;
    return pattern_parse_elements(a, &a_elements) && pattern_parse_elements(b, &b_elements) &&
           elements_overlap(&a_elements, &b_elements);
}

/* @a and @b are the next components, or NULL at the end of the glob; the rows are as above. */
static void step_path(const PatternComponent *a, const PatternComponent *b, bool *here, bool *below)
{
    bool a_folders = a && a->any_folders, b_folders = b && b->any_folders;

    if (a_folders)
        below[0] = true;
    if (b_folders)
        here[1] = true;
    if (!a || !b || (a_folders && b_folders))
        return;

    if (!names_overlap(a->span, b->span))
        return;
    if (a_folders)
        here[1] = true;
    else if (b_folders)
        below[0] = true;
    else
        below[1] = true;
}

#define COMPONENTS_MAX (PATH_MAX / 2 + 1) /* "/a/a/a…", and the `*` behind a `**` */

bool pattern_overlap(const char *a, const char *b)
{
    PatternComponents a_components = { a, false };
    bool rows[2][COMPONENTS_MAX + 2] = { { true } };

    if (a[0] != '/' || b[0] != '/')
        return false;
    if (strlen(a) >= PATH_MAX || strlen(b) >= PATH_MAX)
        return true;

    for (unsigned i = 0;; i++) {
        bool *here = rows[i % 2], *below = rows[(i + 1) % 2], reached = false;
        PatternComponents b_components = { b, false };
        PatternComponent component, other;
        bool more = pattern_next_component(&a_components, &component), other_more = true;

        for (size_t j = 0; other_more; j++) {
            other_more = pattern_next_component(&b_components, &other);
            if (!here[j])
                continue;
            if (!more && !other_more)
                return true;
            reached = true;
            step_path(more ? &component : NULL, other_more ? &other : NULL, here + j, below + j);
            here[j] = false;
        }
        if (!more || !reached)
            return false;
    }
}
