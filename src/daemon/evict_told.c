/* SPDX-License-Identifier: MIT */
#include "daemon/evict_told.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/log.h"
#include "util/parse.h"

static void tell_error(EvictTold *told, const char *unit, EvictJob *ej)
{
    bool ours = ej->error < 0 || ej->unreadable > 0;
    int error = ej->error < 0 ? ej->error : ej->unreadable > 0 ? -EACCES : ej->file_error;
    const char *file = ours || !ej->file_failed ? "" : ej->file_failed;

    if (error == told->error && strcmp(file, told->file ?: "") == 0)
        return;
    told->error = error;
    free(told->file);
    told->file = ours ? NULL : TAKE_PTR(ej->file_failed);
    if (ours)
        log_warning("%s: evicting %s: %s", unit, ej->task.path,
                    ej->error >= 0
                        ? "some processes cannot be looked into, so nobody knows who has it open"
                        : strerror(-error));
    else if (error < 0)
        log_warning("%s: evicting %s: %s%s%s (%llu files)", unit, ej->task.path, told->file ?: "",
                    told->file ? ": " : "", strerror(-error), (unsigned long long)ej->failed);
}

/* Once, until another is the first. A look that was cut short does not know. */
static void tell_passed_over(EvictTold *told, const char *unit, EvictJob *ej)
{
    const PassedOver *over = &ej->passed_over;
    const char *first = over->first ?: "", *before = told->passed_over ?: "";
    char more[40] = "";

    if (ej->error < 0 || ej->unreadable > 0 || strcmp(first, before) == 0)
        return;
    if (over->n > 1)
        snprintf(more, sizeof(more), " (and %zu more)", over->n - 1);
    if (over->first)
        log_message(over->harmless ? LOG_INFO : LOG_WARNING, "%s: evicting %s: passed over: %s%s",
                    unit, ej->task.path, first, more);
    free(told->passed_over);
    told->passed_over = TAKE_PTR(ej->passed_over.first);
}

static void tell_evicted(const char *unit, const EvictJob *ej)
{
    uint64_t bytes = evict_outcome_evicted(&ej->sum);
    char text[FORMAT_SIZE_MAX], rung_text[FORMAT_SIZE_MAX], how[160] = "";
    size_t n = 0;

    if (bytes == 0)
        return;
    for (EvictRung rung = EVICT_WRITE_BACK; rung < _EVICT_RUNG_MAX; rung++)
        if (ej->sum.evicted[rung] > 0)
            n += (size_t)snprintf(how + n, sizeof(how) - n, ", %s by %s",
                                  format_size(rung_text, ej->sum.evicted[rung]),
                                  evict_rung_to_string(rung));
    log_info("%s: evicted %s of %llu files matching %s%s", unit, format_size(text, bytes),
             (unsigned long long)ej->files, ej->task.path, how);
}

void evict_told_note(EvictTold *told, const char *unit, EvictJob *ej)
{
    tell_error(told, unit, ej);
    tell_passed_over(told, unit, ej);
    tell_evicted(unit, ej);
}

void evict_told_clear(EvictTold *told)
{
    free(told->file);
    free(told->passed_over);
    *told = (EvictTold){ 0 };
}
