/* SPDX-License-Identifier: MIT */
/* What is written reads back as the same; anything else is refused, never misread. */
#include "unit/test.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/format.h"
#include "util/cleanup.h"

#define UNIT "shop@1.service"

static const SnapshotId small = {
    .ino = 7, .size = 4097, .mtime_sec = 1700000000, .mtime_nsec = 1
};
static const SnapshotId large = {
    .ino = UINT64_MAX,
    .size = UINT64_MAX,
    .mtime_sec = -1,
    .mtime_nsec = 999999999,
};
static const SnapshotRange both[] = { { 0, 2 } };
static const SnapshotRange many[] = { { 1, 1 }, { 3, 200 }, { UINT64_C(1) << 51, 1 } };

static void write_sample(SnapshotWriter *writer)
{
    assert_int_equal(snapshot_begin(writer, UNIT, SNAPSHOT_SIZE_MAX), 0);
    assert_int_equal(snapshot_add(writer, "/srv/a b\n", &small, both, ELEMENTS(both)), 0);
    assert_int_equal(snapshot_add(writer, "/srv/\xff", &large, many, ELEMENTS(many)), 0);
    snapshot_finish(writer, 1234567890);
}

static void assert_file(SnapshotCursor *cursor, const char *path, const SnapshotId *id,
                        const SnapshotRange *ranges, size_t n)
{
    SnapshotFile file;
    SnapshotRange range;

    assert_true(snapshot_next_file(cursor, &file));
    assert_string_equal(file.path, path);
    assert_true(file.id.ino == id->ino && file.id.size == id->size);
    assert_true(file.id.mtime_sec == id->mtime_sec && file.id.mtime_nsec == id->mtime_nsec);
    assert_int_equal(file.n_ranges, n);
    for (size_t i = 0; i < n; i++) {
        assert_true(snapshot_next_range(&file, &range));
        assert_true(range.first == ranges[i].first && range.count == ranges[i].count);
    }
    assert_false(snapshot_next_range(&file, &range));
}

static void reads_back(void **state)
{
    cleanup(snapshot_writer_clear) SnapshotWriter writer;
    SnapshotHead head;
    SnapshotCursor files;
    SnapshotFile file;

    write_sample(&writer);
    assert_int_equal(snapshot_read(writer.data, writer.size, &head, &files), SNAPSHOT_GOOD);
    assert_string_equal(head.unit, UNIT);
    assert_int_equal(head.taken_sec, 1234567890);
    assert_int_equal(head.n_files, 2);
    assert_int_equal(head.bytes, (2 + 202) * SNAPSHOT_BLOCK);
    assert_file(&files, "/srv/a b\n", &small, both, ELEMENTS(both));
    assert_file(&files, "/srv/\xff", &large, many, ELEMENTS(many));
    assert_false(snapshot_next_file(&files, &file));
}

static void of_nothing(void **state)
{
    cleanup(snapshot_writer_clear) SnapshotWriter writer;
    SnapshotHead head;
    SnapshotCursor files;
    SnapshotFile file;

    assert_int_equal(snapshot_begin(&writer, UNIT, SNAPSHOT_SIZE_MAX), 0);
    snapshot_finish(&writer, 1);
    assert_int_equal(snapshot_read(writer.data, writer.size, &head, &files), SNAPSHOT_GOOD);
    assert_int_equal(head.n_files, 0);
    assert_false(snapshot_next_file(&files, &file));
}

static void what_cannot_be_is_not_written(void **state)
{
    static const SnapshotRange bad[][2] = {
        { { 0, 0 }, { 3, 1 } },              /* empty */
        { { 2, 1 }, { 1, 1 } },              /* backwards */
        { { 0, 2 }, { 1, 1 } },              /* overlapping */
        { { 0, 1 }, { 1, 1 } },              /* one range in two */
        { { 0, 1 }, { 10, 1 } },             /* beyond the end */
        { { 0, 1 }, { 5, UINT64_MAX - 2 } }, /* around */
    };
    static const SnapshotId eight = { .size = 8 * SNAPSHOT_BLOCK };
    cleanup(snapshot_writer_clear) SnapshotWriter writer;
    SnapshotId odd = { .size = 4096, .mtime_nsec = 1000000000 };
    char path[PATH_MAX + 1];

    assert_int_equal(snapshot_begin(&writer, UNIT, SNAPSHOT_SIZE_MAX), 0);
    size_t before = writer.size;
    for (size_t i = 0; i < ELEMENTS(bad); i++)
        assert_int_equal(snapshot_add(&writer, "/a", &eight, bad[i], 2), -EINVAL);
    assert_int_equal(snapshot_add(&writer, "/a", &small, both, 0), -EINVAL);
    assert_int_equal(snapshot_add(&writer, "a", &small, both, 1), -EINVAL);
    assert_int_equal(snapshot_add(&writer, "", &small, both, 1), -EINVAL);
    assert_int_equal(snapshot_add(&writer, "/a", &odd, both, 1), -EINVAL);
    memset(path, '/', sizeof(path));
    path[PATH_MAX] = '\0';
    assert_int_equal(snapshot_add(&writer, path, &small, both, 1), -EINVAL);
    assert_int_equal(writer.size, before);
}

