/* SPDX-License-Identifier: MIT */
#include "kernel/vmstat.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "kernel/text.h"
#include "util/cleanup.h"
#include "util/io.h"
#include "util/units.h"

/* Not pgsteal_proactive, which somebody asked for. */
static const char *const keys[] = { "pgsteal_kswapd ", "pgsteal_direct ", "pgsteal_khugepaged " };

#define VMSTAT_TEXT_MAX 32768 /* 6 KiB in 6.12 */

int vmstat_parse_steals(const char *text, uint64_t *ret)
{
    uint64_t sum = 0, value;
    bool seen = false;
    const char *line;
    ptrdiff_t length;

    while ((length = text_next_line(&text, &line)) >= 0)
        for (size_t i = 0; i < ELEMENTS(keys); i++) {
            size_t n = strlen(keys[i]);
            const char *p = line + n;
            if ((size_t)length <= n || memcmp(line, keys[i], n) != 0 ||
                text_take_u64(&p, line + length, &value) < 0)
                continue;
            sum = add_u64(sum, value);
            seen = true;
        }
    if (!seen)
        return -EBADMSG;
    *ret = sum;
    return 0;
}

int vmstat_read_steals(int proc_fd, uint64_t *ret)
{
    char text[VMSTAT_TEXT_MAX];

    ssize_t n = read_file_at(proc_fd, "vmstat", text, sizeof text);
    return n < 0 ? (int)n : vmstat_parse_steals(text, ret);
}
