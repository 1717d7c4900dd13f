/* SPDX-License-Identifier: MIT */
/* On this system a path is opened as everybody opens it, relative ones below the working folder: a
 * root that is "/" has nothing outside. In an image openat2(2) lets the kernel keep every link
 * within; nothing else can without races, so there is no fallback.
 *
 * Who may write to these folders decides what pagewardend does: their links are followed. */
#include "config/places.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "config.h"

/* The kernel gives up on ".." while anything is renamed anywhere. */
#define OPEN_TRIES 64

const char *const config_folders[] = {
    PAGEWARDEN_CONFIG_DIR,
    "/run/pagewarden",
    "/usr/local/lib/pagewarden",
    "/usr/lib/pagewarden",
    NULL,
};

static size_t length_without_slashes(const char *path)
{
    size_t length = strlen(path);

    while (length > 0 && path[length - 1] == '/')
        length--;
    return length;
}

int config_root_open(const ConfigPlaces *places, ConfigRoot *ret)
{
    const char *path = places->root ?: "";
    size_t length = length_without_slashes(path);
    CLEANUP_FREE char *prefix = strndup(path, length);
    int fd = AT_FDCWD;

    if (!prefix)
        return -ENOMEM;
    if (length > 0) {
        fd = open(prefix, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            return -errno;
    }
    *ret = (ConfigRoot){
        .fd = fd,
        .prefix = TAKE_PTR(prefix),
        .folders = places->folders ?: config_folders,
        .folders_must_exist = places->folders != NULL,
    };
    return 0;
}

void config_root_close(ConfigRoot *root)
{
    root->fd = safe_close(root->fd);
    free(TAKE_PTR(root->prefix));
}

char *config_path(const ConfigRoot *root, const char *folder, const char *below)
{
    const char *between = *root->prefix && *folder != '/' ? "/" : "";
    int length = (int)length_without_slashes(folder);
    const char *slash = below || (length == 0 && *folder) ? "/" : "";
    char *path;

    if (asprintf(&path, "%s%s%.*s%s%s", root->prefix, between, length, folder, slash, below ?: "") <
        0)
        return NULL;
    return path;
}

static int open_within(int root_fd, const char *path, int flags)
{
    struct open_how how = { .flags = (uint64_t)(unsigned)flags, .resolve = RESOLVE_IN_ROOT };
    long fd = -1;

    for (unsigned i = 0; i < OPEN_TRIES; i++) {
        fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
        if (fd >= 0 || errno != EAGAIN)
            break;
    }
    if (fd < 0)
        return errno == ENOSYS || errno == EPERM ? -EOPNOTSUPP : -errno;
    return (int)fd;
}

static int open_once(const ConfigRoot *root, const char *path, int flags)
{
    flags |= O_CLOEXEC;
    if (root->fd >= 0)
        return open_within(root->fd, path + strlen(root->prefix), flags);
    int fd = open(path, flags);
    return fd < 0 ? -errno : fd;
}

int config_open(const ConfigRoot *root, const char *path, int flags)
{
    int fd = open_once(root, path, flags);
    if (fd != -ENOENT)
        return fd;

    CLEANUP_CLOSE int link_fd = open_once(root, path, O_PATH | O_NOFOLLOW);
    return link_fd < 0 ? -ENOENT : -ENOLINK;
}

bool config_is_mask(const ConfigRoot *root, const char *path)
{
    char target[sizeof("/dev/null")];
    struct stat st;

    /* The link's text, because an image need not have a /dev. */
    CLEANUP_CLOSE int link_fd = open_once(root, path, O_PATH | O_NOFOLLOW);
    if (link_fd < 0)
        return false;
    ssize_t n = readlinkat(link_fd, "", target, sizeof(target));
    if (n == sizeof(target) - 1 && memcmp(target, "/dev/null", (size_t)n) == 0)
        return true;

    CLEANUP_CLOSE int fd = open_once(root, path, O_PATH);
    return fd >= 0 && fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}
