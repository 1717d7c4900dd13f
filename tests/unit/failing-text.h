/* SPDX-License-Identifier: MIT */
#pragma once

/* The same for what makes texts: programs are linked with --wrap of these, too. */

#include <stdarg.h>
#include <stdio.h>

#include "unit/failing-memory.h"

WRAP(char *, strndup, (const char *text, size_t n), (text, n))

int __wrap_vasprintf(char **ret, const char *format, va_list args);
int __wrap_vasprintf(char **ret, const char *format, va_list args)
{
    char *text = NULL;
    size_t size;

    if (fails())
        return -1;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return -1;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    vfprintf(f, format, args);
#pragma GCC diagnostic pop
    fclose(f);
    *ret = text;
    return (int)size;
}

int __wrap_asprintf(char **ret, const char *format, ...);
int __wrap_asprintf(char **ret, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int r = __wrap_vasprintf(ret, format, args);
    va_end(args);
    return r;
}

/* What _FORTIFY_SOURCE makes of them. */
int __wrap___vasprintf_chk(char **ret, int flag, const char *format, va_list args);
int __wrap___vasprintf_chk(char **ret, int flag, const char *format, va_list args)
{
    return __wrap_vasprintf(ret, format, args);
}

int __wrap___asprintf_chk(char **ret, int flag, const char *format, ...);
int __wrap___asprintf_chk(char **ret, int flag, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int r = __wrap_vasprintf(ret, format, args);
    va_end(args);
    return r;
}
