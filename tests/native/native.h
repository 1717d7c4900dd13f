/* SPDX-License-Identifier: MIT */
#pragma once

/* Real files, real page cache. What is not locked may leave memory at any moment, whatever a test
 * does: so tests assert that locked pages are there, or that evicted ones are not. */

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

/* Maps a part, fills the page tables, locks. To be munmap()ed. */
static inline void *lock_part(int fd, size_t offset, size_t length)
{
    void *address = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, (off_t)offset);

    must(address == MAP_FAILED ? -1 : 0);
    must(madvise(address, length, MADV_POPULATE_READ));
    must(mlock(address, length));
    return address;
}
