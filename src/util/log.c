/* SPDX-License-Identifier: MIT */
#include "util/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/cleanup.h"

static int max_level = LOG_INFO;
static bool prefixed;

void log_open(bool journal)
{
    prefixed = journal;
}

void log_set_max_level(int level)
{
    max_level = level;
}

void log_message(int level, const char *format, ...)
{
    if (level > max_level)
        return;

    int saved = errno;
    CLEANUP_FREE char *text = NULL;
    va_list ap;
    va_start(ap, format);
    if (vasprintf(&text, format, ap) < 0)
        text = NULL;
    va_end(ap);

    /* One write per message, so that those of two threads do not mix. */
    if (text && prefixed)
        fprintf(stderr, "<%d>%s\n", level, text);
    else if (text)
        fprintf(stderr, "%s\n", text);
    errno = saved;
}
