/* SPDX-License-Identifier: MIT */
#include "control/sample.h"

#include "util/units.h"

static bool psi_fell(const PsiTotals *before, const PsiTotals *now)
{
    return before->valid && now->valid &&
           (now->some_usec < before->some_usec || now->full_usec < before->full_usec);
}

SampleStep sample_step(const Sample *before, const Sample *now)
{
    if (before->at_usec == 0)
        return SAMPLE_RESET;
    if (now->at_usec < before->at_usec)
        return SAMPLE_STALE;
    if (now->cgroup != before->cgroup || now->pgscan < before->pgscan ||
        now->pgsteal < before->pgsteal || now->pgmajfault < before->pgmajfault ||
        now->refault_anon < before->refault_anon || now->refault_file < before->refault_file ||
        now->events_high < before->events_high || psi_fell(&before->memory_psi, &now->memory_psi) ||
        psi_fell(&before->io_psi, &now->io_psi))
        return SAMPLE_RESET;
    return SAMPLE_NEXT;
}

SampleGrowth sample_growth(const Sample *before, const Sample *now)
{
    const PsiTotals *memory = &before->memory_psi, *io = &before->io_psi;
    bool has_memory = memory->valid && now->memory_psi.valid;
    bool has_io = io->valid && now->io_psi.valid;

    return (SampleGrowth){
        .usec = now->at_usec - before->at_usec,
        .memory_some_usec = has_memory ? now->memory_psi.some_usec - memory->some_usec : 0,
        .memory_full_usec = has_memory ? now->memory_psi.full_usec - memory->full_usec : 0,
        .io_some_usec = has_io ? now->io_psi.some_usec - io->some_usec : 0,
        .refaults = now->refault_file - before->refault_file + now->refault_anon -
                    before->refault_anon,
        .scanned = now->pgscan - before->pgscan,
        .taken = now->pgsteal - before->pgsteal,
        .high_events = now->events_high - before->events_high,
    };
}
