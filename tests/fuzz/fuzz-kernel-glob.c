/* SPDX-License-Identifier: MIT */
/* The first line is a glob, the others are names that a walk steps through. States are always a
 * set, and of components that exist; `..` never gets in. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "kernel/globset.h"
#include "util/cleanup.h"

/* Copies the states, because the next step overwrites them. */
static size_t take_states(const GlobStep *step, uint32_t **states)
{
    free(*states);
    *states = malloc((step->n_states + 1) * sizeof **states);
    if (!*states)
        return 0;
    memcpy(*states, step->states, step->n_states * sizeof **states);
    return step->n_states;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_FREE char *text = malloc(size + 1);
    CLEANUP_FREE uint32_t *states = NULL;
    cleanup(globset_freep) GlobSet *set = NULL;
    GlobStep step;

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';

    char *rest = text, *pattern = strsep(&rest, "\n");
    if (globset_new(pattern, NULL, &set) < 0) {
        must_hold(!set);
        return 0;
    }
    globset_start(set, &step);
    size_t n = take_states(&step, &states);
    for (char *name; (name = strsep(&rest, "\n")) && n > 0;) {
        for (size_t i = 0; i < n; i++) {
            const char *literal = globset_literal(set, states[i]);
            must_hold(!literal || (strcmp(literal, "..") != 0 && !strchr(literal, '/')));
        }
        bool taken = globset_takes(set, states, n, name, true);
        globset_step(set, states, n, name, &step);
        must_hold(step.matched || !step.file);
        must_hold(!taken || step.file || step.n_states > 0);
        n = take_states(&step, &states);
    }
    return 0;
}
