/* SPDX-License-Identifier: MIT */
#pragma once

/* The first two rungs of an eviction. Neither tells what it did: measure before and after. */

#include <stdbool.h>
#include <stdint.h>

#include "kernel/pace.h"
#include "kernel/residency.h"

/* A part of a file to be taken out of memory, and how. */
typedef struct Evicting {
    int fd;              /* open for reading */
    uint64_t begin, end; /* bytes; begin is on a page, end too or the end of the file */
    bool to_the_end;     /* whatever the file grows by goes as well */
    bool may_write;      /* it does no harm if dirty pages are written */
    Pace *pace;          /* borrowed; of whole looks, not of one file */
    /* What evict_advise() would ask first: this part, or one around it in which nothing is dirty,
     * measured a moment ago. Borrowed; NULL: it asks. */
    const Residency *measured;
} Evicting;

/* Takes clean pages that nobody has mapped. Unless it may write, it writes nothing, and does
 * nothing where the kernel does not tell which pages are dirty and the file is not settled
 * (kernel/settled.h). -ECANCELED; -errno of fadvise. */
int evict_advise(const Evicting *evicting);

/* Asks for dirty pages to be written to the disk, as far as the pace goes, and waits for none, but
 * for room in the disk's queue; adds to *written the bytes asked for. -ECANCELED; -errno. */
int evict_write_begin(const Evicting *evicting, uint64_t *written);

/* Writes dirty pages to the disk and waits for that, as far as the pace goes; adds to *written the
 * bytes asked for. Whether the disk took them, evict_check_written() tells. -ETIMEDOUT: it has
 * taken nothing for @patience_usec. -ECANCELED; -errno: it could not be asked to. */
int evict_write_back(const Evicting *evicting, uint64_t patience_usec, uint64_t *written);

/* Whether all of the file that seems to be clean is on the disk; writes what is dirty, at no pace,
 * and waits.
 * -EIO, -ENOSPC …: some could not be written, by whomever; that is told once, and whoever wrote it
 * still learns so from his own fsync(2). 0 also where the file system cannot tell. */
int evict_check_written(int fd);
