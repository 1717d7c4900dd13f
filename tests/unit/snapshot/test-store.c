/* SPDX-License-Identifier: MIT */
/* Snapshots as files. */
#include "unit/test.h"

#include <errno.h>

#include "snapshot/store.h"
#include "unit/kernel/scratch.h"

static void save(const Scratch *folder, const char *unit)
{
    cleanup(snapshot_writer_clear) SnapshotWriter writer;

    assert_int_equal(snapshot_begin(&writer, unit, SNAPSHOT_SIZE_MAX), 0);
    snapshot_finish(&writer, 5);
    assert_int_equal(snapshot_save(folder->fd, unit, &writer), 0);
}

static void assert_ignored(const Scratch *folder, const char *unit, const char *why)
{
    Snapshot snapshot;
    const char *told = NULL;

    assert_int_equal(snapshot_load(folder->fd, unit, &snapshot, &told), -EBADMSG);
    assert_string_equal(told, why);
}

static void saved_loaded_removed(void **state)
{
    CLEANUP_SCRATCH Scratch folder = scratch_new("/tmp");
    const char *why;
    struct stat st;
    Snapshot snapshot;

    assert_int_equal(snapshot_load(folder.fd, "a.service", &snapshot, &why), -ENOENT);
    save(&folder, "a.service");
    assert_int_equal(fstatat(folder.fd, "a.service.snapshot", &st, 0), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0600);
    assert_int_equal(snapshot_load(folder.fd, "a.service", &snapshot, &why), 0);
    assert_int_equal(snapshot.head.taken_sec, 5);
    assert_string_equal(snapshot.head.unit, "a.service");
    snapshot_clear(&snapshot);
    assert_int_equal(snapshot_remove(folder.fd, "a.service"), 0);
    assert_int_equal(snapshot_remove(folder.fd, "a.service"), 0);
    assert_int_equal(snapshot_load(folder.fd, "a.service", &snapshot, &why), -ENOENT);
}

static void what_is_wrong_is_told(void **state)
{
    CLEANUP_SCRATCH Scratch folder = scratch_new("/tmp");

    save(&folder, "a.service");
    assert_int_equal(renameat(folder.fd, "a.service.snapshot", folder.fd, "b.service.snapshot"), 0);
    assert_ignored(&folder, "b.service", "it is of another unit");
    scratch_put(&folder, "c.service.snapshot", "hello");
    assert_ignored(&folder, "c.service", "it is no snapshot");
    scratch_put(&folder, "d.service.snapshot", "");
    assert_ignored(&folder, "d.service", "it is no snapshot");
    scratch_put_sized(&folder, "e.service.snapshot", SNAPSHOT_SIZE_MAX + 1);
    assert_ignored(&folder, "e.service", "it is larger than any snapshot");
}

static void names_stay_in_the_folder(void **state)
{
    CLEANUP_SCRATCH Scratch folder = scratch_new("/tmp");
    char longest[NAME_MAX + 1];
    const char *why;
    Snapshot snapshot;

    assert_int_equal(snapshot_load(folder.fd, "../a", &snapshot, &why), -EINVAL);
    assert_int_equal(snapshot_load(folder.fd, "", &snapshot, &why), -EINVAL);
    assert_int_equal(snapshot_remove(folder.fd, "a/../../b"), -EINVAL);
    memset(longest, 'x', NAME_MAX);
    longest[NAME_MAX] = '\0';
    assert_int_equal(snapshot_remove(folder.fd, longest), -ENAMETOOLONG);
}

static void old_ones_are_removed(void **state)
{
    CLEANUP_SCRATCH Scratch folder = scratch_new("/tmp");
    const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

    save(&folder, "old.service");
    save(&folder, "new.service");
    scratch_put(&folder, "old.text", "");
    must(utimensat(folder.fd, "old.service.snapshot", old, 0));
    must(utimensat(folder.fd, "old.text", old, 0));
    assert_int_equal(snapshot_remove_older(folder.fd, 2000, 1000), 0);
    assert_int_equal(snapshot_remove_older(folder.fd, 2001, 1000), 1);
    assert_int_equal(faccessat(folder.fd, "old.service.snapshot", F_OK, 0), -1);
    assert_int_equal(faccessat(folder.fd, "new.service.snapshot", F_OK, 0), 0);
    assert_int_equal(faccessat(folder.fd, "old.text", F_OK, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saved_loaded_removed),
        cmocka_unit_test(what_is_wrong_is_told),
        cmocka_unit_test(names_stay_in_the_folder),
        cmocka_unit_test(old_ones_are_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
