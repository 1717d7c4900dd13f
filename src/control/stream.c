/* SPDX-License-Identifier: MIT */
/* A descriptor's position is all that is known of what a process does with a file, and it is known
 * only now and then. So nothing is concluded from one look: what was in front of the position when
 * the file was found, and is behind it after some looks that all saw it further on, was passed.
 * Where it was found may have been anybody's, a position that never moves is that of pread(2) or of
 * nothing, and one that goes back is of a reader who may come back again. All of these are left to
 * memory.reclaim, which takes what is charged to the service, whoever read it how. */
#include "control/stream.h"

#include "util/parse.h"
#include "util/units.h"

/* Random accesses look like a stream once in two, twice in six, three times in 24. */
#define STRIDES_MIN 3

/* Where a fifth or less of a stretch was read, it was skipped through. */
#define SPARSE_SHARE 5

/* A look takes this share of one core at most: 4 %; 10 % where more than half of STREAM_MOST is
 * there, since looks come late on a machine that is busy. */
#define CPU_SHARE      25
#define CPU_SHARE_FULL 10

/* What comes in between two looks, at the rate of before. */
#define INFLOW      (8 * MIB)
#define INFLOW_FULL (2 * MIB)

/* It may have gone on between that its position was read and the size. */
static bool appends(const StreamSeen *seen)
{
    return seen->writes && add_u64(seen->position, STREAM_TAIL) >= seen->size;
}

StreamFile stream_found(const StreamSeen *seen)
{
    uint64_t position = min_u64(seen->position, seen->size);

    return (StreamFile){
        .hands = seen->hands,
        .position = position,
        /* Writing what others wrote loses nothing; dropping what others read would. */
        .written = seen->writes ? 0 : UINT64_MAX,
        .dropped = position,
        .appends = appends(seen),
    };
}

bool stream_spare(StreamFile *file, StreamSpan span)
{
    StreamSpan *last = file->n_spared > 0 ? &file->spared[file->n_spared - 1] : NULL;

    if (span.end <= file->dropped)
        return true;
    if (last && span.begin <= last->end)
        last->end = max_u64(last->end, span.end);
    else if (file->n_spared < STREAM_SPANS_MAX)
        file->spared[file->n_spared++] = span;
    else
        last->end = UINT64_MAX;
    return file->spared[file->n_spared - 1].end < UINT64_MAX;
}

StreamStep stream_see(StreamFile *file, const StreamSeen *seen)
{
    if (seen->hands != file->hands || seen->size < file->position)
        return STREAM_AGAIN;
    file->appends = appends(seen);
    if (seen->position > file->position) {
        file->strides++;
        file->position = min_u64(seen->position, seen->size);
    } else if (add_u64(seen->position, STREAM_TAIL) < file->position) {
        file->random = true;
    }
    return STREAM_ON;
}

/* Whole pages in between; false: too little. */
static bool stretch(uint64_t begin, uint64_t end, uint64_t page, StreamSpan *ret)
{
    begin = page_floor(add_u64(begin, page - 1), page);
    end = page_floor(end, page);
    if (sub_u64(end, begin) < STREAM_STEP)
        return false;
    *ret = (StreamSpan){ begin, end };
    return true;
}

bool stream_moves(const StreamFile *file)
{
    return !file->random && file->strides > 0;
}

static bool was_passed(const StreamFile *file)
{
    return !file->random && file->strides >= STRIDES_MIN;
}

/* Nothing is lost by writing too early, and what is appended is not written to again. */
bool stream_to_write(const StreamFile *file, uint64_t page, StreamSpan *ret)
{
    if (file->written == UINT64_MAX || file->random)
        return false;
    if (file->appends)
        return stretch(file->written, file->position, page, ret);
    return was_passed(file) &&
           stretch(file->written, sub_u64(file->position, STREAM_TAIL), page, ret);
}

bool stream_to_drop(const StreamFile *file, uint64_t page, StreamSpan *ret)
{
    return was_passed(file) &&
           stretch(file->dropped, sub_u64(file->position, STREAM_TAIL), page, ret);
}

