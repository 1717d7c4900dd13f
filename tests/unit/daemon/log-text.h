/* SPDX-License-Identifier: MIT */
#pragma once

/* What is logged, one message a line, in place of util/log.c; included by one file of a program. */

#include <stdio.h>
#include <string.h>

#include "unit/test.h"
#include "util/log.h"

static char log_text[4096];

void log_message(int level, const char *format, ...)
{
    static const char *const names[] = {
        [LOG_ERR] = "error", [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
        [LOG_INFO] = "info", [LOG_DEBUG] = "debug",
    };
    size_t n = strlen(log_text);
    va_list arguments;

    if (level == LOG_DEBUG)
        return;
    n += (size_t)snprintf(log_text + n, sizeof(log_text) - n, "%s: ", names[level]);
    va_start(arguments, format);
    n += (size_t)vsnprintf(log_text + n, sizeof(log_text) - n, format, arguments);
    va_end(arguments);
    assert_true(n + 1 < sizeof(log_text));
    strcpy(log_text + n, "\n");
}

/* What was logged since it was asked last. */
static inline void expect_log(const char *expected)
{
    assert_string_equal(log_text, expected);
    log_text[0] = '\0';
}
