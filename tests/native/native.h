/* SPDX-License-Identifier: MIT */
#pragma once

/* Real files, real page cache. What is not locked may leave memory at any moment, whatever a test
 * does, and what is dirty may be written: so tests assert that locked pages are there, or that
 * evicted ones are not. Where more is to be seen, all is done and measured again until nobody
 * interfered. */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/kernel/scratch.h"
#include "unit/test.h"
#include "util/units.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* from 5.14 */
#endif

/* For forked children, where cmocka's assertions would run on in the copy. */
#define check(condition)                                                            \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            fflush(stderr);                                                         \
            _exit(98);                                                              \
        }                                                                           \
    } while (0)

#define CHILD_SKIPS 77

/* Runs @body in a child; its exit status. 0 when it returns. */
static inline int run_child(void (*body)(void *), void *argument)
{
    int status;

    fflush(NULL);
    pid_t pid = must(fork());
    if (pid == 0) {
        body(argument);
        fflush(NULL);
        _exit(0);
    }
    must(waitpid(pid, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A file whose every 8 bytes tell where they belong. Not synced. */
static inline int make_file(const Scratch *scratch, const char *name, size_t size)
{
    uint64_t words[8192];
    int fd = must(openat(scratch->fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));

    for (size_t done = 0; done < size;) {
        size_t part = min_u64(sizeof words, size - done);
        for (size_t i = 0; i < ELEMENTS(words); i++)
            words[i] = done + i * 8;
        must(pwrite(fd, words, part, (off_t)done));
        done += part;
    }
    return fd;
}

/* Reads it all; true where it is what make_file() wrote. */
static inline bool file_is_whole(int fd, size_t size)
{
    uint64_t words[8192];

    for (size_t done = 0; done < size;) {
        ssize_t n = must(pread(fd, words, sizeof words, (off_t)done));
        if (n == 0)
            return false;
        for (size_t i = 0; i < (size_t)n / 8; i++)
            if (words[i] != done + i * 8)
                return false;
        done += (size_t)n;
    }
    return true;
}

/* True when @once is, in one of so many tries: what others can spoil decides its value, and what
 * they cannot, it asserts. */
#define TRIES 50
#define in_one_of_some_tries(once)                   \
    ({                                               \
        bool _done = false;                          \
        for (int _i = 0; _i < TRIES && !_done; _i++) \
            _done = (once);                          \
        _done;                                       \
    })

/* Bytes in memory of a part of a file of ours, as mincore(2) tells. @offset is a page's. */
static inline uint64_t cached(int fd, uint64_t offset, uint64_t length)
{
    const uint64_t page = 4096, n = (length + page - 1) / page;
    CLEANUP_FREE unsigned char *pages = malloc(n);
    void *address = mmap(NULL, length, PROT_NONE, MAP_SHARED, fd, (off_t)offset);
    uint64_t sum = 0;

    must(address == MAP_FAILED || !pages ? -1 : 0);
    must(mincore(address, length, pages));
    must(munmap(address, length));
    for (uint64_t i = 0; i < n; i++)
        sum += pages[i] & 1 ? page : 0;
    return sum;
}

/* On the disk, and not in memory. A page that the kernel has in its hands just then stays, so that
 * once need not be enough. */
static inline void make_cold(int fd, uint64_t size)
{
    must(fsync(fd));
    for (int i = 0;; i++) {
        must(-posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
        if (cached(fd, 0, size) == 0)
            return;
        errno = EBUSY;
        must(i < 1000 ? 0 : -1);
        usleep(5000);
    }
}

/* Maps a part, fills the page tables, locks. To be munmap()ed. */
static inline void *lock_part(int fd, size_t offset, size_t length)
{
    void *address = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, (off_t)offset);

    must(address == MAP_FAILED ? -1 : 0);
    must(madvise(address, length, MADV_POPULATE_READ));
    must(mlock(address, length));
    return address;
}
