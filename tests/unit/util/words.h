/* SPDX-License-Identifier: MIT */
#pragma once

/* All texts of a few building blocks, and a matcher that tries everything: the measure for those
 * that must not. */

#include <fnmatch.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define WORD_SIZE 28

typedef struct Words {
    char (*words)[WORD_SIZE];
    size_t n;
} Words;

static inline void words_clear(Words *words)
{
    free(words->words);
}

/* All of 1 to @length of the @n parts, with @before in front of each part, and @begin in front of
 * all. */
static inline void words_make(Words *words, const char *begin, const char *before,
                              const char *const *parts, size_t n, size_t length)
{
    size_t total = 0, power = 1, first = 0;

    for (size_t i = 0; i < length; i++)
        total += power *= n;
    words->words = calloc(total + 1, sizeof *words->words);
    if (!words->words)
        abort();

    /* Each round makes those of one part more, from those of the round before it: at first from
     * @begin, which lies behind them all. */
    char(*stems)[WORD_SIZE] = &words->words[total];
    size_t n_stems = 1;
    strcpy(stems[0], begin);
    for (size_t k = 0; k < length; k++) {
        first = words->n;
        for (size_t i = 0; i < n_stems; i++)
            for (size_t j = 0; j < n; j++)
                stpcpy(stpcpy(stpcpy(words->words[words->n++], stems[i]), before), parts[j]);
        stems = &words->words[first];
        n_stems = words->n - first;
    }
}

/* @glob and @path are of components with a slash in front of each. */
static inline bool words_match_path(const char *glob, const char *path)
{
    char component[WORD_SIZE] = "", name[WORD_SIZE] = "";

    if (!*glob)
        return !*path;
    size_t n = strcspn(glob + 1, "/"), m = *path ? strcspn(path + 1, "/") : 0;
    memcpy(component, glob + 1, n);
    if (*path)
        memcpy(name, path + 1, m);

    if (strcmp(component, "**") == 0) {
        bool last = !glob[1 + n], passes = *path && name[0] != '.';

        if (last)
            return passes && (!path[1 + m] || words_match_path(glob, path + 1 + m));
        return words_match_path(glob + 1 + n, path) ||
               (passes && words_match_path(glob, path + 1 + m));
    }
    return *path && fnmatch(component, name, FNM_PERIOD) == 0 &&
           words_match_path(glob + 1 + n, path + 1 + m);
}
