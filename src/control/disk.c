/* SPDX-License-Identifier: MIT */
/* A refault of a page that was in use is a wait for memory and a wait for I/O. The lesser of the
 * two says what it cost: reclaim waits for memory alone, and reading what is new for I/O alone.
 * Several tasks that wait at once make the disk look faster than it is, and read-ahead shares one
 * wait among many pages: then it is not as bad for the unit, either. */
#include "control/disk.h"

#include "util/units.h"

/* Longer ago it does not belong together. */
#define DISK_SPAN_USEC (10 * USEC_PER_SEC)

bool disk_is_slow(DiskState *state, const Sample *sample)
{
    SampleStep step = sample_step(&state->from, sample);

    if (step == SAMPLE_RESET)
        state->from = sample_mark(sample);
    if (step != SAMPLE_NEXT)
        return hold_is_on(&state->slow, sample->at_usec);

    SampleGrowth span = sample_growth(&state->from, sample);
    bool enough = span.refaults >= DISK_PAGES && span.usec >= USEC_PER_SEC;
    uint64_t wait = min_u64(span.memory_some_usec, span.io_some_usec);
    bool slow = enough && wait >= mul_u64(span.refaults, DISK_SLOW_USEC);

    if (slow && !hold_is_on(&state->slow, sample->at_usec))
        hold_begin(&state->slow, sample->at_usec, DISK_HOLD_MIN_USEC, DISK_HOLD_MAX_USEC);
    if (enough || span.usec >= DISK_SPAN_USEC)
        state->from = sample_mark(sample);
    return hold_is_on(&state->slow, sample->at_usec);
}
