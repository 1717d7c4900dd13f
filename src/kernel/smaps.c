/* SPDX-License-Identifier: MIT */
/* smaps is a list of mappings, each a header line "7f00-7f10 r--s …" and then "Field: value" lines,
 * VmFlags last. `lo` there is VM_LOCKED. Header lines begin with an address, so that no file name
 * can pass for a field. */
#include "kernel/smaps.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/sysmacros.h>

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

static void parse_header(const char *line, SmapsMapping *ret)
{
    unsigned major = 0, minor = 0;
    char access[8] = "";

    *ret = (SmapsMapping){ 0 };
    sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %*x %x:%x %" SCNu64, &ret->begin, &ret->end, access,
           &major, &minor, &ret->ino);
    ret->dev = makedev(major, minor);
    ret->shared = strlen(access) == 4 && access[3] == 's';
}

static uint64_t parse_kib(const char *value)
{
    const char *p = value + strspn(value, " ");
    uint64_t kib;

    return text_take_u64(&p, p + strlen(p), &kib) < 0 ? 0 : kib * KIB;
}

int smaps_read(int proc_fd, pid_t pid,
               void (*on_mapping)(const SmapsMapping *mapping, void *userdata), void *userdata)
{
    char name[sizeof "/smaps" + 3 * sizeof pid];
    CLEANUP_FREE char *line = NULL;
    SmapsMapping mapping = { 0 };
    size_t capacity = 0;
    bool any = false;

    snprintf(name, sizeof name, "%" PRIdMAX "/smaps", (intmax_t)pid);
    int fd = openat(proc_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    CLEANUP_FCLOSE FILE *file = fdopen(fd, "re");
    if (!file) {
        safe_close(fd);
        return -ENOMEM;
    }

    while (errno = 0, getline(&line, &capacity, file) > 0) {
        any = true;
        if (strchr("0123456789abcdef", line[0])) {
            parse_header(line, &mapping);
        } else if (strncmp(line, "Rss:", 4) == 0) {
            mapping.rss = parse_kib(line + 4);
        } else if (strncmp(line, "Pss:", 4) == 0) {
            mapping.pss = parse_kib(line + 4);
        } else if (strncmp(line, "VmFlags:", 8) == 0) {
            mapping.locked = has_flag(line + 8, "lo");
            on_mapping(&mapping, userdata);
        }
    }
    if (ferror(file))
        return errno > 0 ? -errno : -EIO;
    return any ? 0 : -ESRCH; /* ended, but not yet waited for: no memory is left of it */
}
