/* SPDX-License-Identifier: MIT */
/* A head of fixed size, then the unit's name, then the files: path, identity, ranges. Numbers of
 * the head are little-endian, all others are of seven bits a byte, the lowest first, and a set top
 * bit says that more follow. Texts have their length in front and a NUL behind them, so that they
 * can be used where they lie.
 *
 * A range is how many blocks lie between it and the one before, and how many it has. So of any
 * bytes that are read, no range can go backwards or overlap another.
 *
 * The checksum (FNV-1a, of all but itself) is against a disk and a crash, not against an attacker:
 * only root can write there, and what a snapshot names is opened only where the policy names it
 * too. */

#include "snapshot/format.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/units.h"

static const char magic[8] = "pgwarden";

enum { /* offsets in the head, and its size */
       AT_VERSION = 8,
       AT_TAKEN = 16,
       AT_SIZE = 24, /* of all, in bytes */
       AT_FILES = 32,
       AT_BYTES = 40,
       AT_CHECKSUM = 48,
       HEAD_SIZE = 56,
};

#define UNIT_MAX   255 /* bytes, as systemd has it */
#define NSEC_MAX   999999999U
#define VARINT_MAX 10 /* bytes of a number */

static void put_u64(uint8_t *to, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get_u64(const uint8_t *from)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < 8; i++)
        value |= (uint64_t)from[i] << 8 * i;
    return value;
}

static uint64_t checksum(const uint8_t *data, size_t size)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < size; i++) {
        if (i >= AT_CHECKSUM && i < HEAD_SIZE)
            continue;
        sum = (sum ^ data[i]) * UINT64_C(0x100000001b3);
    }
    return sum;
}

static uint64_t blocks_of(uint64_t size)
{
    return size / SNAPSHOT_BLOCK + (size % SNAPSHOT_BLOCK != 0);
}

/* Writing */

static int put(SnapshotWriter *writer, const void *data, size_t size)
{
    if (size > writer->max - writer->size)
        return -E2BIG;
    if (size > writer->room - writer->size) {
        size_t room = (size_t)min_u64(max_u64(writer->size + size, 2 * writer->room), writer->max);
        uint8_t *grown = realloc(writer->data, room);
        if (!grown)
            return -ENOMEM;
        writer->data = grown;
        writer->room = room;
    }
    memcpy(writer->data + writer->size, data, size);
    writer->size += size;
    return 0;
}

static int put_number(SnapshotWriter *writer, uint64_t value)
{
    uint8_t bytes[VARINT_MAX];
    size_t n = 0;

    for (; value >= 0x80; value >>= 7)
        bytes[n++] = (uint8_t)(value | 0x80);
    bytes[n++] = (uint8_t)value;
    return put(writer, bytes, n);
}

static int put_text(SnapshotWriter *writer, const char *text)
{
    size_t length = strlen(text);

    int r = put_number(writer, length);
    return r < 0 ? r : put(writer, text, length + 1);
}

int snapshot_begin(SnapshotWriter *writer, const char *unit, size_t max)
{
    static const uint8_t head[HEAD_SIZE];

    *writer = (SnapshotWriter){ .max = max };
    int r = put(writer, head, sizeof(head));
    return r < 0 ? r : put_text(writer, unit);
}

static bool is_path(const char *path, size_t length)
{
    return length < PATH_MAX && path[0] == '/';
}

static bool are_in_order(const SnapshotRange *ranges, size_t n, uint64_t size)
{
    uint64_t next = 0, blocks = blocks_of(size);

    for (size_t i = 0; i < n; i++) {
        const SnapshotRange *range = &ranges[i];
        if (range->count == 0 || range->first < next + (i > 0) || range->first > blocks ||
            range->count > blocks - range->first)
            return false;
        next = range->first + range->count;
    }
    return n > 0;
}