static void a_full_snapshot_stays_good(void **state)
{
    cleanup(snapshot_writer_clear) SnapshotWriter writer;
    SnapshotHead head;
    SnapshotCursor files;
    size_t n = 0;

    assert_int_equal(snapshot_begin(&writer, UNIT, 1000), 0);
    while (snapshot_add(&writer, "/srv/file", &small, both, 1) == 0)
        n++;
    assert_int_equal(snapshot_add(&writer, "/srv/file", &small, both, 1), -E2BIG);
    snapshot_finish(&writer, 1);
    assert_in_range(writer.size, 950, 1000);
    assert_int_equal(snapshot_read(writer.data, writer.size, &head, &files), SNAPSHOT_GOOD);
    assert_int_equal(head.n_files, n);
}

static void every_flipped_bit_is_noticed(void **state)
{
    cleanup(snapshot_writer_clear) SnapshotWriter writer;
    SnapshotHead head;
    SnapshotCursor files;

    write_sample(&writer);
    for (size_t i = 0; i < writer.size * 8; i++) {
        writer.data[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_not_equal(snapshot_read(writer.data, writer.size, &head, &files), SNAPSHOT_GOOD);
        writer.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
}

static void every_length_is_noticed(void **state)
{
    cleanup(snapshot_writer_clear) SnapshotWriter writer;
    SnapshotHead head;
    SnapshotCursor files;

    write_sample(&writer);
    for (size_t size = 0; size < writer.size; size++) {
        /* In a block of its own, so that AddressSanitizer sees a step behind it. */
        CLEANUP_FREE uint8_t *part = malloc(size + !size);
        memcpy(part, writer.data, size);
        assert_int_equal(snapshot_read(part, size, &head, &files),
                         size < 8 ? SNAPSHOT_FOREIGN : SNAPSHOT_TRUNCATED);
    }
    CLEANUP_FREE uint8_t *more = calloc(1, writer.size + 1);
    memcpy(more, writer.data, writer.size);
    assert_int_equal(snapshot_read(more, writer.size + 1, &head, &files), SNAPSHOT_TRUNCATED);
}

static void faults_have_their_words(void **state)
{
    cleanup(snapshot_writer_clear) SnapshotWriter writer;
    SnapshotHead head;
    SnapshotCursor files;

    write_sample(&writer);
    writer.data[8]++;
    SnapshotFault fault = snapshot_read(writer.data, writer.size, &head, &files);
    assert_string_equal(snapshot_fault_to_string(fault), "it was written by another version");
    writer.data[8]--;
    writer.data[writer.size - 1]++;
    fault = snapshot_read(writer.data, writer.size, &head, &files);
    assert_string_equal(snapshot_fault_to_string(fault), "it is damaged: its checksum is another");
    fault = snapshot_read("version: 1\n", 11, &head, &files);
    assert_string_equal(snapshot_fault_to_string(fault), "it is no snapshot");
    fault = snapshot_read(NULL, 0, &head, &files);
    assert_string_equal(snapshot_fault_to_string(fault), "it is no snapshot");

    /* One that sums up, and counts a file that is not there. */
    writer.n_files++;
    writer.data[writer.size - 1]--;
    snapshot_finish(&writer, 1);
    fault = snapshot_read(writer.data, writer.size, &head, &files);
    assert_string_equal(snapshot_fault_to_string(fault),
                        "it is damaged: its content makes no sense");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_back),
        cmocka_unit_test(of_nothing),
        cmocka_unit_test(what_cannot_be_is_not_written),
        cmocka_unit_test(a_full_snapshot_stays_good),
        cmocka_unit_test(every_flipped_bit_is_noticed),
        cmocka_unit_test(every_length_is_noticed),
        cmocka_unit_test(faults_have_their_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
