/* SPDX-License-Identifier: MIT */
#pragma once

/* A report that is made again and again: drawn in place on a terminal, else one behind the other.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/cli.h"

typedef struct Watch {
    uint64_t interval_usec;
    bool draws;            /* standard output is a terminal, to be drawn on */
    const char *separator; /* else: between two */
    /* Prints one: 0, or -errno, and *ret_error (to be freed; NULL: out of memory) tells why. */
    int (*report)(FILE *out, char **ret_error, void *userdata);
    void *userdata;
} Watch;

/* "2" (seconds), "500ms". False, and nothing said: it is none, or out of range. */
bool watch_interval_parse(const char *text, uint64_t *ret_usec);

/* Until a signal ends us, the first report fails, or nothing can be written any more. What fails
 * later is told in its place: the daemon may be starting again. */
ExitCode watch_run(const Watch *watch);
