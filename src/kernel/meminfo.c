/* SPDX-License-Identifier: MIT */
/* "Key:   12345 kB" lines; unknown keys and cut lines are skipped. Without MemAvailable (kernels
 * before 3.14, or a file that is not meminfo) nothing can be promised about the reserve, so that is
 * an error and not a 0. */
#include "kernel/meminfo.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "kernel/text.h"
#include "util/cleanup.h"
#include "util/io.h"
#include "util/units.h"

typedef struct Field {
    const char *key;
    size_t offset;
} Field;

/* The first three are required. */
#define N_REQUIRED 3
static const Field fields[] = {
    { "MemTotal:", offsetof(MemInfo, total) },
    { "MemFree:", offsetof(MemInfo, free) },
    { "MemAvailable:", offsetof(MemInfo, available) },
    { "Cached:", offsetof(MemInfo, cached) },
    { "Dirty:", offsetof(MemInfo, dirty) },
    { "Unevictable:", offsetof(MemInfo, unevictable) },
    { "Mlocked:", offsetof(MemInfo, mlocked) },
    { "SwapTotal:", offsetof(MemInfo, swap_total) },
    { "SwapFree:", offsetof(MemInfo, swap_free) },
};

/* The value of a line whose key ends at @p, in bytes. */
static int parse_value(const char *p, const char *end, uint64_t *ret)
{
    uint64_t kib;

    while (p < end && *p == ' ')
        p++;
    int r = text_take_u64(&p, end, &kib);
    if (r < 0)
        return r;
    if (end - p != 3 || memcmp(p, " kB", 3) != 0)
        return -EINVAL;
    return __builtin_mul_overflow(kib, KIB, ret) ? -ERANGE : 0;
}

int meminfo_parse(const char *text, MemInfo *ret)
{
    MemInfo info = { 0 };
    unsigned seen = 0;
    const char *line;
    ptrdiff_t length;

    while ((length = text_next_line(&text, &line)) >= 0)
        for (size_t i = 0; i < ELEMENTS(fields); i++) {
            size_t n = strlen(fields[i].key);
            uint64_t value;

            if ((size_t)length <= n || memcmp(line, fields[i].key, n) != 0)
                continue;
            if (parse_value(line + n, line + length, &value) < 0)
                break;
            memcpy((char *)&info + fields[i].offset, &value, sizeof value);
            seen |= 1u << i;
            break;
        }

    const unsigned required = (1u << N_REQUIRED) - 1;
    if ((seen & required) != required)
        return -EBADMSG;

    *ret = info;
    return 0;
}

int meminfo_read(int proc_fd, MemInfo *ret)
{
    char text[8192]; /* about 1.5 KiB in 6.12 */

    ssize_t n = read_file_at(proc_fd, "meminfo", text, sizeof text);
    if (n < 0)
        return (int)n;
    return meminfo_parse(text, ret);
}
