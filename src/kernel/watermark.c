/* SPDX-License-Identifier: MIT */
#include "kernel/watermark.h"

#include <string.h>

#include "util/io.h"
#include "util/parse.h"
#include "util/units.h"

static int read_number_at(int dir_fd, const char *name, uint64_t *ret)
{
    char text[32];

    ssize_t n = read_file_at(dir_fd, name, text, sizeof text);
    if (n < 0)
        return (int)n;
    text[strcspn(text, "\n")] = '\0';
    return parse_u64(text, ret);
}

uint64_t watermark_low(int proc_fd, uint64_t total)
{
    uint64_t kib = 0, scale = 10;

    if (read_number_at(proc_fd, "sys/vm/min_free_kbytes", &kib) < 0)
        return total / 32;
    (void)read_number_at(proc_fd, "sys/vm/watermark_scale_factor", &scale);
    return add_u64(mul_u64(kib, KIB),
                   max_u64(mul_u64(kib, KIB) / 4, mul_u64(total / 10000, scale)));
}
