/* SPDX-License-Identifier: MIT */
/* "key value" lines of memory.stat and memory.events, Documentation/admin-guide/cgroup-v2.rst. Each
 * kernel knows more keys than the last; unknown ones are skipped. A byte count that is missing, cut
 * off or beyond 64 bits must not become 0: a floor computed from it would be too low, and a
 * memory.high under what cannot be reclaimed stalls the service for good. So those are required;
 * counters are not. */
#include "kernel/memstat.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "kernel/text.h"
#include "util/cleanup.h"

typedef struct Field {
    const char *key;
    size_t length;
    size_t offset;
} Field;

#define FIELD(key, member)                             \
    {                                                  \
        key, sizeof(key) - 1, offsetof(Sample, member) \
    }

/* The first N_REQUIRED are in every kernel that has cgroup v2's memory controller. */
#define N_REQUIRED 10
static const Field fields[] = {
    FIELD("anon", anon),
    FIELD("file", file),
    FIELD("active_file", active_file),
    FIELD("inactive_file", inactive_file),
    FIELD("unevictable", unevictable),
    FIELD("file_mapped", file_mapped),
    FIELD("file_dirty", file_dirty),
    FIELD("file_writeback", file_writeback),
    FIELD("shmem", shmem),
    FIELD("slab_unreclaimable", slab_unreclaimable),
    FIELD("kernel", kernel), /* from 5.18 */
    FIELD("pgscan", pgscan),
    FIELD("pgsteal", pgsteal),
    FIELD("pgmajfault", pgmajfault),
    FIELD("workingset_refault_anon", refault_anon), /* from 5.9, as the next */
    FIELD("workingset_refault_file", refault_file),
    FIELD("workingset_activate_file", activate_file),
    FIELD("active_anon", active_anon),
    FIELD("inactive_anon", inactive_anon),
    FIELD("slab_reclaimable", slab_reclaimable),
};

static const Field event_fields[] = {
    FIELD("high", events_high),
    FIELD("max", events_max),
    FIELD("oom_kill", events_oom_kill),
};
#define N_REQUIRED_EVENTS 1

static const Field *find_field(const Field *known, size_t n, const char *key, size_t length)
{
    for (size_t i = 0; i < n; i++)
        if (known[i].length == length && memcmp(known[i].key, key, length) == 0)
            return &known[i];
    return NULL;
}

/* The first @n_required of @known must be there; the others are 0 where they are not. */
static int parse_keys(const Field *known, size_t n, size_t n_required, const char *text,
                      Sample *sample)
{
    Sample read = *sample;
    unsigned seen = 0;
    const char *line;
    ptrdiff_t length;

    for (size_t i = n_required; i < n; i++)
        memset((char *)&read + known[i].offset, 0, sizeof(uint64_t));

    while ((length = text_next_line(&text, &line)) >= 0) {
        const char *end = line + length;
        const char *space = memchr(line, ' ', (size_t)length);
        const Field *field = space ? find_field(known, n, line, (size_t)(space - line)) : NULL;
        uint64_t value;

        if (!field)
            continue;
        const char *p = space + 1;
        if (text_take_u64(&p, end, &value) < 0 || p != end)
            continue;
        memcpy((char *)&read + field->offset, &value, sizeof value);
        seen |= 1u << (field - known);
    }

    const unsigned required = (1u << n_required) - 1;
    if ((seen & required) != required)
        return -EBADMSG;

    *sample = read;
    return 0;
}

int memstat_parse(const char *text, Sample *sample)
{
    return parse_keys(fields, ELEMENTS(fields), N_REQUIRED, text, sample);
}

int memory_events_parse(const char *text, Sample *sample)
{
    return parse_keys(event_fields, ELEMENTS(event_fields), N_REQUIRED_EVENTS, text, sample);
}
