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

/* A policy, or the settings, of up to FILES_MAX texts: "p.yaml" and its drop-ins. */
#define FILES_MAX 3

static const char *const file_names[FILES_MAX] = { "p.yaml", "10.yaml", "20.yaml" };

static inline size_t make_sources(const char *const texts[FILES_MAX], Source sources[FILES_MAX])
{
    size_t n = 0;

    for (; n < FILES_MAX && texts[n]; n++)
        sources[n] = (Source){ file_names[n], texts[n], strlen(texts[n]) };
    return n;
}

/* All messages as users see them, a line each, to be freed. */
static inline char *format_messages(const Diagnostics *diagnostics, const Source *sources)
{
    char *joined = NULL;
    size_t size;
    FILE *f = open_memstream(&joined, &size);
    assert_non_null(f);

    for (size_t i = 0; i < diagnostics->n_entries; i++) {
        CLEANUP_FREE char *line = diagnostic_format(&diagnostics->entries[i], sources);

        assert_non_null(line);
        fprintf(f, "%s\n", line);
    }
    fclose(f);
    return joined;
}

/* A text, or several, and what is said of them. */
typedef struct Case {
    const char *text;
    const char *expected; /* "LINE:COLUMN: message" and a line break, for each */
} Case;

typedef struct FilesCase {
    const char *texts[FILES_MAX];
    const char *expected; /* "FILE:LINE:COLUMN: message" and a line break, for each */
} FilesCase;

/* Decodes each text; the result and what is said are as expected. */
static inline void check_cases(const Case cases[], size_t n, int result)
{
    for (size_t i = 0; i < n; i++) {
        Diagnostics diagnostics = { 0 };
        cleanup(policy_freep) Policy *policy = NULL;

        int r = decode_text(cases[i].text, strlen(cases[i].text), &diagnostics, &policy);
        CLEANUP_FREE char *found = join_messages(&diagnostics);
        diagnostics_clear(&diagnostics);
        assert_string_equal(found, cases[i].expected);
        assert_int_equal(r, result);
    }
}

static inline void check_files_cases(const FilesCase cases[], size_t n, int result)
{
    for (size_t i = 0; i < n; i++) {
        Diagnostics diagnostics = { 0 };
        cleanup(policy_freep) Policy *policy = NULL;
        Source sources[FILES_MAX];

        size_t n_sources = make_sources(cases[i].texts, sources);
        int r = policy_decode("p", sources, n_sources, RAM, &diagnostics, &policy);
        CLEANUP_FREE char *found = format_messages(&diagnostics, sources);
        diagnostics_clear(&diagnostics);
        assert_string_equal(found, cases[i].expected);
        assert_int_equal(r, result);
    }
}

#define CHECK_REFUSED(cases)        check_cases((cases), ELEMENTS(cases), -EBADMSG)
#define CHECK_REMARKED(cases)       check_cases((cases), ELEMENTS(cases), 0)
#define CHECK_FILES_REFUSED(cases)  check_files_cases((cases), ELEMENTS(cases), -EBADMSG)
#define CHECK_FILES_REMARKED(cases) check_files_cases((cases), ELEMENTS(cases), 0)
