/* SPDX-License-Identifier: MIT */
#pragma once

/* A table of pins, with calls of the kernel that can be made to fail; included by one file of a
 * program. */

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "hold/pins.h"
#include "native/hold/mapped.h"
#include "native/native.h"

#define PAGE UINT64_C(4096)

/* The library's mprotect() and mlock() go through these, so that they can be made to fail. */
static int mprotect_error;
static size_t
    mlock_only; /* bytes after which mlock() and mlock2() fail, as at the end of a file; 0: none */

int mprotect(void *address, size_t size, int protection)
{
    if (mprotect_error) {
        errno = mprotect_error;
        return -1;
    }
    return (int)syscall(SYS_mprotect, address, size, protection);
}

int mlock2(const void *address, size_t size, unsigned flags)
{
    if (mlock_only > 0 && mlock_only < size) {
        must(syscall(SYS_mlock2, address, mlock_only, flags));
        errno = ENOMEM;
        return -1;
    }
    return (int)syscall(SYS_mlock2, address, size, flags);
}

int mlock(const void *address, size_t size)
{
    return mlock2(address, size, 0);
}

/* Larger mappings fail, as where address space is short; 0: none. */
static size_t mmap_max;

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (mmap_max > 0 && size > mmap_max) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, address, size, protection, flags, fd, offset);
}

static inline PinTable *a_table(void)
{
    PinTable *table;

    assert_int_equal(pin_table_new(&table), 0);
    return table;
}

/* From the beginning of the file. */
static inline int open_to(PinTable *table, int fd, uint64_t length, PinInfo *ret)
{
    PinPart part = { .length = length };

    return pin_table_open(table, fd, &part, ret);
}

/* Opens @length bytes of @fd, of which nothing is known yet. */
static inline struct stat open_pin(PinTable *table, int fd, uint64_t length)
{
    struct stat st;
    PinInfo info;

    must(fstat(fd, &st));
    assert_int_equal(open_to(table, fd, length, &info), 0);
    assert_true(info.dev == st.st_dev && info.ino == st.st_ino);
    assert_int_equal(info.length, length);
    assert_int_equal(info.locked, 0);
    return st;
}

static inline void expect_lock(PinTable *table, const struct stat *st, uint64_t bytes, int result,
                               uint64_t locked)
{
    PinInfo info = { 0 };

    assert_int_equal(pin_table_lock(table, st->st_dev, st->st_ino, bytes, &info), result);
    assert_true(info.dev == st->st_dev && info.ino == st->st_ino);
    assert_int_equal(info.locked, locked);
}

/* So many bytes of it are locked, in memory, and cannot be read; no others are. */
static inline void expect_mapped(const struct stat *st, uint64_t size, uint64_t locked)
{
    Mapped m = mapped_of(0, st);

    assert_int_equal(m.size, size);
    assert_int_equal(m.flagged, locked);
    assert_int_equal(m.locked, locked);
    assert_int_equal(m.barred, locked);
    assert_true(m.rss >= locked);
}
