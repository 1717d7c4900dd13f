/* SPDX-License-Identifier: MIT */
/* No call says why a page stayed. So each reason takes of what is left what it accounts for at
 * most, the certain ones first, and what none accounts for is told to be so. */
#include "evict/climb.h"

#include "kernel/settled.h"
#include "util/units.h"

#define FOLIO_MAX (2 * MIB) /* of files */

static uint64_t clean_bytes(int fd, uint64_t begin, uint64_t end)
{
    Residency residency;

    if (begin >= end || residency_of_range(fd, begin, end - begin, &residency) < 0)
        return 0;
    return sub_u64(residency.resident, residency.dirty + residency.writeback);
}

/* Resident clean bytes of the folios that reach over into the parts that stay. Folios begin at
 * multiples of their size, so that such a one ends within FOLIO_MAX of the border. */
static uint64_t beside(const Climb *climb)
{
    uint64_t bytes = 0, size = (uint64_t)climb->st.st_size;

    for (size_t i = 0; i <= climb->n_spared; i++) {
        EvictPart part = climb_part(climb, i);
        uint64_t head = part.begin, tail = part.end;

        if (part.begin % FOLIO_MAX != 0)
            head = min_u64(part.end, (part.begin / FOLIO_MAX + 1) * FOLIO_MAX);
        if (part.end < size)
            tail = max_u64(head, part.end / FOLIO_MAX * FOLIO_MAX);
        bytes += clean_bytes(climb->fd, part.begin, head) + clean_bytes(climb->fd, tail, part.end);
    }
    return bytes;
}

/* Bytes of what is to go that mappings lock. */
static uint64_t locked_by(const Climb *climb, const Mapper *mappers, size_t n)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t most = 0, end = mappers[i].offset + (mappers[i].end - mappers[i].begin);

        for (size_t k = 0; k <= climb->n_spared; k++) {
            EvictPart part = climb_part(climb, k);
            most += sub_u64(min_u64(end, part.end), max_u64(mappers[i].offset, part.begin));
        }
        bytes += min_u64(mappers[i].locked, most);
    }
    return bytes;
}

static uint64_t take(uint64_t *left, uint64_t bytes)
{
    uint64_t taken = min_u64(*left, bytes);

    *left -= taken;
    return taken;
}

/* Why what is left is. @all: there are no other mappers. */
void climb_explain(Climb *climb, bool may_write, const Mapper *mappers, size_t n, bool all)
{
    EvictOutcome *out = &climb->outcome;
    EvictLeft now = climb_left(&climb->now);
    uint64_t left = now.resident;

    out->after = left;
    out->has_dirty = now.has_dirty;
    if (left > 0 && file_is_in_memory_only(climb->fd))
        out->memory = take(&left, left);
    out->dirty = take(&left, now.dirty);
    if (left > 0)
        out->locked = take(&left, locked_by(climb, mappers, n));
    if (left > 0)
        out->beside = take(&left, beside(climb));
    if (n > 0)
        out->mapped = take(&left, left);
    if (left > 0 && !now.has_dirty && !may_write && !file_is_settled(climb->fd))
        out->unsure = take(&left, left);
    if (out->error != 0)
        *(out->error == -ECANCELED ? &out->interrupted : &out->refused) = take(&left, left);
    *(all ? &out->unknown : &out->unseen) = left;
}
