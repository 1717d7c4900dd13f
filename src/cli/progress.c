/* SPDX-License-Identifier: MIT */
#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "util/io.h"
#include "util/units.h"

#define FIRST_USEC (500 * USEC_PER_MSEC) /* what is over sooner does not flicker */
#define EVERY_USEC (100 * USEC_PER_MSEC)
#define WIDTH      32

Progress progress_new(void)
{
    return (Progress){
        .terminal = isatty(STDERR_FILENO),
        .due_usec = now_usec() + FIRST_USEC,
    };
}

void progress_step(Progress *progress)
{
    uint64_t now;

    progress->n_files++;
    if (!progress->terminal || (now = now_usec()) < progress->due_usec)
        return;
    fprintf(stderr, "\r%zu files", progress->n_files);
    fflush(stderr);
    progress->shown = true;
    progress->due_usec = now + EVERY_USEC;
}

void progress_clear(Progress *progress)
{
    if (progress->shown)
        fprintf(stderr, "\r%*s\r", WIDTH, "");
    progress->shown = false;
}
