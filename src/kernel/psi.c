/* SPDX-License-Identifier: MIT */
/* Two lines, "some" and "full". What counts is `total`, which only grows; the averages are for
 * people, smoothed over 10 s and late by up to 2 s. */
#include "kernel/psi.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel/text.h"
#include "util/cleanup.h"
#include "util/io.h"

/* "KEY=" at *p, which is moved behind it. */
static bool take_key(const char **p, const char *end, const char *key)
{
    size_t n = strlen(key);

    if ((size_t)(end - *p) < n || memcmp(*p, key, n) != 0)
        return false;
    *p += n;
    return true;
}

/* "12.34", not by strtod(): its decimal point is the locale's. */
static int take_percent(const char **p, const char *end, double *ret)
{
    uint64_t whole, hundredths;

    int r = text_take_u64(p, end, &whole);
    if (r < 0)
        return r;
    if (!take_key(p, end, "."))
        return -EINVAL;
    const char *fraction = *p;
    r = text_take_u64(p, end, &hundredths);
    if (r < 0)
        return r;
    if (*p - fraction != 2)
        return -EINVAL;

    *ret = (double)whole + (double)hundredths / 100;
    return 0;
}

/* "avg10=0.12 avg60=0.00 avg300=0.00 total=12345" */
static int parse_line(const char *p, const char *end, double *ret_avg10, uint64_t *ret_total)
{
    double avg10, other;
    uint64_t total;

    if (!take_key(&p, end, "avg10=") || take_percent(&p, end, &avg10) < 0 ||
        !take_key(&p, end, " avg60=") || take_percent(&p, end, &other) < 0 ||
        !take_key(&p, end, " avg300=") || take_percent(&p, end, &other) < 0 ||
        !take_key(&p, end, " total=") || text_take_u64(&p, end, &total) < 0 || p != end)
        return -EBADMSG;

    *ret_avg10 = avg10;
    *ret_total = total;
    return 0;
}

int psi_parse(const char *text, PsiTotals *ret)
{
    PsiTotals totals = { 0 };
    const char *line;
    ptrdiff_t length;

    while ((length = text_next_line(&text, &line)) >= 0) {
        const char *p = line, *end = line + length;
        int r = 0;

        if (take_key(&p, end, "some ")) {
            r = parse_line(p, end, &totals.some_avg10, &totals.some_usec);
            totals.valid = r >= 0;
        } else if (take_key(&p, end, "full ")) {
            r = parse_line(p, end, &totals.full_avg10, &totals.full_usec);
        }
        if (r < 0)
            return r;
    }
    if (!totals.valid)
        return -EBADMSG;

    *ret = totals;
    return 0;
}

int psi_read_host(int proc_fd, PsiTotals *ret)
{
    char text[512];

    ssize_t n = read_file_at(proc_fd, PSI_HOST_MEMORY, text, sizeof text);
    return n < 0 ? (int)n : psi_parse(text, ret);
}

int psi_probe(int proc_fd)
{
    PsiTotals totals;

    /* With psi=0 the file is there and its read answers EOPNOTSUPP. */
    return psi_read_host(proc_fd, &totals) < 0 ? -EOPNOTSUPP : 0;
}

int psi_arm(int dir_fd, const char *name, uint64_t stall_usec, uint64_t window_usec)
{
    char trigger[64];

    CLEANUP_CLOSE int fd = openat(dir_fd, name, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    /* The kernel overwrites the last byte by a NUL, so one is sent along. */
    int n = snprintf(trigger, sizeof trigger, "some %" PRIu64 " %" PRIu64, stall_usec, window_usec);
    if (write(fd, trigger, (size_t)n + 1) < 0)
        return -errno;
    return TAKE_FD(fd);
}
