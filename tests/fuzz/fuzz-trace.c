/* SPDX-License-Identifier: MIT */
/* A trace of any bytes is read, or refused with words; what is read is written and read again as
 * the same. */
#include <stdio.h>
#include <string.h>

#include "cli/trace.h"
#include "fuzz/fuzz.h"
#include "util/cleanup.h"

#define ROWS_MAX 64

/* How many rows there are, at most ROWS_MAX, or the error. */
static int read_all(const void *data, size_t size, TraceRow *rows)
{
    TraceReader reader = { .in = fmemopen((void *)data, size, "r") };
    int n = 0;

    must_hold(reader.in != NULL);
    int r = trace_read_head(&reader);
    while (r >= 0 && n < ROWS_MAX && (r = trace_read(&reader, &rows[n])) > 0)
        n++;
    must_hold(r != -EBADMSG || (reader.error && reader.line_number <= size + 1));
    trace_reader_clear(&reader);
    fclose(reader.in);
    return r < 0 ? r : n;
}

static char *write_all(const TraceRow *rows, int n, size_t *ret_size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_size);

    must_hold(out && trace_write_head(out) == 0);
    for (int i = 0; i < n; i++)
        must_hold(trace_write(out, &rows[i]) == 0);
    must_hold(fclose(out) == 0);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static TraceRow rows[ROWS_MAX], again[ROWS_MAX];
    size_t length, length_again;

    if (size == 0)
        return 0;
    int n = read_all(data, size, rows);
    if (n < 0)
        return 0;
    CLEANUP_FREE char *text = write_all(rows, n, &length);
    must_hold(read_all(text, length, again) == n);
    /* As text, because what is not known is not written. */
    CLEANUP_FREE char *copy = write_all(again, n, &length_again);
    must_hold(length == length_again && memcmp(text, copy, length) == 0);
    return 0;
}
