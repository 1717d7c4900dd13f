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

static bool is_after(const Diagnostic *d, size_t line, size_t column)
{
    return d->line > line || (d->line == line && d->column > column);
}

/* One more that is only counted. */
static int count_away(Diagnostics *diagnostics)
{
    char *message;

    if (asprintf(&message, "%zu more %s not shown", diagnostics->n_more + 1,
                 diagnostics->n_more > 0 ? "mistakes are" : "mistake is") < 0)
        return -ENOMEM;

    /* The room for this entry was made with the one before. */
    Diagnostic *last = &diagnostics->entries[DIAGNOSTICS_MAX];
    if (diagnostics->n_more++ > 0)
        free(last->message);
    *last = (Diagnostic){ .message = message };
    diagnostics->n_entries = DIAGNOSTICS_MAX + 1;
    return 0;
}

static int insert(Diagnostics *diagnostics, size_t line, size_t column, char *message)
{
    size_t i = diagnostics->n_entries;
    Diagnostic *grown = reallocarray(diagnostics->entries, i + 2, sizeof(Diagnostic));
    if (!grown)
        return -ENOMEM;
    diagnostics->entries = grown;

    while (i > 0 && is_after(&grown[i - 1], line, column))
        i--;
    memmove(&grown[i + 1], &grown[i], (diagnostics->n_entries - i) * sizeof(Diagnostic));
    grown[i] = (Diagnostic){ .line = line, .column = column, .message = message };
    diagnostics->n_entries++;
    return 0;
}

int diagnostics_add(Diagnostics *diagnostics, size_t line, size_t column, const char *format, ...)
{
    CLEANUP_FREE char *message = NULL;
    va_list args;

    if (diagnostics->n_entries >= DIAGNOSTICS_MAX)
        return count_away(diagnostics);

    va_start(args, format);
    int r = vasprintf(&message, format, args);
    va_end(args);
    if (r < 0) {
        message = NULL;
        return -ENOMEM;
    }

    r = insert(diagnostics, line, column, message);
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

char *diagnostic_format(const Diagnostic *diagnostic, const char *file)
{
    CLEANUP_FREE char *name = text_printable(file);
    char *line;
    int r;

    if (!name)
        return NULL;
    if (diagnostic->line > 0)
        r = asprintf(&line, "%s:%zu:%zu: %s", name, diagnostic->line, diagnostic->column,
                     diagnostic->message);
    else
        r = asprintf(&line, "%s: %s", name, diagnostic->message);
    return r < 0 ? NULL : line;
}
