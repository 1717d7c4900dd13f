/* SPDX-License-Identifier: MIT */
/* A line is numbers with spaces between them, in the order that the head names: columns can be
 * added and left out, and a trace can be made by hand or by awk. "max" is no limit, "-" is what is
 * not known: pressure, and what the host has. What a floor is computed from must be there: a
 * missing byte count is not 0. */
#include "cli/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/parse.h"
#include "util/units.h"

#define MAGIC "# pagewarden trace 1"

typedef enum FieldKind {
    FIELD_NUMBER,
    FIELD_LIMIT, /* may be "max" */
    FIELD_MEMORY_PSI,
    FIELD_IO_PSI,
    FIELD_HOST, /* may be TRACE_UNKNOWN */
} FieldKind;

typedef struct TraceField {
    const char *name;
    size_t offset;
    FieldKind kind;
    bool required;
} TraceField;

#define NUMBER(member, required)                                  \
    {                                                             \
#member, offsetof(Sample, member), FIELD_NUMBER, required \
    }
#define LIMIT(member)                                         \
    {                                                         \
#member, offsetof(Sample, member), FIELD_LIMIT, false \
    }

#define HOST(member)                                           \
    {                                                          \
#member, offsetof(TraceRow, member), FIELD_HOST, false \
    }

/* The sample is the beginning of a row. */
_Static_assert(offsetof(TraceRow, sample) == 0, "its offsets are those of a row");

static const TraceField fields[] = {
    NUMBER(at_usec, true),
    NUMBER(page, true),
    NUMBER(current, true),
    NUMBER(min, false),
    LIMIT(high),
    LIMIT(max),
    NUMBER(swap_current, false),
    LIMIT(swap_max),
    NUMBER(anon, true),
    NUMBER(file, true),
    NUMBER(active_anon, false),
    NUMBER(inactive_anon, false),
    NUMBER(active_file, true),
    NUMBER(inactive_file, true),
    NUMBER(unevictable, true),
    NUMBER(file_mapped, false),
    NUMBER(file_dirty, false),
    NUMBER(file_writeback, false),
    NUMBER(shmem, true),
    NUMBER(slab_reclaimable, false),
    NUMBER(slab_unreclaimable, true),
    NUMBER(kernel, false),
    NUMBER(pgscan, true),
    NUMBER(pgsteal, true),
    NUMBER(pgmajfault, false),
    NUMBER(refault_anon, false),
    NUMBER(refault_file, true),
    NUMBER(activate_file, false),
    NUMBER(events_high, false),
    NUMBER(events_max, false),
    NUMBER(events_oom_kill, false),
    { "memory_some_usec", offsetof(Sample, memory_psi.some_usec), FIELD_MEMORY_PSI, true },
    { "memory_full_usec", offsetof(Sample, memory_psi.full_usec), FIELD_MEMORY_PSI, true },
    { "io_some_usec", offsetof(Sample, io_psi.some_usec), FIELD_IO_PSI, false },
    { "io_full_usec", offsetof(Sample, io_psi.full_usec), FIELD_IO_PSI, false },
    HOST(host_total),
    HOST(host_available),
    HOST(host_swap_free),
};

#define UNKNOWN SIZE_MAX

static bool is_known(const TraceField *field, const TraceRow *row, uint64_t value)
{
    switch (field->kind) {
    case FIELD_NUMBER:
    case FIELD_LIMIT:
        break;
    case FIELD_MEMORY_PSI:
        return row->sample.memory_psi.valid;
    case FIELD_IO_PSI:
        return row->sample.io_psi.valid;
    case FIELD_HOST:
        return value != TRACE_UNKNOWN;
    }
    return true;
}

int trace_write_head(FILE *out)
{
    fputs(MAGIC "\n", out);
    for (size_t i = 0; i < ELEMENTS(fields); i++)
        fprintf(out, "%s%s", i > 0 ? " " : "", fields[i].name);
    fputc('\n', out);
    return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}

int trace_write(FILE *out, const TraceRow *row)
{
    for (size_t i = 0; i < ELEMENTS(fields); i++) {
        const TraceField *field = &fields[i];
        uint64_t value;

        memcpy(&value, (const char *)row + field->offset, sizeof value);
        if (i > 0)
            fputc(' ', out);
        if (!is_known(field, row, value))
            fputc('-', out);
        else if (field->kind == FIELD_LIMIT && value == LIMIT_NONE)
            fputs("max", out);
        else
            fprintf(out, "%" PRIu64, value);
    }
    fputc('\n', out);
    return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}

