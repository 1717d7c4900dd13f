/* SPDX-License-Identifier: MIT */
/* pagewarden-warm as systemd starts it: whatever the snapshot, it ends well, and within the bounds
 * that policy and settings set. The files are on a disk, where others may take pages meanwhile. */
#include "unit/test.h"

#include "kernel/residency.h"
#include "snapshot/store.h"
#include "snapshot/take.h"
#include "unit/kernel/scratch.h"
#include "util/units.h"

#define UNIT "t-warm.service"
#define SIZE (16 * MIB) /* of the file */

typedef struct World {
    Scratch scratch;
    char output[4096];
} World;

static void world_begin(World *w)
{
    w->scratch = scratch_new(SCRATCH_PARENT);
    scratch_folders(&w->scratch, "config/policies.d/x");
    scratch_folders(&w->scratch, "state/x");
    scratch_put_dense(&w->scratch, "hot", SIZE);
}

static void world_end(World *w)
{
    scratch_done(&w->scratch);
}

#define WORLD(name)                        \
    cleanup(world_end) World name = { 0 }; \
    world_begin(&(name))

static int open_hot(const World *w)
{
    return must(openat(w->scratch.fd, "hot", O_RDONLY | O_CLOEXEC));
}

static void put_policy(const World *w, const char *budget, bool restore)
{
    char text[PATH_MAX + 256];

    snprintf(text, sizeof(text),
             "version: 1\nmatch: { units: [" UNIT "] }\npin:\n  budget: %s\n"
             "  files: [ { path: %s/hot } ]\n  restore: %s\n",
             budget, w->scratch.path, restore ? "true" : "false");
    scratch_put(&w->scratch, "config/policies.d/t.yaml", text);
}

static void put_settings(const World *w, const char *text)
{
    scratch_put(&w->scratch, "config/pagewarden.yaml", text);
}

/* What was just written may need a moment. */
static void evict(int fd)
{
    Residency residency = { .resident = 1 };

    for (unsigned tries = 0; residency.resident > 0; tries++) {
        if (tries == 100)
            fail_msg("it does not leave memory");
        usleep(tries > 0 ? 20000 : 0);
        must(-posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
        must(residency_of(fd, SIZE, &residency));
    }
}

/* That all of the file was in memory; now it is not. */
static void remember(const World *w)
{
    cleanup(snapshot_writer_clear) SnapshotWriter writer;
    SnapshotRange all = { 0, SIZE / SNAPSHOT_BLOCK };
    struct stat st;

    CLEANUP_CLOSE int state_fd = must(openat(w->scratch.fd, "state", O_RDONLY | O_CLOEXEC));
    CLEANUP_CLOSE int fd = open_hot(w);
    must(fsync(fd));
    must(fstat(fd, &st));
    SnapshotId id = snapshot_id_of(&st);
    assert_int_equal(snapshot_begin(&writer, UNIT, SNAPSHOT_SIZE_MAX), 0);
    assert_int_equal(snapshot_add(&writer, scratch_path(&w->scratch, "hot"), &id, &all, 1), 0);
    snapshot_finish(&writer, 1);
    assert_int_equal(snapshot_save(state_fd, UNIT, &writer), 0);
    evict(fd);
}

/* Returns its exit status; what it says is in w->output. */
static int run(World *w, const char *arguments)
{
    char command[3 * PATH_MAX];

    snprintf(command, sizeof(command), "%s --config=%s/config --state=%s/state %s 2>&1",
             WARM_BINARY, w->scratch.path, w->scratch.path, arguments);
    FILE *out = popen(command, "re");
    assert_non_null(out);
    size_t n = fread(w->output, 1, sizeof(w->output) - 1, out);
    w->output[n] = '\0';
    int status = pclose(out);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void expect(const World *w, const char *text)
{
    if (!strstr(w->output, text))
        fail_msg("\"%s\" is not in: %s", text, w->output);
}

static void expect_none(const World *w, const char *text)
{
    if (strstr(w->output, text))
        fail_msg("\"%s\" is in: %s", text, w->output);
}

static void what_was_there_is_read(void **state)
{
    WORLD(w);

    put_policy(&w, "64M", true);
    remember(&w);
    assert_int_equal(run(&w, UNIT), 0);
    expect(&w, UNIT ": warm start: 16M of 1 file read in ");
    expect_none(&w, "ignoring");
    put_policy(&w, "64M", false);
    remember(&w);
    assert_int_equal(run(&w, UNIT), 0);
    assert_string_equal(w.output, "");
}

/* At that rate it would be minutes. */
static void no_longer_than_restore_time(void **state)
{
    WORLD(w);

    put_policy(&w, "64M", true);
    put_settings(&w, "version: 1\nrestore_rate: 1M/s\nrestore_time: 100ms\n");
    remember(&w);
    assert_int_equal(run(&w, UNIT), 0);
    expect(&w, "; restore_time is over, and the rest is left");
    expect_none(&w, ": 16M of");
}

static void no_more_than_budget_and_reserve_leave(void **state)
{
    WORLD(w);

    put_policy(&w, "4M", true);
    remember(&w);
    assert_int_equal(run(&w, UNIT), 0);
    expect(&w, UNIT ": warm start: 4M of 1 file read in ");
    expect(&w, "; its budget, or the reserve of memory, is reached");

    put_policy(&w, "64M", true);
    put_settings(&w, "version: 1\nreserve: 100%\n");
    remember(&w);
    assert_int_equal(run(&w, UNIT), 0);
    expect(&w, UNIT ": warm start: 0 of 1 file read in ");
    expect(&w, "; its budget, or the reserve of memory, is reached");
}

static void what_is_wrong_is_told_and_no_failure(void **state)
{
    WORLD(w);

    put_policy(&w, "64M", true);
    assert_int_equal(run(&w, UNIT), 0);
    expect(&w, UNIT ": warm start: nothing is remembered of it yet");
    remember(&w);
    int fd = must(openat(w.scratch.fd, "state/" UNIT SNAPSHOT_SUFFIX, O_WRONLY | O_CLOEXEC));
    assert_int_equal(pwrite(fd, "X", 1, 100), 1);
    close(fd);
    assert_int_equal(run(&w, UNIT), 0);
    expect(&w, SNAPSHOT_SUFFIX " is ignored: it is damaged");

    remember(&w);
    must(truncate(scratch_path(&w.scratch, "hot"), (off_t)SIZE - 1));
    assert_int_equal(run(&w, UNIT), 0);
    expect(&w, "1 file not what it was when the service stopped (inode, size or time), ignoring");
}

static void wrong_usage(void **state)
{
    static const char *const wrong[] = { "", "a.service b.service", "--none a.service", "--state" };
    WORLD(w);

    for (size_t i = 0; i < ELEMENTS(wrong); i++) {
        assert_int_equal(run(&w, wrong[i]), 2);
        expect(&w, "Usage: pagewarden-warm ");
    }
    assert_int_equal(run(&w, "--help"), 0);
    expect(&w, "Usage: pagewarden-warm ");
    assert_int_equal(run(&w, "--version"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_there_is_read),
        cmocka_unit_test(no_longer_than_restore_time),
        cmocka_unit_test(no_more_than_budget_and_reserve_leave),
        cmocka_unit_test(what_is_wrong_is_told_and_no_failure),
        cmocka_unit_test(wrong_usage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
