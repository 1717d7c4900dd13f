/* SPDX-License-Identifier: MIT */
#pragma once

/* Which parts of a file are in memory, and a drawing of it in one line. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/residency.h"

#define MAP_CELLS    40                  /* columns; with the numbers beside it a line of 80 */
#define MAP_TEXT_MAX (MAP_CELLS * 3 + 1) /* a shade is three bytes of UTF-8 */

typedef struct FileMap {
    ResidentRange *ranges; /* in their order, none touching the next */
    size_t n_ranges;
    size_t room; /* internal */
} FileMap;

/* Reads what of @fd, open for reading, is in memory; nothing is read of the file. *ret is for
 * file_map_clear() on success only. -ENOMEM, or as residency_ranges(). */
int file_map_read(int fd, uint64_t size, FileMap *ret);
void file_map_clear(FileMap *map);

/* MAP_CELLS columns, each an equal part of @size bytes in whole pages of @page bytes: nothing of it
 * in memory, less than half, more, all. A file of fewer pages has a column for each, and blanks
 * behind. Pure. Returns @buffer. */
const char *file_map_draw(char buffer[static MAP_TEXT_MAX], const FileMap *map, uint64_t size,
                          uint64_t page, bool unicode);
