/* SPDX-License-Identifier: MIT */
/* Mistakes are found in the order in which a file is read, but what spans several keys is known
 * only at its end: so each is put at its place, behind those of the same place. Of more than
 * DIAGNOSTICS_MAX the most important are kept, and the entry behind them counts the others. */
#include "policy/diagnostics.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "policy/text.h"

static bool is_after(const PolicyPlace *a, const PolicyPlace *b)
{
    if (a->file != b->file)
        return a->file > b->file;
    return a->line > b->line || (a->line == b->line && a->column > b->column);
}

/* One more of @severity is only counted. */
static int count_away(Diagnostics *diagnostics, Severity severity)
{
    char *message;

    if (asprintf(&message, "%zu more %s not shown", diagnostics->n_more + 1,
                 diagnostics->n_more > 0 ? "findings are" : "finding is") < 0)
        return -ENOMEM;

    /* The room for this entry was made with the one before. */
    Diagnostic *last = &diagnostics->entries[DIAGNOSTICS_MAX];
    if (diagnostics->n_more++ > 0) {
        free(last->message);
        if (last->severity < severity)
            severity = last->severity;
    }
    *last = (Diagnostic){ .severity = severity, .message = message };
    diagnostics->n_entries = DIAGNOSTICS_MAX + 1;
    return 0;
}

/* There is room for it behind the first @n entries, which are all but the counting one. */
static void insert(Diagnostics *diagnostics, size_t n, Diagnostic entry)
{
    Diagnostic *entries = diagnostics->entries;
    size_t i = n;

    while (i > 0 && is_after(&entries[i - 1].place, &entry.place))
        i--;
    memmove(&entries[i + 1], &entries[i], (n - i) * sizeof(Diagnostic));
    entries[i] = entry;
}

static int append(Diagnostics *diagnostics, Diagnostic entry)
{
    size_t n = diagnostics->n_entries;
    Diagnostic *grown = reallocarray(diagnostics->entries, n + 2, sizeof(Diagnostic));
    if (!grown)
        return -ENOMEM;

    diagnostics->entries = grown;
    insert(diagnostics, n, entry);
    diagnostics->n_entries++;
    return 0;
}

/* The last of the least important entries. */
static size_t least_important(const Diagnostics *diagnostics)
{
    size_t least = 0;

    for (size_t i = 1; i < DIAGNOSTICS_MAX; i++)
        if (diagnostics->entries[i].severity >= diagnostics->entries[least].severity)
            least = i;
    return least;
}

/* Takes the place of something less important, or is only counted. *ret_counted is what now is. */
static int displace(Diagnostics *diagnostics, Diagnostic entry, char **ret_counted)
{
    size_t i = least_important(diagnostics);
    Diagnostic least = diagnostics->entries[i];
    bool stays = least.severity <= entry.severity;

    int r = count_away(diagnostics, stays ? entry.severity : least.severity);
    if (r < 0)
        return r;
    *ret_counted = stays ? entry.message : least.message;
    if (stays)
        return 0;
    memmove(&diagnostics->entries[i], &diagnostics->entries[i + 1],
            (DIAGNOSTICS_MAX - 1 - i) * sizeof(Diagnostic));
    insert(diagnostics, DIAGNOSTICS_MAX - 1, entry);
    return 0;
}

int diagnostics_add(Diagnostics *diagnostics, Severity severity, PolicyPlace place,
                    const char *format, ...)
{
    CLEANUP_FREE char *message = NULL;
    va_list args;

    va_start(args, format);
    int r = vasprintf(&message, format, args);
    va_end(args);
    if (r < 0) {
        message = NULL;
        return -ENOMEM;
    }

    diagnostics->n_of[severity]++;
    Diagnostic entry = { severity, place, message };
    if (diagnostics->n_entries >= DIAGNOSTICS_MAX)
        return displace(diagnostics, entry, &message);
    r = append(diagnostics, entry);
    if (r >= 0)
        (void)TAKE_PTR(message);
    return r;
}

void diagnostics_clear(Diagnostics *diagnostics)
{
    for (size_t i = 0; i < diagnostics->n_entries; i++)
        free(diagnostics->entries[i].message);
    free(diagnostics->entries);
    *diagnostics = (Diagnostics){ 0 };
}

const char *severity_to_string(Severity severity)
{
    static const char *const names[N_SEVERITIES] = {
        [SEVERITY_MISTAKE] = "mistake",
        [SEVERITY_WARNING] = "warning",
        [SEVERITY_NOTE] = "note",
    };

    return names[severity];
}

char *diagnostic_format(const Diagnostic *diagnostic, const Source *sources)
{
    const PolicyPlace *place = &diagnostic->place;
    CLEANUP_FREE char *name = text_printable(sources[place->file].path);
    bool mistake = diagnostic->severity == SEVERITY_MISTAKE;
    const char *severity = mistake ? "" : severity_to_string(diagnostic->severity);
    const char *colon = mistake ? "" : ": ";
    char *line;
    int r;

    if (!name)
        return NULL;
    if (place->line > 0)
        r = asprintf(&line, "%s:%zu:%zu: %s%s%s", name, place->line, place->column, severity, colon,
                     diagnostic->message);
    else
        r = asprintf(&line, "%s: %s%s%s", name, severity, colon, diagnostic->message);
    return r < 0 ? NULL : line;
}
