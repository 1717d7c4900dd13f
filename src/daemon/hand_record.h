/* SPDX-License-Identifier: MIT */
#pragma once

/* What holders cannot know of files that were pinned by hand: who asked for it, under which name,
 * since when and until when. In a file that outlives us; whether and how far a file is locked is
 * the holder's to say. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define HAND_RECORD_NAME "by-hand"
#define HAND_RECORD_MAX  (64 * 1024 * 1024) /* bytes; 100,000 files with long names */

typedef struct HandEntry {
    const char *unit; /* whose pins these are; NULL: nobody's */
    const char *path;
    uint64_t dev, ino;
    uint64_t by;         /* the user */
    uint64_t since_usec; /* CLOCK_REALTIME */
    uint64_t until_usec; /* CLOCK_MONOTONIC; 0: for ever */
} HandEntry;

/* Writes @entry as a line. */
void hand_record_print(FILE *out, const HandEntry *entry);

/* Calls @entry with each; a later one of a file of the same unit is newer. No file is an empty one.
 * *ret_bad: lines that cannot be read and are skipped. 0; the first failure of @entry; what reading
 * failed with. */
int hand_record_read(int dir_fd, int (*entry)(const HandEntry *entry, void *userdata),
                     void *userdata, size_t *ret_bad);

/* Adds @text, whole lines, at the end of the file; replaces it by them. 0 or -errno. */
int hand_record_append(int dir_fd, const char *text, size_t size);
int hand_record_replace(int dir_fd, const char *text, size_t size);

/* When the holders have ended for good. */
void hand_record_remove(int dir_fd);
