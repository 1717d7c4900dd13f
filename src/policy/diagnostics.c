/* SPDX-License-Identifier: MIT */
/* Mistakes are found in the order in which a file is read, but what spans several keys is known
 * only at its end: so each is put at its place, behind those of the same place. The entry behind
 * the last counts what was found after DIAGNOSTICS_MAX of them. */
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

/* One more that is only counted. */
static int count_away(Diagnostics *diagnostics)
{
    char *message;

    if (asprintf(&message, "%zu more %s not shown", diagnostics->n_more + 1,
                 diagnostics->n_more > 0 ? "findings are" : "finding is") < 0)
        return -ENOMEM;

    /* The room for this entry was made with the one before. */
    Diagnostic *last = &diagnostics->entries[DIAGNOSTICS_MAX];
    if (diagnostics->n_more++ > 0)
        free(last->message);
    *last = (Diagnostic){ .message = message };
    diagnostics->n_entries = DIAGNOSTICS_MAX + 1;
    return 0;
}

static int insert(Diagnostics *diagnostics, Diagnostic entry)
{
    size_t i = diagnostics->n_entries;
    Diagnostic *grown = reallocarray(diagnostics->entries, i + 2, sizeof(Diagnostic));
    if (!grown)
        return -ENOMEM;
    diagnostics->entries = grown;

    while (i > 0 && is_after(&grown[i - 1].place, &entry.place))
        i--;
    memmove(&grown[i + 1], &grown[i], (diagnostics->n_entries - i) * sizeof(Diagnostic));
    grown[i] = entry;
    diagnostics->n_entries++;
    return 0;
}

int diagnostics_add(Diagnostics *diagnostics, Severity severity, PolicyPlace place,
                    const char *format, ...)
{
    CLEANUP_FREE char *message = NULL;
    va_list args;

    diagnostics->n_of[severity]++;
    if (diagnostics->n_entries >= DIAGNOSTICS_MAX)
        return count_away(diagnostics);

    va_start(args, format);
    int r = vasprintf(&message, format, args);
    va_end(args);
    if (r < 0) {
        message = NULL;
        return -ENOMEM;
    }

    r = insert(diagnostics, (Diagnostic){ severity, place, message });
    if (r < 0)
        return r;

    (void)TAKE_PTR(message);
    return 0;
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
