/* SPDX-License-Identifier: MIT */
#pragma once

/* What the tests of the decoder share. */

#include <errno.h>
#include <string.h>

#include "policy/decode.h"
#include "policy/reader.h"
#include "unit/test.h"
#include "util/units.h"

#define RAM (8 * GIB)

/* The least that a policy must have; what a test is about begins on line 3. */
#define LEAST "version: 1\nmatch: {units: [a.service]}\n"

static inline int decode_text(const char *text, size_t size, Diagnostics *diagnostics, Policy **ret)
{
    const Source source = { "/etc/p.yaml", text, size };

    return policy_decode("p", &source, 1, RAM, diagnostics, ret);
}

/* All messages in one text, one "LINE:COLUMN: message" per line, to be freed. */
static inline char *join_messages(const Diagnostics *diagnostics)
{
    char *joined = NULL;
    size_t size;
    FILE *f = open_memstream(&joined, &size);
    assert_non_null(f);

    for (size_t i = 0; i < diagnostics->n_entries; i++) {
        const Diagnostic *entry = &diagnostics->entries[i];

        if (entry->place.line > 0)
            fprintf(f, "%zu:%zu: ", entry->place.line, entry->place.column);
        if (entry->severity != SEVERITY_MISTAKE)
            fprintf(f, "%s: ", severity_to_string(entry->severity));
        fprintf(f, "%s\n", entry->message);
    }
    fclose(f);
    return joined;
}

/* Decodes a good text; fails the test, showing what was found, where anything was. */
static inline Policy *decode_good(const char *text)
{
    Diagnostics diagnostics = { 0 };
    Policy *policy = NULL;

    int r = decode_text(text, strlen(text), &diagnostics, &policy);
    CLEANUP_FREE char *found = join_messages(&diagnostics);
    diagnostics_clear(&diagnostics);
    assert_string_equal(found, "");
    assert_int_equal(r, 0);
    return policy;
}

/* Decodes a bad text and returns what was found, as join_messages(). */
static inline char *decode_bad(const char *text, size_t size)
{
    Diagnostics diagnostics = { 0 };
    cleanup(policy_freep) Policy *policy = NULL;

    int r = decode_text(text, size, &diagnostics, &policy);
    char *found = join_messages(&diagnostics);
    diagnostics_clear(&diagnostics);
    assert_int_equal(r, -EBADMSG);
    assert_null(policy);
    return found;
}
