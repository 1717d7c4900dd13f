/* SPDX-License-Identifier: MIT */
#include "control/sample.h"

#include "util/units.h"

static uint64_t some(const PsiTotals *psi)
{
    return psi->valid ? psi->some_usec : PSI_UNKNOWN;
}

void sample_drop_psi(Sample *sample)
{
    sample->memory_psi = sample->io_psi = (PsiTotals){ 0 };
}

SampleMark sample_mark(const Sample *sample)
{
    return (SampleMark){
        .at_usec = sample->at_usec,
        .cgroup = sample->cgroup,
        .memory_some_usec = some(&sample->memory_psi),
        .io_some_usec = some(&sample->io_psi),
        .pgscan = sample->pgscan,
        .pgsteal = sample->pgsteal,
        .refault_anon = sample->refault_anon,
        .refault_file = sample->refault_file,
        .events_high = sample->events_high,
    };
}

static bool psi_fell(uint64_t before_usec, const PsiTotals *now)
{
    return before_usec != PSI_UNKNOWN && now->valid && now->some_usec < before_usec;
}

static uint64_t psi_growth(uint64_t before_usec, const PsiTotals *now)
{
    return before_usec != PSI_UNKNOWN && now->valid ? now->some_usec - before_usec : 0;
}

SampleStep sample_step(const SampleMark *before, const Sample *now)
{
    if (before->at_usec == 0)
        return SAMPLE_RESET;
    if (now->at_usec < before->at_usec)
        return SAMPLE_STALE;
    if (now->cgroup != before->cgroup || now->pgscan < before->pgscan ||
        now->pgsteal < before->pgsteal || now->refault_anon < before->refault_anon ||
        now->refault_file < before->refault_file || now->events_high < before->events_high ||
        psi_fell(before->memory_some_usec, &now->memory_psi) ||
        psi_fell(before->io_some_usec, &now->io_psi))
        return SAMPLE_RESET;
    return SAMPLE_NEXT;
}

SampleGrowth sample_growth(const SampleMark *before, const Sample *now)
{
    return (SampleGrowth){
        .usec = now->at_usec - before->at_usec,
        .memory_some_usec = psi_growth(before->memory_some_usec, &now->memory_psi),
        .io_some_usec = psi_growth(before->io_some_usec, &now->io_psi),
        .refaults = now->refault_file - before->refault_file + now->refault_anon -
                    before->refault_anon,
        .scanned = now->pgscan - before->pgscan,
        .taken = now->pgsteal - before->pgsteal,
        .high_events = now->events_high - before->events_high,
    };
}
