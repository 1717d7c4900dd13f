/* SPDX-License-Identifier: MIT */
/* Taking a snapshot and warming by it. What is taken is on tmpfs, whose pages are always in memory;
 * what is warmed is on a disk, where others may take pages meanwhile. */
#include "unit/test.h"

#include <errno.h>

#include "snapshot/take.h"
#include "snapshot/warm_up.h"
#include "unit/select/selecting.h"
#include "util/io.h"
#include "util/units.h"

#define UNIT "t.service"

static const WarmUpLimits no_limits = { .bytes = UINT64_MAX, .rate = UINT64_MAX };

static Selecting selecting_in(const char *parent)
{
    return (Selecting){ .root = scratch_new(parent) };
}

static void put_bytes(const Scratch *scratch, const char *path, size_t size)
{
    CLEANUP_FREE char *bytes = malloc(size);

    assert_non_null(bytes);
    memset(bytes, 'x', size);
    scratch_folders(scratch, path);
    int fd = must(openat(scratch->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    assert_int_equal(write(fd, bytes, size), size);
    must(fsync(fd));
    close(fd);
}

static bool take(Selecting *s, SnapshotWriter *writer)
{
    SelectScope scope = scope_of(s);
    bool full;

    assert_int_equal(snapshot_take(&scope, s->rules, s->n_rules, &s->order, writer, &full), 0);
    snapshot_finish(writer, 1);
    return full;
}

static void read_back(const SnapshotWriter *writer, Snapshot *ret)
{
    *ret = (Snapshot){ 0 };
    assert_int_equal(snapshot_read(writer->data, writer->size, &ret->head, &ret->files),
                     SNAPSHOT_GOOD);
}

/* A snapshot that says that all of these files was in memory. */
static void remember(const Selecting *s, SnapshotWriter *writer, const char *const *paths)
{
    assert_int_equal(snapshot_begin(writer, UNIT, SNAPSHOT_SIZE_MAX), 0);
    for (; *paths; paths++) {
        struct stat st;
        must(stat(scratch_path(&s->root, *paths + 1), &st));
        SnapshotId id = snapshot_id_of(&st);
        SnapshotRange all = { 0, (id.size + SNAPSHOT_BLOCK - 1) / SNAPSHOT_BLOCK };
        assert_int_equal(snapshot_add(writer, *paths, &id, &all, 1), 0);
    }
    snapshot_finish(writer, 1);
}

static WarmUpOutcome warm(Selecting *s, const SnapshotWriter *writer, const WarmUpLimits *limits)
{
    SelectScope scope = scope_of(s);
    WarmUpOutcome outcome;
    Snapshot snapshot;

    read_back(writer, &snapshot);
    assert_int_equal(
        snapshot_warm_up(&scope, s->rules, s->n_rules, &s->order, &snapshot, limits, &outcome), 0);
    return outcome;
}

static void evict(const Selecting *s, const char *path)
{
    int fd = must(open(scratch_path(&s->root, path), O_RDONLY | O_CLOEXEC));
    assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    close(fd);
}

static void assert_next(SnapshotCursor *cursor, const char *path, uint64_t first, uint64_t count)
{
    SnapshotFile file;
    SnapshotRange range;

    assert_true(snapshot_next_file(cursor, &file));
    assert_string_equal(file.path, path);
    assert_int_equal(file.n_ranges, 1);
    assert_true(snapshot_next_range(&file, &range));
    assert_true(range.first == first && range.count == count);
}

static void what_is_in_memory_is_taken(void **state)
{
    CLEANUP_SELECTING Selecting s = selecting_in("/dev/shm");
    cleanup(snapshot_writer_clear) SnapshotWriter writer;
    SnapshotFile file;
    Snapshot snapshot;

    put_bytes(&s.root, "d/a", 10000);
    put_bytes(&s.root, "d/b", 4096);
    scratch_put_sized(&s.root, "d/hole", 1 * MIB); /* nothing of it is there */
    put_bytes(&s.root, "d/not-named", 4096);
    put_bytes(&s.root, "d/part", 5 * 4096);
    add_rule(&s, "/d/part")->range = (ByteRange){ 4096, 3 * 4096 };
    add_rule(&s, "/d/{a,b,hole,missing}");
    assert_int_equal(snapshot_begin(&writer, UNIT, SNAPSHOT_SIZE_MAX), 0);
    assert_false(take(&s, &writer));
    read_back(&writer, &snapshot);
    assert_int_equal(snapshot.head.n_files, 3);
    assert_next(&snapshot.files, "/d/part", 1, 2);
    assert_next(&snapshot.files, "/d/a", 0, 3);
    assert_next(&snapshot.files, "/d/b", 0, 1);
    assert_false(snapshot_next_file(&snapshot.files, &file));
}

static void short_gaps_are_closed(void **state)
{
    CLEANUP_SELECTING Selecting s = selecting_in("/dev/shm");
    cleanup(snapshot_writer_clear) SnapshotWriter writer;
    static const uint64_t pages[] = { 3, 5, 14, 24 }; /* 8 pages lie before 14, 9 before 24 */
    SnapshotFile file;
    SnapshotRange range;
    Snapshot snapshot;

    scratch_put_sized(&s.root, "a", 1 * MIB);
    int fd = must(open(scratch_path(&s.root, "a"), O_WRONLY | O_CLOEXEC));
    for (size_t i = 0; i < ELEMENTS(pages); i++)
        assert_int_equal(pwrite(fd, "x", 1, (off_t)(pages[i] * 4096)), 1);
    close(fd);
    add_rule(&s, "/a");
    assert_int_equal(snapshot_begin(&writer, UNIT, SNAPSHOT_SIZE_MAX), 0);
    take(&s, &writer);
    read_back(&writer, &snapshot);
    assert_true(snapshot_next_file(&snapshot.files, &file));
    assert_int_equal(file.n_ranges, 2);
    assert_true(snapshot_next_range(&file, &range) && range.first == 3 && range.count == 12);
    assert_true(snapshot_next_range(&file, &range) && range.first == 24 && range.count == 1);
}

static void the_least_important_are_left_out(void **state)
{
    CLEANUP_SELECTING Selecting s = selecting_in("/dev/shm");
    cleanup(snapshot_writer_clear) SnapshotWriter writer;
    Snapshot snapshot;

    put_bytes(&s.root, "a", 4096);
    put_bytes(&s.root, "b", 4096);
    put_bytes(&s.root, "c", 4096);
    add_rule(&s, "/c");
    add_rule(&s, "/{a,b}");
    assert_int_equal(snapshot_begin(&writer, UNIT, 56 + 11 + 50), 0);
    assert_true(take(&s, &writer));
    read_back(&writer, &snapshot);
    assert_in_range(snapshot.head.n_files, 1, 2);
    assert_next(&snapshot.files, "/c", 0, 1);
}

static void what_was_there_is_there_again(void **state)
{
    static const char *const paths[] = { "/a", "/b", NULL };
    CLEANUP_SELECTING Selecting s = selecting_in("/var/tmp");
    cleanup(snapshot_writer_clear) SnapshotWriter writer;

    put_bytes(&s.root, "a", 2 * MIB);
    put_bytes(&s.root, "b", 1 * MIB);
    put_bytes(&s.root, "b2", 4096); /* meant, and not remembered */
    add_rule(&s, "/*");
    remember(&s, &writer, paths);
    evict(&s, "a");
    evict(&s, "b");
    WarmUpOutcome outcome = warm(&s, &writer, &no_limits);
    assert_int_equal(outcome.n_files, 2);
    assert_int_equal(outcome.n_changed + outcome.n_missing + outcome.n_failed, 0);
    assert_false(outcome.budget_reached);
    assert_in_range(outcome.bytes + outcome.was_there, 2 * MIB, 3 * MIB);
}

/* The rule meant all of it then, and means a part now. */
static void only_what_the_rule_means(void **state)
{
    static const char *const paths[] = { "/a", NULL };
    CLEANUP_SELECTING Selecting s = selecting_in("/var/tmp");
    cleanup(snapshot_writer_clear) SnapshotWriter writer;

    put_bytes(&s.root, "a", 2 * MIB);
    add_rule(&s, "/a")->range = (ByteRange){ 4096, 3 * 4096 };
    remember(&s, &writer, paths);
    WarmUpOutcome outcome = warm(&s, &writer, &no_limits);
    assert_int_equal(outcome.n_files, 1);
    assert_in_range(outcome.bytes + outcome.was_there, 0, 2 * 4096);
}

static void other_files_are_left_alone(void **state)
{
    static const char *const paths[] = { "/grown", "/written", "/exchanged", "/same",
                                         "/gone",  "/unnamed", NULL };
    CLEANUP_SELECTING Selecting s = selecting_in("/var/tmp");
    cleanup(snapshot_writer_clear) SnapshotWriter writer;
    const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = 1, .tv_nsec = 1 } };
    struct stat st;

    for (const char *const *path = paths; *path; path++)
        put_bytes(&s.root, *path + 1, 4096);
    add_rule(&s, "/{grown,written,exchanged,same,gone}");
    remember(&s, &writer, paths);

    put_bytes(&s.root, "grown", 4097);
    must(utimensat(s.root.fd, "written", times, 0));
    must(fstatat(s.root.fd, "exchanged", &st, 0));
    put_bytes(&s.root, "new", 4096);
    const struct timespec same[2] = { st.st_atim, st.st_mtim };
    must(utimensat(s.root.fd, "new", same, 0));
    must(renameat(s.root.fd, "new", s.root.fd, "exchanged"));
    must(unlinkat(s.root.fd, "gone", 0));
    WarmUpOutcome outcome = warm(&s, &writer, &no_limits);
    assert_int_equal(outcome.n_files, 4);
    assert_int_equal(outcome.n_changed, 3);
    assert_int_equal(outcome.n_missing, 2);
    assert_in_range(outcome.bytes + outcome.was_there, 0, 4096);
}

