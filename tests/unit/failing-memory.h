/* SPDX-License-Identifier: MIT */
#pragma once

/* One allocation of ours that fails. For programs that are linked with --wrap of these four, see
 * meson.build; included by one file of a program. */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static unsigned countdown; /* the allocation that fails, from 1; 0: none does */

static bool fails(void)
{
    return countdown > 0 && --countdown == 0;
}

#define WRAP(type, name, parameters, arguments) \
    type __real_##name parameters;              \
    type __wrap_##name parameters;              \
    type __wrap_##name parameters               \
    {                                           \
        if (!fails())                           \
            return __real_##name arguments;     \
        errno = ENOMEM;                         \
        return NULL;                            \
    }

WRAP(void *, malloc, (size_t size), (size))
WRAP(void *, calloc, (size_t n, size_t size), (n, size))
WRAP(void *, reallocarray, (void *old, size_t n, size_t size), (old, n, size))
WRAP(char *, strdup, (const char *text), (text))
