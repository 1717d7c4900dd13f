/* SPDX-License-Identifier: MIT */
#include "daemon/pin_open.h"

#include <string.h>

static void run(Job *job)
{
    PinOpening *opening = (PinOpening *)job;
    SelectProcesses processes = { .proc_fd = opening->proc_fd };
    SelectScope scope = {
        .root_fd = opening->root_fd,
        .flags = opening->walk_flags,
        .processes = &processes,
    };

    selected_files_open(&scope, opening->list.files, opening->list.n_files, opening->fds);
}

static void destroy(Job *job)
{
    pin_opening_free((PinOpening *)job);
}

PinOpening *pin_opening_new(const PinScan *scan, size_t from, size_t *ret_next,
                            void (*done)(Job *job, void *owner), void *owner)
{
    PinOpening *opening = calloc(1, sizeof(PinOpening));
    if (!opening)
        return NULL;

    opening->job = (Job){ .run = run, .done = done, .destroy = destroy, .owner = owner };
    opening->root_fd = scan->root_fd;
    opening->proc_fd = scan->processes.proc_fd;
    opening->walk_flags = scan->walk_flags;
    for (; from < scan->n_steps && opening->list.n_files < HOLD_BATCH_MAX; from++) {
        const PinStep *step = &scan->steps[from];
        if (!step->opens || step->target == 0)
            continue;
        size_t n = opening->list.n_files;
        if (selected_files_add_copy(&opening->list, pin_step_file(scan, step)) < 0) {
            pin_opening_free(opening);
            return NULL;
        }
        opening->steps[n] = from;
        opening->fds[n] = -ECANCELED;
    }
    *ret_next = from;
    return opening;
}

void pin_opening_free(PinOpening *opening)
{
    if (!opening)
        return;
    for (size_t i = 0; i < opening->list.n_files; i++)
        safe_close(opening->fds[i]);
    selected_files_clear(&opening->list);
    free(opening);
}