bool stream_rest(const StreamFile *file, uint64_t end, uint64_t page, StreamSpan *ret)
{
    uint64_t begin = page_floor(add_u64(file->dropped, page - 1), page);

    if (!was_passed(file) || begin >= end)
        return false;
    *ret = (StreamSpan){ begin, end };
    return true;
}

bool stream_unspared(const StreamFile *file, StreamSpan span, StreamSpan *ret)
{
    for (size_t i = 0; i < file->n_spared; i++) {
        const StreamSpan *spared = &file->spared[i];

        if (spared->end <= span.begin)
            continue;
        if (spared->begin > span.begin) {
            *ret = (StreamSpan){ span.begin, min_u64(span.end, spared->begin) };
            return span.begin < span.end;
        }
        span.begin = spared->end;
    }
    *ret = span;
    return span.begin < span.end;
}

bool stream_is_sparse(StreamSpan span, uint64_t resident)
{
    return resident < (span.end - span.begin) / SPARSE_SHARE;
}

StreamCache stream_cache(const Sample *sample)
{
    return (StreamCache){
        .file = sample->active_file + sample->inactive_file,
        .mapped = sample->file_mapped,
        .dirty = sample->file_dirty + sample->file_writeback,
    };
}

uint64_t stream_clean(const StreamCache *cache)
{
    return sub_u64(cache->file, add_u64(cache->dirty, cache->mapped));
}

uint64_t stream_excess(const StreamCache *cache)
{
    uint64_t excess = sub_u64(stream_clean(cache), STREAM_KEEP);

    return excess < STREAM_STEP ? 0 : excess;
}

StreamSpan stream_within(StreamSpan span, uint64_t budget, uint64_t unit)
{
    if (span.end - span.begin > budget)
        span.end = max_u64(span.begin, page_floor(span.begin + budget, unit));
    return span;
}

void stream_budget_earn(StreamBudget *budget, uint64_t rate, uint64_t elapsed_usec)
{
    uint64_t comes = mul_u64(rate, elapsed_usec) / USEC_PER_SEC;
    uint64_t most = max_u64(rate, 2 * STREAM_FOLIO_MAX);

    budget->write = min_u64(add_u64(budget->write, comes), most);
    budget->drop = min_u64(add_u64(budget->drop, comes), most);
    budget->reclaim = min_u64(add_u64(budget->reclaim, comes), most);
}

void stream_budget_spend(StreamBudget *budget, const StreamBudget *spent)
{
    budget->write = sub_u64(budget->write, spent->write);
    budget->drop = sub_u64(budget->drop, spent->drop);
    budget->reclaim = sub_u64(budget->reclaim, spent->reclaim);
}

uint64_t stream_reclaim_within(uint64_t excess, const StreamBudget *budget)
{
    return min_u64(excess, page_floor(budget->reclaim, STREAM_FOLIO_MAX));
}

static uint64_t time_for_inflow(const StreamPace *pace, uint64_t inflow)
{
    if (pace->passed == 0)
        return STREAM_LOOK_MAX_USEC;
    return (uint64_t)((double)inflow * (double)pace->usec / (double)pace->passed);
}

/* By the faster of two looks, since a stream that waited for its disk goes on as before; and by the
 * cheaper, since one alone may have been counted what others took of the processor. */
uint64_t stream_interval(const StreamPace *now, const StreamPace *before)
{
    bool full = now->left > STREAM_MOST / 2;
    uint64_t inflow = full ? INFLOW_FULL : INFLOW;
    uint64_t next = min_u64(time_for_inflow(now, inflow), time_for_inflow(before, inflow));

    next = min_u64(max_u64(next, STREAM_LOOK_MIN_USEC), STREAM_LOOK_MAX_USEC);
    return max_u64(
        next, mul_u64(min_u64(now->cpu_usec, before->cpu_usec), full ? CPU_SHARE_FULL : CPU_SHARE));
}
