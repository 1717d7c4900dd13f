/* SPDX-License-Identifier: MIT */
#include "util/io.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "util/cleanup.h"
#include "util/units.h"

ssize_t read_from_start(int fd, char *buffer, size_t size)
{
    size_t done = 0;

    for (;;) {
        ssize_t n = pread(fd, buffer + done, size - done, (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
        if (done == size)
            return -E2BIG;
    }

    buffer[done] = '\0';
    return (ssize_t)done;
}

ssize_t read_file_at(int dir_fd, const char *name, char *buffer, size_t size)
{
    CLEANUP_CLOSE int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    return read_from_start(fd, buffer, size);
}

int read_fd_alloc(int fd, size_t max, char **ret_text, size_t *ret_size)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    if ((uint64_t)st.st_size > max)
        return -E2BIG;

    /* Room for one byte over the limit, so that a file that grows meanwhile is noticed. */
    CLEANUP_FREE char *text = malloc(max_u64((uint64_t)st.st_size, 4096) + 2);
    if (!text)
        return -ENOMEM;
    ssize_t n = read_from_start(fd, text, max_u64((uint64_t)st.st_size, 4096) + 2);
    if (n < 0)
        return (int)n;
    if ((size_t)n > max)
        return -E2BIG;

    *ret_text = TAKE_PTR(text);
    *ret_size = (size_t)n;
    return 0;
}

int read_file_alloc(int dir_fd, const char *name, size_t max, char **ret_text, size_t *ret_size)
{
    CLEANUP_CLOSE int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    return read_fd_alloc(fd, max, ret_text, ret_size);
}

static int write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, text, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text += n;
        size -= (size_t)n;
    }
    return 0;
}

int replace_file_at(int dir_fd, const char *name, const char *text, size_t size, mode_t mode)
{
    CLEANUP_FREE char *beside = NULL;
    if (asprintf(&beside, ".%s.new", name) < 0) {
        beside = NULL;
        return -ENOMEM;
    }

    (void)unlinkat(dir_fd, beside, 0);
    CLEANUP_CLOSE int fd = openat(dir_fd, beside,
                                  O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return -errno;

    int r = write_all(fd, text, size);
    if (r >= 0 && fsync(fd) < 0)
        r = -errno;
    if (r >= 0 && renameat(dir_fd, beside, dir_fd, name) < 0)
        r = -errno;
    if (r < 0)
        (void)unlinkat(dir_fd, beside, 0);
    return r;
}

int fd_path(int fd, char **ret_path)
{
    char link[sizeof("/proc/self/fd/") + 11], path[PATH_MAX];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof(path));
    if (n < 0)
        return -errno;
    if (n == 0 || (size_t)n >= sizeof(path) || path[0] != '/')
        return -ENAMETOOLONG;
    *ret_path = strndup(path, (size_t)n);
    return *ret_path ? 0 : -ENOMEM;
}

uint64_t now_usec(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / NSEC_PER_USEC;
}

uint64_t thread_cpu_usec(void)
{
    struct timespec ts;

    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts) < 0)
        return 0;
    return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / NSEC_PER_USEC;
}