static int put_file(SnapshotWriter *writer, const char *path, const SnapshotId *id,
                    const SnapshotRange *ranges, size_t n_ranges)
{
    /* The sign goes to the lowest bit, so that small numbers stay short. */
    uint64_t mtime = ((uint64_t)id->mtime_sec << 1) ^ (id->mtime_sec < 0 ? UINT64_MAX : 0);
    const uint64_t numbers[] = { id->ino, id->size, mtime, id->mtime_nsec, n_ranges };
    uint64_t next = 0;

    int r = put_text(writer, path);
    for (size_t i = 0; i < ELEMENTS(numbers) && r >= 0; i++)
        r = put_number(writer, numbers[i]);
    for (size_t i = 0; i < n_ranges && r >= 0; i++) {
        r = put_number(writer, ranges[i].first - next);
        if (r >= 0)
            r = put_number(writer, ranges[i].count);
        next = ranges[i].first + ranges[i].count;
    }
    return r;
}

int snapshot_add(SnapshotWriter *writer, const char *path, const SnapshotId *id,
                 const SnapshotRange *ranges, size_t n_ranges)
{
    size_t before = writer->size;

    if (!is_path(path, strlen(path)) || id->mtime_nsec > NSEC_MAX ||
        !are_in_order(ranges, n_ranges, id->size))
        return -EINVAL;
    int r = put_file(writer, path, id, ranges, n_ranges);
    if (r < 0) {
        writer->size = before;
        return r;
    }
    writer->n_files++;
    for (size_t i = 0; i < n_ranges; i++)
        writer->bytes += ranges[i].count * SNAPSHOT_BLOCK;
    return 0;
}

void snapshot_finish(SnapshotWriter *writer, uint64_t taken_sec)
{
    uint8_t *head = writer->data;

    memcpy(head, magic, sizeof(magic));
    put_u64(head + AT_VERSION, SNAPSHOT_VERSION);
    put_u64(head + AT_TAKEN, taken_sec);
    put_u64(head + AT_SIZE, writer->size);
    put_u64(head + AT_FILES, writer->n_files);
    put_u64(head + AT_BYTES, writer->bytes);
    put_u64(head + AT_CHECKSUM, checksum(head, writer->size));
}

void snapshot_writer_clear(SnapshotWriter *writer)
{
    free(writer->data);
    *writer = (SnapshotWriter){ 0 };
}

/* Reading */

const char *snapshot_fault_to_string(SnapshotFault fault)
{
    switch (fault) {
    case SNAPSHOT_GOOD:
        return "it is good";
    case SNAPSHOT_FOREIGN:
        return "it is no snapshot";
    case SNAPSHOT_VERSION_UNKNOWN:
        return "it was written by another version";
    case SNAPSHOT_TRUNCATED:
        return "it is damaged: its length is another";
    case SNAPSHOT_CHECKSUM:
        return "it is damaged: its checksum is another";
    case SNAPSHOT_CONTENT:
        return "it is damaged: its content makes no sense";
    }
    return NULL;
}

static bool get_number(SnapshotCursor *cursor, uint64_t *ret)
{
    uint64_t value = 0;

    for (unsigned shift = 0; cursor->at < cursor->end && shift < 64; shift += 7) {
        uint8_t byte = *cursor->at++;
        if (shift == 63 && byte > 1)
            return false;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret = value;
            return true;
        }
    }
    return false;
}

static bool get_text(SnapshotCursor *cursor, size_t max, const char **ret)
{
    uint64_t length;

    if (!get_number(cursor, &length) || length > max ||
        length >= (uint64_t)(cursor->end - cursor->at))
        return false;
    const char *text = (const char *)cursor->at;
    if (memchr(text, '\0', length + 1) != text + length)
        return false;
    cursor->at += length + 1;
    *ret = text;
    return true;
}