static void a_link_in_its_place_is_not_followed(void **state)
{
    static const char *const paths[] = { "/d/a", NULL };
    CLEANUP_SELECTING Selecting s = selecting_in("/var/tmp");
    cleanup(snapshot_writer_clear) SnapshotWriter writer;

    put_bytes(&s.root, "d/a", 4096);
    put_bytes(&s.root, "secret", 4096);
    add_rule(&s, "/d/*");
    remember(&s, &writer, paths);
    must(renameat(s.root.fd, "d/a", s.root.fd, "a"));
    must(symlinkat("../a", s.root.fd, "d/a"));
    WarmUpOutcome outcome = warm(&s, &writer, &no_limits);
    assert_int_equal(outcome.n_files, 0);
    assert_int_equal(outcome.n_missing, 1);
}

static void the_budget_is_kept(void **state)
{
    static const char *const paths[] = { "/a", "/b", NULL };
    CLEANUP_SELECTING Selecting s = selecting_in("/var/tmp");
    cleanup(snapshot_writer_clear) SnapshotWriter writer;
    WarmUpLimits limits = { .bytes = MIB + 4096, .rate = UINT64_MAX };

    put_bytes(&s.root, "a", 2 * MIB);
    put_bytes(&s.root, "b", 2 * MIB);
    add_rule(&s, "/*");
    remember(&s, &writer, paths);
    evict(&s, "a");
    evict(&s, "b");
    WarmUpOutcome outcome = warm(&s, &writer, &limits);
    assert_true(outcome.budget_reached);
    /* Read-ahead may bring a little more than was asked for. */
    assert_in_range(outcome.bytes, 0, limits.bytes + 128 * KIB);
}

