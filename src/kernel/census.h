/* SPDX-License-Identifier: MIT */
#pragma once

/* What of a tree of files is in memory, counted by several threads: for who asks by hand. */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel/residency.h"
#include "kernel/walk.h"

typedef struct CensusFile {
    dev_t dev;
    ino_t ino;
    uint64_t size; /* bytes */
    Residency residency;
    int error; /* why residency_of() does not tell, negative; or 0 */
} CensusFile;

/* All are called by the thread that called census_tree(). The first two, when all is counted, in
 * byte order per folder; what they return, if it is not 0, ends the telling and is returned. */
typedef struct CensusHandler {
    int (*file)(const char *path, const CensusFile *file, void *userdata);
    /* As walk_tree() tells it, but for links, sockets, FIFOs and devices below the folder, which
     * are passed by without a word. */
    int (*passed_over)(const char *path, WalkReason reason, const char *why, void *userdata);
    void (*progress)(size_t n_files, void *userdata); /* so many until now. May be NULL */
    void *userdata;
} CensusHandler;

/* Counts @fd itself if it is a regular file, or all files below it, as walk_tree() finds them: no
 * link is followed, no device opened, no FIFO waited for, and no network file system entered that
 * @fd is not on. Files are opened for reading and never read. About 150 bytes of memory for each.
 * 0; a handler's value; -ENOMEM, -EMFILE, -ENFILE, or what looking at @fd fails with. */
int census_tree(int fd, const char *path, const CensusHandler *handler);
