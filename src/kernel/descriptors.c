/* SPDX-License-Identifier: MIT */
/* The text of the link is looked at first: what does not begin with a slash is a socket, a pipe or
 * the like, as most are. statx() through the link asks no server. */
#include "kernel/descriptors.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "kernel/text.h"
#include "util/cleanup.h"
#include "util/parse.h"

/* False: it is none of a regular file, or closed. */
static bool look_at(int dir_fd, const char *name, char path[static PATH_MAX], Descriptor *ret)
{
    struct statx st;
    uint64_t number;

    ssize_t n = readlinkat(dir_fd, name, path, PATH_MAX);
    if (n <= 0 || n == PATH_MAX || path[0] != '/' || parse_u64(name, &number) < 0 ||
        number > INT_MAX)
        return false;
    path[n] = '\0';
    if (statx(dir_fd, name, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
              STATX_TYPE | STATX_INO | STATX_SIZE, &st) < 0 ||
        !S_ISREG(st.stx_mode))
        return false;

    ret->deleted = text_cut_deleted(path);
    ret->number = (int)number;
    ret->path = path;
    ret->dev = makedev(st.stx_dev_major, st.stx_dev_minor);
    ret->ino = st.stx_ino;
    ret->size = st.stx_size;
    return true;
}

int descriptors_of(int proc_fd, pid_t pid, descriptor_t handler, void *userdata)
{
    char name[sizeof "/fd" + 3 * sizeof pid], path[PATH_MAX];
    Descriptor descriptor = { .pid = pid };
    int r = 0;

    snprintf(name, sizeof name, "%jd/fd", (intmax_t)pid);
    CLEANUP_CLOSE int fd = openat(proc_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup(closedirp) DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir)
        return errno == ENOENT ? -ESRCH : -errno;
    TAKE_FD(fd);

    for (struct dirent *entry; r == 0 && (errno = 0, entry = readdir(dir));)
        if (entry->d_name[0] != '.' && look_at(dirfd(dir), entry->d_name, path, &descriptor))
            r = handler(&descriptor, userdata);
    if (r == 0 && errno)
        return errno == ENOENT ? -ESRCH : -errno;
    return r;
}
