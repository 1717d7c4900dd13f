/* SPDX-License-Identifier: MIT */
/* A column stands for pages, and each page is in one column alone: the parts are as equal as whole
 * pages allow. "All" and "nothing" are exact, so that one missing page in a large file still shows.
 */
#include "cli/file-map.h"

#include <errno.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/units.h"

#define RANGES_AT_ONCE 512

void file_map_clear(FileMap *map)
{
    free(map->ranges);
    *map = (FileMap){ 0 };
}

static int make_room(FileMap *map)
{
    if (map->room - map->n_ranges >= RANGES_AT_ONCE)
        return 0;
    size_t room = map->room * 2 + RANGES_AT_ONCE;
    ResidentRange *grown = reallocarray(map->ranges, room, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    map->ranges = grown;
    map->room = room;
    return 0;
}

int file_map_read(int fd, uint64_t size, FileMap *ret)
{
    cleanup(file_map_clear) FileMap map = { 0 };
    uint64_t at = 0;
    size_t n = 0;

    while (at < size) {
        int r = make_room(&map);
        if (r >= 0)
            r = residency_ranges(fd, at, size, map.ranges + map.n_ranges, RANGES_AT_ONCE, &n, &at);
        if (r < 0)
            return r;
        map.n_ranges += n;
    }
    *ret = TAKE(map, (FileMap){ 0 });
    return 0;
}

typedef struct Parts {
    uint64_t pages; /* of the file */
    unsigned n;     /* columns */
} Parts;

/* The first page of column @i. */
static uint64_t begin_of(const Parts *parts, unsigned i)
{
    return parts->pages / parts->n * i + parts->pages % parts->n * i / parts->n;
}

/* Adds the pages [@first, @end) to the columns they are in, of which the first that may be one is
 * *@column. */
static void add_range(const Parts *parts, uint64_t first, uint64_t end, uint64_t *resident,
                      unsigned *column)
{
    while (*column < parts->n && begin_of(parts, *column + 1) <= first)
        ++*column;
    for (unsigned i = *column; i < parts->n && begin_of(parts, i) < end; i++) {
        uint64_t from = max_u64(first, begin_of(parts, i));
        resident[i] += min_u64(end, begin_of(parts, i + 1)) - from;
    }
}

static const char *shade(uint64_t resident, uint64_t pages, bool unicode)
{
    if (resident == 0)
        return unicode ? "░" : ".";
    if (resident >= pages)
        return unicode ? "█" : "#";
    if (resident < pages - resident)
        return unicode ? "▒" : "-";
    return unicode ? "▓" : "+";
}

const char *file_map_draw(char buffer[static MAP_TEXT_MAX], const FileMap *map, uint64_t size,
                          uint64_t page, bool unicode)
{
    Parts parts = { .pages = size / page + (size % page > 0) };
    uint64_t resident[MAP_CELLS] = { 0 };
    unsigned column = 0;
    char *out = buffer;

    parts.n = (unsigned)min_u64(parts.pages, MAP_CELLS);
    for (size_t i = 0; i < map->n_ranges && parts.n > 0; i++) {
        uint64_t first = map->ranges[i].offset / page;
        add_range(&parts, first, first + map->ranges[i].length / page, resident, &column);
    }
    for (unsigned i = 0; i < parts.n; i++)
        out = stpcpy(out,
                     shade(resident[i], begin_of(&parts, i + 1) - begin_of(&parts, i), unicode));
    for (unsigned i = parts.n; i < MAP_CELLS; i++)
        *out++ = ' ';
    *out = '\0';
    return buffer;
}
