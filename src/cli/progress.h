/* SPDX-License-Identifier: MIT */
#pragma once

/* "1234 files" on standard error, for who waits in front of a terminal. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Progress {
    bool terminal;     /* somebody may be waiting there */
    int shown;         /* columns that are taken */
    uint64_t due_usec; /* CLOCK_MONOTONIC */
    size_t n_files;
} Progress;

Progress progress_new(void);

/* One more file. */
void progress_step(Progress *progress);

/* So many by now. */
void progress_set(Progress *progress, size_t n_files);

/* Whether it is time to show something else. */
bool progress_is_due(const Progress *progress);

/* Shows @text, ASCII of one line, instead of what was shown. */
void progress_show(Progress *progress, const char *text);

/* Shows nothing for so long: what is to be shown costs time to find out. */
void progress_rest(Progress *progress, uint64_t usec);

/* Before anything else is printed. */
void progress_clear(Progress *progress);
