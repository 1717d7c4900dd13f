/* SPDX-License-Identifier: MIT */
#include "util/strv.h"

#include <string.h>

size_t strv_length(char *const *strv)
{
    size_t n = 0;
    STRV_FOREACH (s, strv)
        n++;
    return n;
}

bool strv_has(char *const *strv, const char *value)
{
    STRV_FOREACH (s, strv)
        if (strcmp(*s, value) == 0)
            return true;
    return false;
}

int strv_append(char ***strv, const char *value)
{
    size_t n = strv_length(*strv);
    CLEANUP_FREE char *copy = strdup(value);
    char **grown = copy ? reallocarray(*strv, n + 2, sizeof(char *)) : NULL;
    if (!grown)
        return -ENOMEM;

    grown[n] = TAKE_PTR(copy);
    grown[n + 1] = NULL;
    *strv = grown;
    return 0;
}

int strv_copy(char *const *strv, char ***ret)
{
    size_t n = strv_length(strv);

    if (n == 0) {
        *ret = NULL;
        return 0;
    }
    cleanup(strv_freep) char **copy = calloc(n + 1, sizeof(char *));
    if (!copy)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        copy[i] = strdup(strv[i]);
        if (!copy[i])
            return -ENOMEM;
    }
    *ret = TAKE_PTR(copy);
    return 0;
}

char **strv_free(char **strv)
{
    STRV_FOREACH (s, strv)
        free(*s);
    free(strv);
    return NULL;
}
