/* SPDX-License-Identifier: MIT */
#pragma once

/* Reading what is missing of a file into memory, without keeping it there. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct WarmOptions {
    uint64_t rate;                /* bytes read per second; 0: as fast as they come */
    const atomic_bool *cancelled; /* looked at between slices. May be NULL */
    /* After each slice: bytes of the range that are done with. May be NULL. */
    void (*step)(uint64_t bytes, void *userdata);
    void *userdata;
} WarmOptions;

/* Bytes in whole pages, measured. */
typedef struct WarmOutcome {
    uint64_t before; /* resident before, of what was gone through */
    uint64_t after;  /* and now */
    uint64_t read;   /* brought into memory meanwhile, by whomever */
    bool measured;   /* false: the kernel does not tell, all of it was read, and these are 0 */
} WarmOutcome;

/* @fd is open for reading; its file's pages in [@offset, @offset + @length) are read as far as they
 * are not in memory. Waits for the disk. *ret is what was done, on failure too. -ECANCELED; -EIO …:
 * what pread(2) fails with. That the file ends before is no error, nor that reclaim was faster. */
int warm_range(int fd, uint64_t offset, uint64_t length, const WarmOptions *options,
               WarmOutcome *ret);
