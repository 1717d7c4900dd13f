/* SPDX-License-Identifier: MIT */
#pragma once

/* Taking a file's clean pages out of memory, and telling what that really did. */

#include <stdbool.h>
#include <stdint.h>

/* Bytes, all measured. */
typedef struct EvictOutcome {
    uint64_t before;  /* resident before */
    uint64_t after;   /* resident after */
    uint64_t evicted; /* before - after; 0 where someone read more than we took */
    uint64_t dirty;   /* left because dirty or being written: gone at a second pass, later */
    bool has_dirty;   /* false: mincore measured; dirty and locked_or_mapped_left are not known */
    bool locked_or_mapped_left; /* more is left than was dirty: locked, mapped, or being read */
} EvictOutcome;

/* @fd is open for reading; @size is the file's. Whole file. Writes nothing to the file and waits
 * for no disk, but the kernel begins to write back what is dirty. Errors are those of
 * residency_of(), and then nothing was evicted: what cannot be measured is not done. */
int evict_file(int fd, uint64_t size, EvictOutcome *ret);
