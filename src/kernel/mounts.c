/* SPDX-License-Identifier: MIT */
/* Read as a whole every time: it is short, no file system is asked, and it changes seldom. */

#include "kernel/mounts.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "util/path.h"
#include "util/strv.h"

/* Blanks, tabs, newlines and backslashes in names are octal: "\040". In place. */
static void unescape(char *text)
{
    char *to = text;

    for (const char *from = text; *from; to++) {
        unsigned byte;
        if (*from == '\\' && strlen(from) >= 4 && sscanf(from + 1, "%3o", &byte) == 1) {
            *to = (char)byte;
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

/* The third and the fifth field of "36 35 98:0 /root /mnt rw …", proc_pid_mountinfo(5). The point
 * is within @line, NULL: it is no such line. */
static char *point_of_line(char *line, dev_t *ret_device)
{
    unsigned major, minor;
    char *field = NULL;

    if (sscanf(line, "%*s %*s %u:%u ", &major, &minor) != 2)
        return NULL;
    for (int i = 0; i < 5; i++)
        if (!(field = strsep(&line, " ")))
            return NULL;
    if (field[0] != '/')
        return NULL;
    unescape(field);
    *ret_device = makedev(major, minor);
    return field;
}

/* In a container that cannot look at PID 1, what we see ourselves. */
static int open_table(int proc_fd)
{
    int fd = openat(proc_fd, "1/mountinfo", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        fd = openat(proc_fd, "self/mountinfo", O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* @note returns 0, or -errno to end. */
static int read_table(int proc_fd, int (*note)(const char *point, dev_t device, void *userdata),
                      void *userdata)
{
    CLEANUP_FREE char *line = NULL;
    size_t size = 0;
    int r = 0;

    CLEANUP_CLOSE int fd = open_table(proc_fd);
    if (fd < 0)
        return fd;
    CLEANUP_FCLOSE FILE *table = fdopen(fd, "re");
    if (!table)
        return -errno;
    TAKE_FD(fd);
    while (r >= 0 && getline(&line, &size, table) > 0) {
        dev_t device;
        const char *point = point_of_line(line, &device);
        if (point)
            r = note(point, device, userdata);
    }
    return ferror(table) ? -EIO : r;
}

static int note_point(const char *point, dev_t device, void *userdata)
{
    return strv_append(userdata, point);
}

int mounts_read(int proc_fd, char ***ret)
{
    cleanup(strv_freep) char **mounts = NULL;

    int r = read_table(proc_fd, note_point, &mounts);
    if (r >= 0)
        *ret = TAKE_PTR(mounts);
    return r;
}

typedef struct Devices {
    const char *path;
    size_t length; /* of the longest mount point above it so far */
    dev_t its;     /* the last one there covers those before */
    dev_t *all;
    size_t n;
} Devices;

static int note_device(const char *point, dev_t device, void *userdata)
{
    Devices *devices = userdata;

    dev_t *grown = reallocarray(devices->all, devices->n + 1, sizeof(dev_t));
    if (!grown)
        return -ENOMEM;
    devices->all = grown;
    grown[devices->n++] = device;
    if (path_is_below(devices->path, point) && strlen(point) >= devices->length) {
        devices->length = strlen(point);
        devices->its = device;
    }
    return 0;
}

int mounts_other_devices(int proc_fd, const char *path, dev_t **ret, size_t *ret_n)
{
    Devices devices = { .path = path };
    size_t n = 0;

    int r = read_table(proc_fd, note_device, &devices);
    if (r < 0) {
        free(devices.all);
        return r;
    }
    for (size_t i = 0; i < devices.n; i++)
        if (devices.all[i] != devices.its)
            devices.all[n++] = devices.all[i];
    *ret = devices.all;
    *ret_n = n;
    return 0;
}

const char *mounts_above(char *const *mounts, const char *path)
{
    const char *longest = NULL;

    STRV_FOREACH (point, mounts)
        if (path_is_below(path, *point) && (!longest || strlen(*point) > strlen(longest)))
            longest = *point;
    return longest;
}

static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == ':' ||
           c == '_' || c == '.';
}

int mounts_note(char ***set, char *const *mounts, const char *path)
{
    const char *mount = mounts_above(mounts, path);

    if (!mount || strcmp(mount, "/") == 0 || strv_has(*set, mount))
        return 0;
    return strv_append(set, mount);
}

/* As systemd-escape(1) --path does. */
char *mounts_unit_stem(const char *point)
{
    size_t length = strlen(point);

    if (length < 2 || point[0] != '/')
        return NULL;
    char *stem = malloc(4 * length + 1), *to = stem;
    if (!stem)
        return NULL;
    for (const char *c = point + 1; *c; c++)
        if (*c == '/')
            *to++ = '-';
        else if (is_plain(*c) && !(*c == '.' && c == point + 1))
            *to++ = *c;
        else
            to += sprintf(to, "\\x%02x", (uint8_t)*c);
    *to = '\0';
    return stem;
}
