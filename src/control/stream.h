/* SPDX-License-Identifier: MIT */
#pragma once

/* What decides about a service that reads or writes once and never again: which part of a file it
 * has passed, how much of its page cache is to be reclaimed, and when to look next. Pure. Bytes. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/sample.h"

/* Stays behind a position: headers are read again, and no folio of files is larger. */
#define STREAM_TAIL (UINT64_C(2) << 20)
/* Less than this is not worth a call; a file that is smaller is not followed. */
#define STREAM_STEP (UINT64_C(4) << 20)

typedef struct StreamSpan {
    uint64_t begin, end;
} StreamSpan;

/* Of what was in memory before. A file with more of them is spared from the last one on. */
#define STREAM_SPANS_MAX 16

/* One file that the service has open, as it was found and as it went on. */
typedef struct StreamFile {
    uint64_t hands;    /* which descriptors lead to it: another number is other ones */
    uint64_t position; /* of the one that is furthest behind */
    uint64_t written;  /* all before was asked to be written */
    uint64_t dropped;  /* all before is gone, or stays */
    unsigned strides;  /* looks since it was found that saw it further on */
    bool random;       /* it went back: what is behind may be read again */
    bool appends;      /* it writes at the end of the file */
    StreamSpan spared[STREAM_SPANS_MAX]; /* rising, apart */
    size_t n_spared;
} StreamFile;

/* What one look sees of it. */
typedef struct StreamSeen {
    uint64_t hands;
    uint64_t position;
    uint64_t size;
    bool writes; /* one of the descriptors may */
} StreamSeen;

/* Begins to follow a file; what is in memory now is to be told by stream_spare(). */
StreamFile stream_found(const StreamSeen *seen);

/* Resident spans in front of the position, rising. False: no more of them need be told, since all
 * that follows is spared. */
bool stream_spare(StreamFile *file, StreamSpan span);

typedef enum StreamStep {
    STREAM_ON,    /* follow it: stream_to_write(), stream_to_drop() */
    STREAM_AGAIN, /* it is to be found anew: other descriptors, or it was truncated */
} StreamStep;

/* Takes in what a look sees. */
StreamStep stream_see(StreamFile *file, const StreamSeen *seen);

/* It goes on, so that something may be dropped soon. */
bool stream_moves(const StreamFile *file);

/* What is to be written to the disk, and what to be dropped: whole pages behind the position;
 * false: nothing. */
bool stream_to_write(const StreamFile *file, uint64_t page, StreamSpan *ret);
bool stream_to_drop(const StreamFile *file, uint64_t page, StreamSpan *ret);

/* Once it is closed: all that was passed, and was read on from where it was seen last, up to @end;
 * false: it was no stream. */
bool stream_rest(const StreamFile *file, uint64_t end, uint64_t page, StreamSpan *ret);

/* The first part of @span that is not spared; false: there is none. */
bool stream_unspared(const StreamFile *file, StreamSpan span, StreamSpan *ret);

/* Whether @resident bytes of @span are those of a reader that skips. What it reads is little, and
 * may be an index: it is passed over. */
bool stream_is_sparse(StreamSpan span, uint64_t resident);

/* What a stream may have of page cache, clean and not mapped. */
#define STREAM_MOST (UINT64_C(64) << 20)

/* What can have been read on of a file between the last look that saw it open and that it was
 * closed: what is further on, others have read. */
#define STREAM_READ_ON STREAM_MOST

/* What stays of a stream's page cache: what it has read ahead and not used yet, and as much again
 * for what it reads over and over, such as folders. */
#define STREAM_KEEP (UINT64_C(16) << 20)

/* The page cache that is charged to the service. */
typedef struct StreamCache {
    uint64_t file;   /* on the lists of reclaim */
    uint64_t mapped; /* by processes: its programs, their libraries */
    uint64_t dirty;  /* or on the way to the disk */
} StreamCache;

StreamCache stream_cache(const Sample *sample);

/* What could be dropped. */
uint64_t stream_clean(const StreamCache *cache);

/* To be reclaimed; 0: nothing, until it is worth it. Not what is dirty: that nobody can take. */
uint64_t stream_excess(const StreamCache *cache);

/* What a look tells of the next. */
typedef struct StreamPace {
    uint64_t passed;   /* since the look before: read, written, dropped */
    uint64_t usec;     /* in so much time */
    uint64_t cpu_usec; /* that this look took, without what it dropped */
    uint64_t left;     /* of its page cache, that could be dropped, behind this look */
} StreamPace;

#define STREAM_LOOK_MIN_USEC UINT64_C(10000)
#define STREAM_LOOK_MAX_USEC UINT64_C(100000)

/* From the beginning of the look @now, the one @before it known, to that of the next. */
uint64_t stream_interval(const StreamPace *now, const StreamPace *before);

/* Pages of a file that the kernel keeps together, and that are dropped together or not at all, have
 * so many bytes at most. */
#define STREAM_FOLIO_MAX (UINT64_C(2) << 20)

/* @span, which begins with a page, as far as @budget goes, bytes: all of it, or to a multiple of
 * @unit: a page, or STREAM_FOLIO_MAX, where no folio goes on. Empty: until there is more, nothing.
 */
StreamSpan stream_within(StreamSpan span, uint64_t budget, uint64_t unit);

/* What a rate leaves to be done, bytes: of each by itself, since what is written is to be dropped,
 * too. */
typedef struct StreamBudget {
    uint64_t write, drop, reclaim;
} StreamBudget;

/* What comes in @elapsed_usec at @rate, bytes per second. Never more than a second's is there, but
 * enough for two folios. */
void stream_budget_earn(StreamBudget *budget, uint64_t rate, uint64_t elapsed_usec);
void stream_budget_spend(StreamBudget *budget, const StreamBudget *spent);

/* Of @excess, to be reclaimed now: 0 until the budget is a folio's. */
uint64_t stream_reclaim_within(uint64_t excess, const StreamBudget *budget);

/* What may be on its way to the disk, of one file: enough for any disk not to pause between two
 * looks, and no more than its queue takes without making those wait who come next. */
#define STREAM_IN_FLIGHT (UINT64_C(32) << 20)
