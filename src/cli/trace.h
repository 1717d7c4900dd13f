/* SPDX-License-Identifier: MIT */
#pragma once

/* What `record` writes and `simulate` reads: one sample a line, as text, and what the host had. */

#include <stdio.h>

#include "control/sample.h"

typedef struct TraceRow {
    Sample sample;
    /* Of /proc/meminfo, bytes; TRACE_UNKNOWN: it could not be read, or the trace has none. */
    uint64_t host_total, host_available, host_swap_free;
} TraceRow;

#define TRACE_UNKNOWN UINT64_MAX

/* Two lines: what it is, and the names of the columns. 0, or -EIO. */
int trace_write_head(FILE *out);

/* One line, flushed: whoever ends us has all that was seen. 0, or -EIO. */
int trace_write(FILE *out, const TraceRow *row);

#define TRACE_COLUMNS_MAX 64

typedef struct TraceReader {
    FILE *in;
    char *line;
    size_t line_size;
    size_t line_number;                /* of what was read last, from 1 */
    size_t columns[TRACE_COLUMNS_MAX]; /* the field of each; SIZE_MAX: not known to us */
    size_t n_columns;
    const char *error; /* what is wrong with the line, for people */
} TraceReader;

/* Takes any order of columns, and passes over those that it does not know. 0; -EBADMSG with
 * reader->error; -EIO, -ENOMEM. */
int trace_read_head(TraceReader *reader);

/* 1: *ret is the next line; 0: there is none; errors as above. Empty lines and those that begin
 * with # are passed over. */
int trace_read(TraceReader *reader, TraceRow *ret);

void trace_reader_clear(TraceReader *reader);
