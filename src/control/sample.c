/* SPDX-License-Identifier: MIT */
#include "control/sample.h"

#include "util/units.h"

SampleMark sample_mark(const Sample *sample)
{
    return (SampleMark){
        .at_usec = sample->at_usec,
        .cgroup = sample->cgroup,
        .has_memory_psi = sample->memory_psi.valid,
        .has_io_psi = sample->io_psi.valid,
        .memory_some_usec = sample->memory_psi.some_usec,
        .memory_full_usec = sample->memory_psi.full_usec,
        .io_some_usec = sample->io_psi.some_usec,
        .io_full_usec = sample->io_psi.full_usec,
        .pgscan = sample->pgscan,
        .pgsteal = sample->pgsteal,
        .pgmajfault = sample->pgmajfault,
        .refault_anon = sample->refault_anon,
        .refault_file = sample->refault_file,
        .events_high = sample->events_high,
    };
}

static bool psi_fell(bool known, uint64_t some_usec, uint64_t full_usec, const PsiTotals *now)
{
    return known && now->valid && (now->some_usec < some_usec || now->full_usec < full_usec);
}

SampleStep sample_step(const SampleMark *before, const Sample *now)
{
    if (before->at_usec == 0)
        return SAMPLE_RESET;
    if (now->at_usec < before->at_usec)
        return SAMPLE_STALE;
    if (now->cgroup != before->cgroup || now->pgscan < before->pgscan ||
        now->pgsteal < before->pgsteal || now->pgmajfault < before->pgmajfault ||
        now->refault_anon < before->refault_anon || now->refault_file < before->refault_file ||
        now->events_high < before->events_high ||
        psi_fell(before->has_memory_psi, before->memory_some_usec, before->memory_full_usec,
                 &now->memory_psi) ||
        psi_fell(before->has_io_psi, before->io_some_usec, before->io_full_usec, &now->io_psi))
        return SAMPLE_RESET;
    return SAMPLE_NEXT;
}

SampleGrowth sample_growth(const SampleMark *before, const Sample *now)
{
    const PsiTotals *memory = &now->memory_psi, *io = &now->io_psi;
    bool has_memory = before->has_memory_psi && memory->valid;
    bool has_io = before->has_io_psi && io->valid;

    return (SampleGrowth){
        .usec = now->at_usec - before->at_usec,
        .memory_some_usec = has_memory ? memory->some_usec - before->memory_some_usec : 0,
        .memory_full_usec = has_memory ? memory->full_usec - before->memory_full_usec : 0,
        .io_some_usec = has_io ? io->some_usec - before->io_some_usec : 0,
        .refaults = now->refault_file - before->refault_file + now->refault_anon -
                    before->refault_anon,
        .scanned = now->pgscan - before->pgscan,
        .taken = now->pgsteal - before->pgsteal,
        .high_events = now->events_high - before->events_high,
    };
}
