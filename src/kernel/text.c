/* SPDX-License-Identifier: MIT */
/* Fields of /proc and cgroup files are ASCII, one fact a line. Nothing here allocates or copies,
 * and nothing depends on the locale, as strtoul() and strtod() would. */
#include "kernel/text.h"

#include <errno.h>
#include <string.h>

ptrdiff_t text_next_line(const char **text, const char **ret_line)
{
    const char *end = strchr(*text, '\n');
    if (!end)
        return -1;

    *ret_line = *text;
    *text = end + 1;
    return end - *ret_line;
}

int text_take_u64(const char **p, const char *end, uint64_t *ret)
{
    const char *s = *p;
    uint64_t value = 0;

    if (s >= end || *s < '0' || *s > '9')
        return -EINVAL;
    for (; s < end && *s >= '0' && *s <= '9'; s++)
        if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)(*s - '0'), &value))
            return -ERANGE;

    *p = s;
    *ret = value;
    return 0;
}

bool text_cut_deleted(char *path)
{
    static const char mark[] = " (deleted)";
    size_t length = strlen(path), suffix = strlen(mark);

    if (length <= suffix || strcmp(path + length - suffix, mark) != 0)
        return false;
    path[length - suffix] = '\0';
    return true;
}
