/* SPDX-License-Identifier: MIT */
#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/text.h"
#include "util/io.h"
#include "util/units.h"

#define FIRST_USEC (500 * USEC_PER_MSEC) /* what is over sooner does not flicker */
#define EVERY_USEC (100 * USEC_PER_MSEC)

Progress progress_new(void)
{
    return (Progress){
        .terminal = isatty(STDERR_FILENO),
        .due_usec = now_usec() + FIRST_USEC,
    };
}

bool progress_is_due(const Progress *progress)
{
    return progress->terminal && now_usec() >= progress->due_usec;
}

void progress_show(Progress *progress, const char *text)
{
    int columns = fprintf(stderr, "\r%s", text) - 1;

    if (columns < progress->shown)
        fprintf(stderr, "%*s", progress->shown - columns, "");
    fflush(stderr);
    progress->shown = columns > progress->shown ? columns : progress->shown;
    progress->due_usec = now_usec() + EVERY_USEC;
}

void progress_rest(Progress *progress, uint64_t usec)
{
    progress->due_usec = max_u64(progress->due_usec, now_usec() + usec);
}

void progress_step(Progress *progress)
{
    progress_set(progress, progress->n_files + 1);
}

void progress_set(Progress *progress, size_t n_files)
{
    char text[64];

    progress->n_files = n_files;
    if (!progress_is_due(progress))
        return;
    snprintf(text, sizeof(text), "%zu file%s", n_files, plural(n_files));
    progress_show(progress, text);
}

void progress_clear(Progress *progress)
{
    if (progress->shown > 0)
        fprintf(stderr, "\r%*s\r", progress->shown, "");
    progress->shown = 0;
}