static int bad(TraceReader *reader, const char *error)
{
    reader->error = error;
    return -EBADMSG;
}

/* Without its break. 1, 0 at the end. */
static int read_line(TraceReader *reader)
{
    errno = 0;
    ssize_t n = getline(&reader->line, &reader->line_size, reader->in);
    if (n < 0)
        return errno == ENOMEM ? -ENOMEM : ferror(reader->in) ? -EIO : 0;

    reader->line_number++;
    if ((size_t)n != strlen(reader->line))
        return bad(reader, "no text");
    reader->line[strcspn(reader->line, "\r\n")] = '\0';
    return 1;
}

static size_t find_field(const char *name)
{
    for (size_t i = 0; i < ELEMENTS(fields); i++)
        if (strcmp(fields[i].name, name) == 0)
            return i;
    return UNKNOWN;
}

int trace_read_head(TraceReader *reader)
{
    bool seen[ELEMENTS(fields)] = { false };

    int r = read_line(reader);
    if (r < 0)
        return r;
    if (r == 0 || strcmp(reader->line, MAGIC) != 0)
        return bad(reader, "not a trace (it would begin with \"" MAGIC "\")");
    r = read_line(reader);
    if (r <= 0)
        return r < 0 ? r : bad(reader, "no names of columns");

    char *rest = reader->line;
    for (char *name; (name = strsep(&rest, " "));) {
        if (!*name)
            continue;
        if (reader->n_columns == TRACE_COLUMNS_MAX)
            return bad(reader, "too many columns");
        size_t field = find_field(name);
        if (field != UNKNOWN && seen[field])
            return bad(reader, "a column twice");
        if (field != UNKNOWN)
            seen[field] = true;
        reader->columns[reader->n_columns++] = field;
    }
    for (size_t i = 0; i < ELEMENTS(fields); i++)
        if (fields[i].required && !seen[i])
            return bad(reader, "a column that the laws need is missing (see pagewarden(1))");
    return 0;
}

static int take_value(TraceReader *reader, const TraceField *field, const char *text, TraceRow *row)
{
    uint64_t value = 0;

    if (strcmp(text, "-") == 0 && field->kind == FIELD_MEMORY_PSI)
        row->sample.memory_psi.valid = false;
    else if (strcmp(text, "-") == 0 && field->kind == FIELD_IO_PSI)
        row->sample.io_psi.valid = false;
    else if (strcmp(text, "-") == 0 && field->kind == FIELD_HOST)
        value = TRACE_UNKNOWN;
    else if (strcmp(text, "max") == 0 && field->kind == FIELD_LIMIT)
        value = LIMIT_NONE;
    else if (parse_u64(text, &value) < 0)
        return bad(reader, "not a number");
    memcpy((char *)row + field->offset, &value, sizeof value);
    return 0;
}

static int take_line(TraceReader *reader, TraceRow *ret)
{
    TraceRow row = {
        .sample = { .high = LIMIT_NONE,
                    .max = LIMIT_NONE,
                    .memory_psi.valid = true,
                    .io_psi.valid = true },
        .host_total = TRACE_UNKNOWN,
        .host_available = TRACE_UNKNOWN,
        .host_swap_free = TRACE_UNKNOWN,
    };
    char *rest = reader->line;
    size_t n = 0;

    for (char *text; (text = strsep(&rest, " "));) {
        if (!*text)
            continue;
        if (n == reader->n_columns)
            return bad(reader, "more numbers than columns");
        size_t field = reader->columns[n++];
        int r = field == UNKNOWN ? 0 : take_value(reader, &fields[field], text, &row);
        if (r < 0)
            return r;
    }
    if (n < reader->n_columns)
        return bad(reader, "fewer numbers than columns");
    *ret = row;
    return 1;
}

int trace_read(TraceReader *reader, TraceRow *ret)
{
    int r;

    do
        r = read_line(reader);
    while (r > 0 && (reader->line[0] == '\0' || reader->line[0] == '#'));
    return r <= 0 ? r : take_line(reader, ret);
}

void trace_reader_clear(TraceReader *reader)
{
    free(TAKE_PTR(reader->line));
}