/* Leaves @files behind the file's identity, before its ranges. */
static bool get_file(SnapshotCursor *files, SnapshotFile *ret)
{
    SnapshotFile file = { 0 };
    uint64_t numbers[5];

    if (!get_text(files, PATH_MAX - 1, &file.path))
        return false;
    for (size_t i = 0; i < ELEMENTS(numbers); i++)
        if (!get_number(files, &numbers[i]))
            return false;
    if (numbers[3] > NSEC_MAX)
        return false;
    file.id = (SnapshotId){
        .ino = numbers[0],
        .size = numbers[1],
        .mtime_sec = (int64_t)((numbers[2] >> 1) ^ (numbers[2] & 1 ? UINT64_MAX : 0)),
        .mtime_nsec = (uint32_t)numbers[3],
    };
    file.n_ranges = numbers[4];
    file.ranges = *files;
    *ret = file;
    return true;
}

static bool get_range(SnapshotCursor *cursor, uint64_t *next, SnapshotRange *ret)
{
    uint64_t between, count;

    if (!get_number(cursor, &between) || !get_number(cursor, &count) || count == 0 ||
        between > UINT64_MAX - *next || count > UINT64_MAX - *next - between)
        return false;
    *ret = (SnapshotRange){ .first = *next + between, .count = count };
    *next = ret->first + count;
    return true;
}

/* Also adds up what is in the ranges. */
static bool check_file(SnapshotCursor *files, uint64_t *bytes)
{
    SnapshotFile file;
    SnapshotRange range;
    uint64_t next = 0;

    if (!get_file(files, &file) || file.path[0] != '/' || file.n_ranges == 0)
        return false;
    for (uint64_t i = 0; i < file.n_ranges; i++) {
        uint64_t before = next;
        if (!get_range(files, &next, &range) || (i > 0 && range.first == before) ||
            next > blocks_of(file.id.size))
            return false;
        *bytes += range.count * SNAPSHOT_BLOCK;
    }
    return true;
}

static bool check_content(const SnapshotHead *head, SnapshotCursor files)
{
    uint64_t bytes = 0;

    for (uint64_t i = 0; i < head->n_files; i++)
        if (!check_file(&files, &bytes))
            return false;
    return files.at == files.end && bytes == head->bytes;
}

SnapshotFault snapshot_read(const void *data, size_t size, SnapshotHead *ret,
                            SnapshotCursor *ret_files)
{
    const uint8_t *bytes = data;
    SnapshotCursor cursor = { bytes + HEAD_SIZE, bytes + size };

    if (size < sizeof(magic) || memcmp(bytes, magic, sizeof(magic)) != 0)
        return SNAPSHOT_FOREIGN;
    if (size < HEAD_SIZE)
        return SNAPSHOT_TRUNCATED;
    if (get_u64(bytes + AT_VERSION) != SNAPSHOT_VERSION)
        return SNAPSHOT_VERSION_UNKNOWN;
    if (get_u64(bytes + AT_SIZE) != size)
        return SNAPSHOT_TRUNCATED;
    if (get_u64(bytes + AT_CHECKSUM) != checksum(bytes, size))
        return SNAPSHOT_CHECKSUM;

    SnapshotHead head = {
        .taken_sec = get_u64(bytes + AT_TAKEN),
        .n_files = get_u64(bytes + AT_FILES),
        .bytes = get_u64(bytes + AT_BYTES),
    };
    if (!get_text(&cursor, UNIT_MAX, &head.unit) || !check_content(&head, cursor))
        return SNAPSHOT_CONTENT;
    *ret = head;
    *ret_files = cursor;
    return SNAPSHOT_GOOD;
}

bool snapshot_next_file(SnapshotCursor *files, SnapshotFile *ret)
{
    SnapshotFile file;
    SnapshotRange range;

    if (files->at == files->end || !get_file(files, &file))
        return false;
    uint64_t next = 0;
    for (uint64_t i = 0; i < file.n_ranges; i++)
        if (!get_range(files, &next, &range))
            return false;
    *ret = file;
    return true;
}

bool snapshot_next_range(SnapshotFile *file, SnapshotRange *ret)
{
    if (file->n_ranges == 0 || !get_range(&file->ranges, &file->next_block, ret))
        return false;
    file->n_ranges--;
    return true;
}
