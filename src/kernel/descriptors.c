/* SPDX-License-Identifier: MIT */
/* The text of the link is looked at first: what does not begin with a slash is a socket, a pipe or
 * the like, as most are. Following the link may ask the server of a network file system, and so may
 * the close of a copy; so the type of the mount is looked up before, by its number in fdinfo, in
 * the mountinfo of the process. A descriptor that was handed to it may be of the first process's
 * namespace. */
#include "kernel/descriptors.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "kernel/fs_kind.h"
#include "kernel/text.h"
#include "util/cleanup.h"
#include "util/parse.h"

typedef struct Look {
    const DescriptorHandler *handler;
    int proc_fd;
    int dir_fd;     /* the descriptors */
    uint64_t mount; /* that was looked up last; 0: none */
    bool is_local;
} Look;

static bool is_local_mount(const Look *look, uint64_t mount)
{
    char name[FS_NAME_MAX];

    CLEANUP_CLOSE int own = openat(look->dir_fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r = own < 0 ? -errno : fs_name_of_mount(own, mount, name);
    if (r == -ENOENT) {
        CLEANUP_CLOSE int first = openat(look->proc_fd, "1", O_PATH | O_DIRECTORY | O_CLOEXEC);
        r = first < 0 ? -errno : fs_name_of_mount(first, mount, name);
    }
    return r >= 0 && fs_kind_of_name(name) == FS_LOCAL;
}

/* "pos:\t0\nflags:\t0100000\nmnt_id:\t29\n…", proc_pid_fdinfo(5); behind that each lock has a line.
 */
static bool read_mount(int dir_fd, const char *path, uint64_t *ret)
{
    char text[128];

    CLEANUP_CLOSE int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (n < 0)
        return false;
    text[n] = '\0';
    return sscanf(text, "pos: %*s flags: %*s mnt_id: %" SCNu64, ret) == 1;
}

/* False, too, where nobody tells. */
static bool is_local(Look *look, const char *number)
{
    char path[sizeof "../fdinfo/" + NAME_MAX];
    uint64_t mount;

    snprintf(path, sizeof path, "../fdinfo/%s", number);
    if (!read_mount(look->dir_fd, path, &mount))
        return false;
    if (mount != look->mount) {
        look->is_local = is_local_mount(look, mount);
        look->mount = mount;
    }
    return look->is_local;
}

/* False: it is none of a regular file, not wanted, or closed. */
static bool look_at(Look *look, const char *name, char path[static PATH_MAX], Descriptor *ret)
{
    const DescriptorHandler *handler = look->handler;
    int dir_fd = look->dir_fd;
    struct statx st;
    uint64_t number;

    ssize_t n = readlinkat(dir_fd, name, path, PATH_MAX);
    if (n <= 0 || n == PATH_MAX || path[0] != '/' || parse_u64(name, &number) < 0 ||
        number > INT_MAX)
        return false;
    path[n] = '\0';
    ret->deleted = text_cut_deleted(path);
    if (handler->wanted && !handler->wanted(path, ret->deleted, handler->userdata))
        return false;
    if (!handler->network && !is_local(look, name))
        return false;
    if (statx(dir_fd, name, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
              STATX_TYPE | STATX_INO | STATX_SIZE, &st) < 0 ||
        !S_ISREG(st.stx_mode))
        return false;

    ret->number = (int)number;
    ret->path = path;
    ret->dev = makedev(st.stx_dev_major, st.stx_dev_minor);
    ret->ino = st.stx_ino;
    ret->size = st.stx_size;
    ret->mount = look->mount;
    return true;
}

bool descriptor_is_on(int proc_fd, pid_t pid, int number, uint64_t mount)
{
    char path[sizeof "/fdinfo/" + 2 * 3 * sizeof(int)];
    uint64_t now;

    snprintf(path, sizeof path, "%jd/fdinfo/%d", (intmax_t)pid, number);
    return read_mount(proc_fd, path, &now) && now == mount;
}

int descriptors_of(int proc_fd, pid_t pid, const DescriptorHandler *handler)
{
    Look look = { .handler = handler, .proc_fd = proc_fd };
    char name[sizeof "/fd" + 3 * sizeof pid], path[PATH_MAX];
    Descriptor descriptor = { .pid = pid };
    int r = 0;

    snprintf(name, sizeof name, "%jd/fd", (intmax_t)pid);
    CLEANUP_CLOSE int fd = openat(proc_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup(closedirp) DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir)
        return errno == ENOENT ? -ESRCH : -errno;
    TAKE_FD(fd);
    look.dir_fd = dirfd(dir);

    for (struct dirent *entry; r == 0 && (errno = 0, entry = readdir(dir));)
        if (entry->d_name[0] != '.' && look_at(&look, entry->d_name, path, &descriptor))
            r = handler->found(&descriptor, handler->userdata);
    if (r == 0 && errno)
        return errno == ENOENT ? -ESRCH : -errno;
    return r;
}
