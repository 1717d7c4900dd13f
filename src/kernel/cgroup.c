/* SPDX-License-Identifier: MIT */
/* A Cgroup keeps its folder and the files that are sampled open, so that a sample is a pread() of
 * each and nothing else: no path is looked up again, and a group that is removed and made anew
 * under the same name is not mistaken for the old one.
 *
 * Surprises: a removed group's files answer ENODEV, and its folder ENOENT for every name. A
 * pressure file that `cgroup.pressure=0` hides answers ENODEV as well, while the group lives: so
 * only memory.stat decides whether the group is gone. The root group has memory.stat and pressure
 * files, and neither memory.current nor limits. */
#include "kernel/cgroup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel/meminfo.h"
#include "kernel/memstat.h"
#include "kernel/psi.h"
#include "kernel/text.h"
#include "util/io.h"
#include "util/units.h"

typedef enum CgroupFile {
    FILE_CURRENT,
    FILE_STAT,
    FILE_EVENTS,
    FILE_MIN,
    FILE_HIGH,
    FILE_MAX,
    FILE_SWAP_CURRENT,
    FILE_SWAP_MAX,
    FILE_MEMORY_PRESSURE,
    FILE_IO_PRESSURE,
    _FILE_COUNT,
} CgroupFile;

static const char *const file_names[_FILE_COUNT] = {
    [FILE_CURRENT] = "memory.current",
    [FILE_STAT] = "memory.stat",
    [FILE_EVENTS] = "memory.events",
    [FILE_MIN] = "memory.min",
    [FILE_HIGH] = "memory.high",
    [FILE_MAX] = "memory.max",
    [FILE_SWAP_CURRENT] = "memory.swap.current", /* these two only where the kernel can swap */
    [FILE_SWAP_MAX] = "memory.swap.max",
    [FILE_MEMORY_PRESSURE] = "memory.pressure",
    [FILE_IO_PRESSURE] = "io.pressure",
};

struct Cgroup {
    int dir_fd;
    int fds[_FILE_COUNT]; /* -1: the group has no such file */
    uint64_t id;
    uint64_t page; /* bytes */
    bool is_root;
};

#define STAT_TEXT_MAX  16384 /* memory.stat: 1.5 KiB in 6.12 */
#define SMALL_TEXT_MAX 1024  /* memory.events, pressure: under 200 bytes */

int cgroup_root_check(int root_fd)
{
    char text[SMALL_TEXT_MAX];

    if (read_file_at(root_fd, "cgroup.controllers", text, sizeof text) < 0)
        return -ENOTSUP;

    char *rest = text;
    for (char *name; (name = strsep(&rest, " \n"));)
        if (strcmp(name, "memory") == 0)
            return 0;
    return -ENOTSUP;
}

static bool has_dot_dot(const char *path)
{
    for (const char *p = path; (p = strstr(p, "..")); p += 2)
        if ((p == path || p[-1] == '/') && (p[2] == '\0' || p[2] == '/'))
            return true;
    return false;
}

bool cgroup_path_is_valid(const char *path)
{
    return path[0] == '/' && !has_dot_dot(path);
}

int cgroup_open(int root_fd, const char *path, Cgroup **ret)
{
    struct stat st;

    if (!cgroup_path_is_valid(path))
        return -EINVAL;
    path += strspn(path, "/");

    cleanup(cgroup_freep) Cgroup *cgroup = malloc(sizeof *cgroup);
    if (!cgroup)
        return -ENOMEM;
    cgroup->page = (uint64_t)sysconf(_SC_PAGESIZE);
    cgroup->is_root = path[0] == '\0';
    for (size_t i = 0; i < _FILE_COUNT; i++)
        cgroup->fds[i] = -1;

    cgroup->dir_fd = openat(root_fd, cgroup->is_root ? "." : path,
                            O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cgroup->dir_fd < 0 || fstat(cgroup->dir_fd, &st) < 0)
        return -errno;
    cgroup->id = st.st_ino;

    for (size_t i = 0; i < _FILE_COUNT; i++) {
        cgroup->fds[i] = openat(cgroup->dir_fd, file_names[i], O_RDONLY | O_CLOEXEC);
        if (cgroup->fds[i] < 0 && errno != ENOENT && errno != EOPNOTSUPP)
            return -errno;
    }
    if (cgroup->fds[FILE_STAT] < 0 || (cgroup->fds[FILE_CURRENT] < 0 && !cgroup->is_root))
        return faccessat(cgroup->dir_fd, "cgroup.procs", F_OK, 0) < 0 ? -ENOENT : -ENOTSUP;

    *ret = TAKE_PTR(cgroup);
    return 0;
}

