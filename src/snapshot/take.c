/* SPDX-License-Identifier: MIT */
/* A file of which nothing is in memory costs an open and a look; only of the others it is asked
 * which pages these are. Short gaps between them are closed: to read a few pages more is cheaper
 * than to move to the next ones, and a random access leaves many. */

#include "snapshot/take.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "kernel/residency.h"
#include "util/array.h"
#include "util/cleanup.h"
#include "util/units.h"

#define BATCH 64 /* files that are opened by one walk */

/* Blocks: below the kernel's usual read-ahead of 128 KiB. */
#define GAP_MAX 8

/* Of one file: 16 MiB of memory. With gaps of more than GAP_MAX, this is 36 GiB of the worst. */
#define RANGES_MAX ((size_t)1024 * 1024)

typedef struct Ranges {
    SnapshotRange *entries;
    size_t n, room;
} Ranges;

SnapshotId snapshot_id_of(const struct stat *st)
{
    return (SnapshotId){
        .ino = st->st_ino,
        .size = (uint64_t)st->st_size,
        .mtime_sec = st->st_mtim.tv_sec,
        .mtime_nsec = (uint32_t)st->st_mtim.tv_nsec,
    };
}

/* @blocks: how many the file has. */
static int add_range(Ranges *ranges, const ResidentRange *resident, uint64_t blocks)
{
    uint64_t first = resident->offset / SNAPSHOT_BLOCK;
    uint64_t end = min_u64((resident->offset + resident->length) / SNAPSHOT_BLOCK, blocks);
    SnapshotRange *last = ranges->n > 0 ? &ranges->entries[ranges->n - 1] : NULL;

    if (first >= end)
        return 0;
    if (last && first - (last->first + last->count) <= GAP_MAX) {
        last->count = end - last->first;
        return 0;
    }
    if (ranges->n == RANGES_MAX)
        return -E2BIG;
    if (ARRAY_RESERVE(ranges->entries, ranges->n, ranges->room) < 0)
        return -ENOMEM;
    ranges->entries[ranges->n++] = (SnapshotRange){ .first = first, .count = end - first };
    return 0;
}

/* What of [@offset, @end) is in memory. */
static int look(int fd, uint64_t offset, uint64_t end, uint64_t size, Ranges *ranges)
{
    uint64_t blocks = size / SNAPSHOT_BLOCK + (size % SNAPSHOT_BLOCK != 0);
    ResidentRange found[256];
    Residency residency;

    int r = residency_of_range(fd, offset, end - offset, &residency);
    if (r < 0 || residency.resident == 0)
        return r;
    for (uint64_t at = offset; at < end;) {
        size_t n = 0;
        r = residency_ranges(fd, at, end, found, ELEMENTS(found), &n, &at);
        for (size_t i = 0; i < n && r >= 0; i++)
            r = add_range(ranges, &found[i], blocks);
        if (r < 0)
            return r == -E2BIG ? 0 : r;
    }
    return 0;
}

/* One file's trouble is not the others'. */
static int add_file(SnapshotWriter *writer, const SelectedFile *file, const SelectedPart *part,
                    int fd, Ranges *ranges)
{
    char path[SELECTED_PATH_MAX];
    struct stat st;

    ranges->n = 0;
    if (fd < 0 || fstat(fd, &st) < 0)
        return 0;
    uint64_t size = (uint64_t)st.st_size, end = min_u64(size, part->offset + part->length);
    if (end <= part->offset)
        return 0;
    int r = look(fd, part->offset, end, size, ranges);
    if (r == -ENOMEM)
        return r;
    if (r < 0 || ranges->n == 0)
        return 0;
    SnapshotId id = snapshot_id_of(&st);
    r = snapshot_add(writer, selected_path(file, path), &id, ranges->entries, ranges->n);
    return r == -EINVAL ? 0 : r;
}

static int add_batch(const SelectScope *scope, const PinRule *rules, const SelectedFile *files,
                     size_t n, SnapshotWriter *writer, Ranges *ranges)
{
    int fds[BATCH];
    int r = 0;

    selected_files_open(scope, files, n, fds);
    for (size_t i = 0; i < n; i++) {
        SelectedPart part = pin_part(&rules[files[i].rule], files[i].size);
        if (r >= 0)
            r = add_file(writer, &files[i], &part, fds[i], ranges);
        safe_close(fds[i]);
    }
    return r;
}

int snapshot_take(const SelectScope *scope, const PinRule *rules, size_t n_rules,
                  const PinOrder *order, SnapshotWriter *writer, bool *ret_full)
{
    cleanup(selected_files_clear) SelectedFiles list = { 0 };
    Ranges ranges = { 0 };

    int r = pin_files(scope, rules, n_rules, order, &list);
    for (size_t i = 0; i < list.n_files && r >= 0; i += BATCH) {
        size_t n = (size_t)min_u64(BATCH, list.n_files - i);
        r = select_is_cancelled(scope)
                ? -ECANCELED
                : add_batch(scope, rules, &list.files[i], n, writer, &ranges);
    }
    free(ranges.entries);
    if (r < 0 && r != -E2BIG)
        return r;
    *ret_full = r == -E2BIG;
    return 0;
}
