/* SPDX-License-Identifier: MIT */
/* Read as a whole every time: it is short, no file system is asked, and it changes seldom. */

#include "kernel/mounts.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

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

/* The fifth field of "36 35 98:0 /root /mnt rw …", proc_pid_mountinfo(5). */
static char *point_of_line(char *line)
{
    char *field = NULL;

    for (int i = 0; i < 5; i++)
        if (!(field = strsep(&line, " ")))
            return NULL;
    if (field[0] != '/')
        return NULL;
    unescape(field);
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

int mounts_read(int proc_fd, char ***ret)
{
    cleanup(strv_freep) char **mounts = NULL;
    CLEANUP_FREE char *line = NULL;
    size_t size = 0;

    CLEANUP_CLOSE int fd = open_table(proc_fd);
    if (fd < 0)
        return fd;
    CLEANUP_FCLOSE FILE *table = fdopen(fd, "re");
    if (!table)
        return -errno;
    TAKE_FD(fd);
    while (getline(&line, &size, table) > 0) {
        const char *point = point_of_line(line);
        if (point && strv_append(&mounts, point) < 0)
            return -ENOMEM;
    }
    if (ferror(table))
        return -EIO;
    *ret = TAKE_PTR(mounts);
    return 0;
}

bool path_is_below(const char *path, const char *folder)
{
    size_t length = strcmp(folder, "/") == 0 ? 0 : strlen(folder);

    return strncmp(path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

const char *mounts_above(char *const *mounts, const char *path)
{
    const char *longest = NULL;

    STRV_FOREACH (point, mounts)
        if (path_is_below(path, *point) && (!longest || strlen(*point) > strlen(longest)))
            longest = *point;
    return longest;
}

bool mounts_has(char *const *mounts, const char *point)
{
    STRV_FOREACH (mount, mounts)
        if (strcmp(*mount, point) == 0)
            return true;
    return false;
}

static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == ':' ||
           c == '_' || c == '.';
}

int mounts_note(char ***set, char *const *mounts, const char *path)
{
    const char *mount = mounts_above(mounts, path);

    if (!mount || strcmp(mount, "/") == 0 || mounts_has(*set, mount))
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
