/* SPDX-License-Identifier: MIT */
/* smaps is a list of mappings, each a header line "7f00-7f10 r--s …" and then "Field: value" lines,
 * VmFlags last. `lo` there is VM_LOCKED. Rss counts the pages that the page tables hold, also of a
 * mapping that became PROT_NONE after it was locked. */
#include "kernel/locked.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "kernel/text.h"
#include "util/cleanup.h"
#include "util/units.h"

static bool has_flag(const char *flags, const char *flag)
{
    for (const char *p = flags; (p = strstr(p, flag)); p++)
        if (p[-1] == ' ' && (p[2] == ' ' || p[2] == '\n'))
            return true;
    return false;
}

/* "7f00-7f10 r--s …" */
static bool is_shared(const char *header)
{
    const char *access = strchr(header, ' ');

    return access && strlen(access) > 4 && access[4] == 's';
}

static uint64_t parse_kib(const char *value)
{
    const char *p = value + strspn(value, " ");
    uint64_t kib;

    return text_take_u64(&p, p + strlen(p), &kib) < 0 ? 0 : kib;
}

int locked_bytes(int proc_fd, pid_t pid, uint64_t *ret)
{
    char name[sizeof "/smaps" + 3 * sizeof pid];
    CLEANUP_FREE char *line = NULL;
    size_t capacity = 0;
    uint64_t rss = 0, locked = 0;
    bool any = false, shared = false;

    snprintf(name, sizeof name, "%" PRIdMAX "/smaps", (intmax_t)pid);
    int fd = openat(proc_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    CLEANUP_FCLOSE FILE *file = fdopen(fd, "re");
    if (!file) {
        safe_close(fd);
        return -ENOMEM;
    }

    /* Header lines begin with an address, so that no file name can pass for a field. */
    while (errno = 0, getline(&line, &capacity, file) > 0) {
        any = true;
        if (strchr("0123456789abcdef", line[0]))
            shared = is_shared(line);
        else if (strncmp(line, "Rss:", 4) == 0)
            rss = parse_kib(line + 4);
        else if (strncmp(line, "VmFlags:", 8) == 0 && shared && has_flag(line + 8, "lo"))
            locked += rss * KIB;
    }
    if (ferror(file))
        return errno > 0 ? -errno : -EIO;
    if (!any) /* ended, but not yet waited for: no memory is left of it */
        return -ESRCH;

    *ret = locked;
    return 0;
}
