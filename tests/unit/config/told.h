/* SPDX-License-Identifier: MIT */
#pragma once

/* What is found, as text: a line "NAME: STATE: SOURCE, SOURCE", and below it, indented, what is
 * said of it. The scratch folder's path is left out. */

#include <stdio.h>
#include <string.h>

#include "config/find.h"
#include "unit/kernel/scratch.h"
#include "unit/test.h"

/* @text without @path, wherever it is, in place. */
static inline void leave_out(char *text, const char *path)
{
    size_t length = strlen(path);

    for (char *at = text; (at = strstr(at, path));)
        memmove(at, at + length, strlen(at + length) + 1);
}

static inline void tell(FILE *out, const ConfigEntry *entry)
{
    if (entry->name)
        fprintf(out, "%s: ", entry->name);
    fprintf(out, "%s:", config_state_to_string(entry->state));
    for (size_t i = 0; i < entry->n_sources; i++)
        fprintf(out, "%s%s", i > 0 ? ", " : " ", entry->sources[i].path);
    fputc('\n', out);
    for (size_t i = 0; i < entry->diagnostics.n_entries; i++) {
        CLEANUP_FREE char *line = diagnostic_format(&entry->diagnostics.entries[i], entry->sources);
        assert_non_null(line);
        fprintf(out, "  %s\n", line);
    }
}

static inline void expect_told(const Scratch *scratch, const ConfigEntry *folders,
                               const ConfigEntry *entries, size_t n_entries, const char *expected)
{
    CLEANUP_FREE char *text = NULL;
    size_t size;

    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    if (folders && folders->n_sources > 0)
        tell(out, folders);
    for (size_t i = 0; i < n_entries; i++)
        tell(out, &entries[i]);
    fclose(out);
    leave_out(text, scratch->path);
    assert_string_equal(text, expected);
}