static void the_rate_is_of_all_files(void **state)
{
    CLEANUP_SELECTING Selecting s = selecting_in("/var/tmp");
    cleanup(snapshot_writer_clear) SnapshotWriter writer;
    WarmUpLimits limits = { .bytes = UINT64_MAX, .rate = 2 * MIB };
    const char *paths[17] = { NULL };
    char names[16][8];

    for (size_t i = 0; i < ELEMENTS(names); i++) {
        snprintf(names[i], sizeof(names[i]), "/f%zu", i);
        paths[i] = names[i];
        put_bytes(&s.root, names[i] + 1, 64 * KIB);
    }
    add_rule(&s, "/f*");
    remember(&s, &writer, paths);
    for (size_t i = 0; i < ELEMENTS(names); i++)
        evict(&s, names[i] + 1);
    uint64_t began = now_usec();
    WarmUpOutcome outcome = warm(&s, &writer, &limits);
    double least = (double)outcome.bytes / (double)limits.rate * USEC_PER_SEC;
    assert_true((double)(now_usec() - began) >= least);
}

static void cancelled(void **state)
{
    static const char *const paths[] = { "/a", NULL };
    CLEANUP_SELECTING Selecting s = selecting_in("/var/tmp");
    cleanup(snapshot_writer_clear) SnapshotWriter writer;
    atomic_bool stop = true;
    WarmUpOutcome outcome;
    Snapshot snapshot;

    put_bytes(&s.root, "a", 4096);
    add_rule(&s, "/a");
    remember(&s, &writer, paths);
    read_back(&writer, &snapshot);
    SelectScope scope = scope_of(&s);
    scope.cancelled = &stop;
    assert_int_equal(
        snapshot_warm_up(&scope, s.rules, s.n_rules, &s.order, &snapshot, &no_limits, &outcome),
        -ECANCELED);
    assert_int_equal(outcome.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_memory_is_taken),
        cmocka_unit_test(short_gaps_are_closed),
        cmocka_unit_test(the_least_important_are_left_out),
        cmocka_unit_test(what_was_there_is_there_again),
        cmocka_unit_test(only_what_the_rule_means),
        cmocka_unit_test(other_files_are_left_alone),
        cmocka_unit_test(a_link_in_its_place_is_not_followed),
        cmocka_unit_test(the_budget_is_kept),
        cmocka_unit_test(the_rate_is_of_all_files),
        cmocka_unit_test(cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
