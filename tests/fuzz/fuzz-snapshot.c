/* SPDX-License-Identifier: MIT */
/* A snapshot of any bytes: with one bit of the first byte the sum and the length are put right, so
 * that the content is reached. What is read as good is written again as the same. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "snapshot/format.h"
#include "util/cleanup.h"

#define FILES_MAX  64
#define RANGES_MAX 256

enum { AT_SIZE = 24, AT_CHECKSUM = 48, HEAD_SIZE = 56 };

static void put_u64(uint8_t *to, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static void make_good(uint8_t *data, size_t size)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);

    if (size < HEAD_SIZE)
        return;
    put_u64(data + AT_SIZE, size);
    for (size_t i = 0; i < size; i++)
        if (i < AT_CHECKSUM || i >= HEAD_SIZE)
            sum = (sum ^ data[i]) * UINT64_C(0x100000001b3);
    put_u64(data + AT_CHECKSUM, sum);
}

/* Whether the file could be written again: it has not too many ranges for this test. */
static bool copy_file(SnapshotWriter *writer, SnapshotFile *file)
{
    SnapshotRange ranges[RANGES_MAX];
    size_t n = 0;

    if (file->n_ranges > RANGES_MAX)
        return false;
    while (snapshot_next_range(file, &ranges[n]))
        if (++n == RANGES_MAX)
            break;
    int r = snapshot_add(writer, file->path, &file->id, ranges, n);
    must_hold(r == 0);
    return true;
}

static void check(const uint8_t *data, size_t size)
{
    cleanup(snapshot_writer_clear) SnapshotWriter writer = { 0 };
    SnapshotHead head, again;
    SnapshotCursor files, copies;
    SnapshotFile file;
    uint64_t n = 0;
    bool whole = true;

    SnapshotFault fault = snapshot_read(data, size, &head, &files);
    must_hold(snapshot_fault_to_string(fault) != NULL);
    if (fault != SNAPSHOT_GOOD)
        return;
    must_hold(snapshot_begin(&writer, head.unit, SNAPSHOT_SIZE_MAX) == 0);
    for (; snapshot_next_file(&files, &file); n++)
        whole &= copy_file(&writer, &file);
    must_hold(n == head.n_files);
    snapshot_finish(&writer, head.taken_sec);
    must_hold(snapshot_read(writer.data, writer.size, &again, &copies) == SNAPSHOT_GOOD);
    must_hold(!whole || (again.n_files == head.n_files && again.bytes == head.bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    CLEANUP_FREE uint8_t *copy = malloc(size);
    must_hold(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    if (data[0] & 1)
        make_good(copy, size - 1);
    check(copy, size - 1);
    return 0;
}
