/* SPDX-License-Identifier: MIT */
#pragma once

/* The format of a snapshot: which parts of which files were in memory. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNAPSHOT_VERSION 1
#define SNAPSHOT_BLOCK   UINT64_C(4096) /* bytes; what ranges count in, whatever the page size is */

/* Bytes of a whole snapshot: 100,000 files with paths of 80 bytes take 10 MiB. */
#define SNAPSHOT_SIZE_MAX (UINT64_C(32) * 1024 * 1024)

typedef struct SnapshotHead {
    const char *unit;   /* whose files; in the data that was read */
    uint64_t taken_sec; /* CLOCK_REALTIME */
    uint64_t n_files;
    uint64_t bytes; /* in all ranges */
} SnapshotHead;

/* What a file must still be for its ranges to mean anything. The device is not among it: its number
 * may be another after a reboot, and the path leads to where the file is. */
typedef struct SnapshotId {
    uint64_t ino;
    uint64_t size; /* bytes */
    int64_t mtime_sec;
    uint32_t mtime_nsec;
} SnapshotId;

/* Blocks that lie together. */
typedef struct SnapshotRange {
    uint64_t first;
    uint64_t count; /* not 0 */
} SnapshotRange;

/* Writing: files one after another, each with its ranges in rising order. */
typedef struct SnapshotWriter {
    uint8_t *data;
    size_t size, room;
    size_t max; /* bytes */
    uint64_t n_files, bytes;
} SnapshotWriter;

/* 0, or -ENOMEM. */
int snapshot_begin(SnapshotWriter *writer, const char *unit, size_t max);

/* 0; -ENOMEM; -E2BIG: the snapshot would be larger than it may, and is what it was before; -EINVAL:
 * not an absolute path of a sane length, no range, or ranges that are not in order, or beyond the
 * file's size. */
int snapshot_add(SnapshotWriter *writer, const char *path, const SnapshotId *id,
                 const SnapshotRange *ranges, size_t n_ranges);

/* The whole of it, ready to be written; the data stays the writer's. */
void snapshot_finish(SnapshotWriter *writer, uint64_t taken_sec);
void snapshot_writer_clear(SnapshotWriter *writer);

/* Reading */

typedef enum SnapshotFault {
    SNAPSHOT_GOOD,
    SNAPSHOT_FOREIGN, /* no snapshot at all */
    SNAPSHOT_VERSION_UNKNOWN,
    SNAPSHOT_TRUNCATED, /* or with something behind it */
    SNAPSHOT_CHECKSUM,
    SNAPSHOT_CONTENT, /* sums up, and makes no sense */
} SnapshotFault;

/* "it is damaged: …", to be put behind a name. */
const char *snapshot_fault_to_string(SnapshotFault fault);

/* Where a reader is. */
typedef struct SnapshotCursor {
    const uint8_t *at;
    const uint8_t *end;
} SnapshotCursor;

typedef struct SnapshotFile {
    const char *path; /* in the data that was read */
    SnapshotId id;
    uint64_t n_ranges;
    SnapshotCursor ranges;
    uint64_t next_block; /* internal */
} SnapshotFile;

/* Checks all of it, so that nothing that is read from it later can be wrong. @data must stay. *ret
 * and *ret_files (before the first file) are for SNAPSHOT_GOOD only. */
SnapshotFault snapshot_read(const void *data, size_t size, SnapshotHead *ret,
                            SnapshotCursor *ret_files);

/* False: that was the last one. */
bool snapshot_next_file(SnapshotCursor *files, SnapshotFile *ret);
bool snapshot_next_range(SnapshotFile *file, SnapshotRange *ret);
