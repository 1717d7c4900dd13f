/* SPDX-License-Identifier: MIT */
#pragma once

/* Cleanup attributes: a resource is released where its name goes out of scope, on every path.
 * Handing over is explicit: TAKE_PTR, TAKE_FD leave the empty value behind. */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define cleanup(f) __attribute__((cleanup(f)))

/* Defines `type##p_NAME`, to be used as cleanup(FUNCp), for a destructor that takes NULL. */
#define DEFINE_CLEANUP(type, func)      \
    static inline void func##p(type *p) \
    {                                   \
        if (*p)                         \
            (void)func(*p);             \
    }

#define TAKE(value, nothing)                       \
    ({                                             \
        __typeof__(value) *_taken_from = &(value); \
        __typeof__(value) _taken = *_taken_from;   \
        *_taken_from = (nothing);                  \
        _taken;                                    \
    })
#define TAKE_PTR(ptr) TAKE(ptr, NULL)
#define TAKE_FD(fd)   TAKE(fd, -1)

static inline void freep(void *p)
{
    free(*(void **)p);
}

/* close() that keeps errno and takes a negative descriptor. Returns -1, to be assigned. */
static inline int safe_close(int fd)
{
    if (fd >= 0) {
        int saved = errno;
        (void)close(fd);
        errno = saved;
    }
    return -1;
}

static inline void closep(int *fd)
{
    (void)safe_close(*fd);
}

DEFINE_CLEANUP(FILE *, fclose)
DEFINE_CLEANUP(DIR *, closedir)

#define CLEANUP_FREE   cleanup(freep)
#define CLEANUP_CLOSE  cleanup(closep)
#define CLEANUP_FCLOSE cleanup(fclosep)

#define ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))
