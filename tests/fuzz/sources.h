/* SPDX-License-Identifier: MIT */
#pragma once

/* An input as the files of one policy, or of the settings, and what holds of the messages about
 * them. */

#include <string.h>

#include "fuzz/fuzz.h"
#include "policy/diagnostics.h"
#include "policy/excerpt.h"
#include "policy/show.h"
#include "policy/text.h"
#include "unit/policy/trees.h"
#include "util/cleanup.h"

/* Between two files: a control character, which no YAML text has. */
#define SEPARATOR   0x1e
#define SOURCES_MAX 8

/* A name that no message may show as it is. */
#define SOURCE_PATH "\033\xffp.yaml"

/* A message quotes two values at most, and lists what is known. */
#define MESSAGE_LENGTH_MAX (4 * QUOTE_MAX)

/* The first is the file, the others are its drop-ins. Returns how many there are, at least one. */
static inline size_t split_sources(const uint8_t *data, size_t size, Source sources[SOURCES_MAX])
{
    const char *text = (const char *)data;
    size_t n = 0;

    for (;;) {
        const char *end = size > 0 && n + 1 < SOURCES_MAX ? memchr(text, SEPARATOR, size) : NULL;
        size_t length = end ? (size_t)(end - text) : size;

        sources[n++] = (Source){ SOURCE_PATH, text, length };
        if (!end)
            return n;
        text = end + 1;
        size -= length + 1;
    }
}

static inline bool is_before(PolicyPlace a, PolicyPlace b)
{
    if (a.file != b.file)
        return a.file < b.file;
    return a.line < b.line || (a.line == b.line && a.column < b.column);
}

static inline void check_printable(const char *text)
{
    char *printable = text_printable(text);

    must_hold(printable && strcmp(printable, text) == 0);
    free(printable);
}

static inline void check_diagnostic(const Diagnostic *entry, const Source *sources,
                                    size_t n_sources)
{
    must_hold(entry->place.file < n_sources);
    must_hold((entry->place.line == 0) == (entry->place.column == 0));
    must_hold(entry->place.line <= sources[entry->place.file].size + 1);
    must_hold(entry->place.column <= sources[entry->place.file].size + 1);
    must_hold(strlen(entry->message) <= MESSAGE_LENGTH_MAX);
    check_printable(entry->message);

    char *line = diagnostic_format(entry, sources);
    must_hold(line);
    check_printable(line);
    free(line);

    char *excerpt = excerpt_format(&sources[entry->place.file], &entry->place, true);
    must_hold(excerpt && strlen(excerpt) == strcspn(excerpt, "\x1b\t\r"));
    free(excerpt);
}

/* All are counted, in the order of their places, and safe to print. */
static inline void check_diagnostics(const Diagnostics *diagnostics, const Source *sources,
                                     size_t n_sources)
{
    size_t n_shown = diagnostics->n_entries - (diagnostics->n_more > 0), n = 0;

    for (size_t i = 0; i < N_SEVERITIES; i++)
        n += diagnostics->n_of[i];
    must_hold(n == n_shown + diagnostics->n_more);
    must_hold(n_shown <= DIAGNOSTICS_MAX);

    for (size_t i = 0; i < diagnostics->n_entries; i++)
        check_diagnostic(&diagnostics->entries[i], sources, n_sources);
    for (size_t i = 1; i < n_shown; i++)
        must_hold(!is_before(diagnostics->entries[i].place, diagnostics->entries[i - 1].place));
}

static inline bool same_place(PolicyPlace a, PolicyPlace b)
{
    return !is_before(a, b) && !is_before(b, a);
}

static inline void check_same_diagnostics(const Diagnostics *a, const Diagnostics *b)
{
    must_hold(a->n_entries == b->n_entries && a->n_more == b->n_more);
    for (size_t i = 0; i < N_SEVERITIES; i++)
        must_hold(a->n_of[i] == b->n_of[i]);
    for (size_t i = 0; i < a->n_entries; i++) {
        const Diagnostic *x = &a->entries[i], *y = &b->entries[i];

        must_hold(x->severity == y->severity && same_place(x->place, y->place));
        must_hold(strcmp(x->message, y->message) == 0);
    }
}

/* Either may be NULL. */
static inline bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static inline Node *read_tree(const Source *sources, size_t n_sources)
{
    Diagnostics diagnostics = { 0 };
    Node *tree = NULL;

    must_hold(document_read_merged(sources, n_sources, &diagnostics, &tree) == 0);
    diagnostics_clear(&diagnostics);
    return tree;
}

/* What is shown of good sources says the same; of nothing but comments there is nothing to show. */
static inline void check_shown(const Source *sources, size_t n_sources)
{
    cleanup(node_freep) Node *tree = read_tree(sources, n_sources);
    if (!tree)
        return;
    char *shown = show_document(tree, sources);

    must_hold(shown);
    cleanup(node_freep) Node *again = read_tree(&(Source){ "f", shown, strlen(shown) }, 1);
    must_hold(same_tree(tree, again));
    free(shown);
}