Cgroup *cgroup_free(Cgroup *cgroup)
{
    if (!cgroup)
        return NULL;
    for (size_t i = 0; i < _FILE_COUNT; i++)
        safe_close(cgroup->fds[i]);
    safe_close(cgroup->dir_fd);
    free(cgroup);
    return NULL;
}

uint64_t cgroup_id(const Cgroup *cgroup)
{
    return cgroup->id;
}

/* A cgroup file whole, by a single pread(): the kernel makes such a file up as one record and never
 * gives a part of it to a buffer that is large enough. A second one, to see the end, would be half
 * of a sample's cost. Ends the text with a NUL; bytes, or -errno; -E2BIG. */
static ssize_t read_record(int fd, char *buffer, size_t size)
{
    ssize_t n;

    do
        n = pread(fd, buffer, size - 1, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    if ((size_t)n == size - 1)
        return -E2BIG;

    buffer[n] = '\0';
    return n;
}

/* A file that holds one number, or "max". */
static int read_number(int fd, uint64_t *ret)
{
    char text[64];
    uint64_t value;

    ssize_t n = read_record(fd, text, sizeof text);
    if (n < 0)
        return (int)n;
    if (strcmp(text, "max\n") == 0) {
        *ret = LIMIT_NONE;
        return 0;
    }

    const char *p = text, *end = text + n;
    int r = text_take_u64(&p, end, &value);
    if (r < 0 || strcmp(p, "\n") != 0)
        return -EBADMSG;
    *ret = value;
    return 0;
}

/* Without the file there were no events. */
static int read_events(int fd, Sample *sample)
{
    char text[SMALL_TEXT_MAX];

    if (fd < 0)
        return 0;
    ssize_t n = read_record(fd, text, sizeof text);
    return n < 0 ? (int)n : memory_events_parse(text, sample);
}

static int try_pressure(int fd, PsiTotals *ret)
{
    char text[SMALL_TEXT_MAX];

    if (fd < 0)
        return -EBADF;
    ssize_t n = read_record(fd, text, sizeof text);
    return n < 0 ? (int)n : psi_parse(text, ret);
}

/* Whatever the reason, a pressure that cannot be read is one that is not known. A file that
 * `cgroup.pressure` hid and showed again is another one: the old descriptor stays dead. */
static void read_pressure(Cgroup *cgroup, CgroupFile file, PsiTotals *ret)
{
    int *fd = &cgroup->fds[file];

    *ret = (PsiTotals){ 0 };
    if (try_pressure(*fd, ret) >= 0)
        return;
    safe_close(*fd);
    *fd = openat(cgroup->dir_fd, file_names[file], O_RDONLY | O_CLOEXEC);
    (void)try_pressure(*fd, ret);
}

/* The files that hold one number, and what a missing one stands for. */
static const struct Number {
    CgroupFile file;
    size_t offset;
    uint64_t missing;
} numbers[] = {
    { FILE_MIN, offsetof(Sample, min), 0 },
    { FILE_HIGH, offsetof(Sample, high), LIMIT_NONE },
    { FILE_MAX, offsetof(Sample, max), LIMIT_NONE },
    { FILE_SWAP_CURRENT, offsetof(Sample, swap_current), 0 },
    { FILE_SWAP_MAX, offsetof(Sample, swap_max), 0 },
};

static int read_numbers(const Cgroup *cgroup, Sample *sample)
{
    for (size_t i = 0; i < ELEMENTS(numbers); i++) {
        uint64_t *value = (uint64_t *)((char *)sample + numbers[i].offset);
        int fd = cgroup->fds[numbers[i].file];

        *value = numbers[i].missing;
        int r = fd < 0 ? 0 : read_number(fd, value);
        if (r < 0)
            return r;
    }
    return 0;
}

int cgroup_sample(Cgroup *cgroup, uint64_t at_usec, Sample *ret)
{
    Sample sample = { .at_usec = at_usec, .cgroup = cgroup->id, .page = cgroup->page };
    char text[STAT_TEXT_MAX];

    ssize_t n = read_record(cgroup->fds[FILE_STAT], text, sizeof text);
    int r = n < 0 ? (int)n : memstat_parse(text, &sample);
    if (r < 0)
        return r;

    sample.current = add_u64(add_u64(sample.anon, sample.file), sample.kernel);
    if (cgroup->fds[FILE_CURRENT] >= 0)
        r = read_number(cgroup->fds[FILE_CURRENT], &sample.current);
    if (r >= 0)
        r = read_numbers(cgroup, &sample);
    if (r >= 0)
        r = read_events(cgroup->fds[FILE_EVENTS], &sample);
    if (r < 0)
        return r;

    read_pressure(cgroup, FILE_MEMORY_PRESSURE, &sample.memory_psi);
    read_pressure(cgroup, FILE_IO_PRESSURE, &sample.io_psi);
    *ret = sample;
    return 0;
}

/* Why a file could not be opened: the group is gone, or it never had it. */
static int missing(const Cgroup *cgroup, int error)
{
    if (error == ENOENT)
        return faccessat(cgroup->dir_fd, file_names[FILE_STAT], F_OK, 0) < 0 ? -ENODEV
                                                                             : -EOPNOTSUPP;
    return -error;
}

static int write_text(Cgroup *cgroup, const char *name, const char *text, int flags)
{
    CLEANUP_CLOSE int fd = openat(cgroup->dir_fd, name, O_WRONLY | O_CLOEXEC | flags);
    if (fd < 0)
        return missing(cgroup, errno);

    return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int cgroup_read_high(Cgroup *cgroup, uint64_t *ret)
{
    if (cgroup->fds[FILE_HIGH] < 0)
        return -EOPNOTSUPP;
    return read_number(cgroup->fds[FILE_HIGH], ret);
}

static int write_high(Cgroup *cgroup, uint64_t bytes, int flags)
{
    char text[32] = "max\n";

    if (bytes != LIMIT_NONE)
        snprintf(text, sizeof text, "%" PRIu64 "\n", bytes);
    return write_text(cgroup, file_names[FILE_HIGH], text, flags);
}

int cgroup_write_high(Cgroup *cgroup, uint64_t bytes)
{
    return write_high(cgroup, bytes, 0);
}

int cgroup_raise_high(Cgroup *cgroup, uint64_t bytes)
{
    return write_high(cgroup, bytes, O_NONBLOCK);
}

int cgroup_reclaim(Cgroup *cgroup, uint64_t bytes, ReclaimScope scope)
{
    char text[64];

    if (bytes == 0)
        return 0;

    if (scope != RECLAIM_ALL) {
        snprintf(text, sizeof text, "%" PRIu64 " swappiness=0\n", bytes);
        int r = write_text(cgroup, "memory.reclaim", text, 0);
        if (r != -EINVAL || scope == RECLAIM_FILE)
            return r;
    }

    /* Before 6.8 the file takes a number and nothing else. */
    snprintf(text, sizeof text, "%" PRIu64 "\n", bytes);
    return write_text(cgroup, "memory.reclaim", text, 0);
}

int cgroup_reclaim_cache(Cgroup *cgroup, uint64_t bytes, int proc_fd)
{
    MemInfo info;

    int r = cgroup_reclaim(cgroup, bytes, RECLAIM_FILE);
    if (r == -EINVAL && meminfo_read(proc_fd, &info) >= 0 && info.swap_total == 0)
        r = cgroup_reclaim(cgroup, bytes, RECLAIM_ALL);
    return r;
}

int cgroup_arm_psi(Cgroup *cgroup, const char *resource, uint64_t stall_usec, uint64_t window_usec)
{
    const char *name;

    if (strcmp(resource, "memory") == 0)
        name = file_names[FILE_MEMORY_PRESSURE];
    else if (strcmp(resource, "io") == 0)
        name = file_names[FILE_IO_PRESSURE];
    else
        return -EINVAL;

    int fd = psi_arm(cgroup->dir_fd, name, stall_usec, window_usec);
    return fd == -ENOENT ? missing(cgroup, ENOENT) : fd;
}
