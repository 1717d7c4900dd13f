/* SPDX-License-Identifier: MIT */
#pragma once

/* Messages to standard error, with the "<N>" priority that the journal reads (sd-daemon(3)) when
 * standard error is the journal, and without it when a person reads. */

#include <stdbool.h>
#include <syslog.h>

void log_open(bool journal);

/* Messages less urgent than @level (LOG_ERR … LOG_DEBUG) are dropped. LOG_INFO until set. */
void log_set_max_level(int level);

void log_message(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_message(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)  log_message(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_message(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_message(LOG_DEBUG, __VA_ARGS__)
