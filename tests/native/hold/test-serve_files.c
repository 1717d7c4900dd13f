/* SPDX-License-Identifier: MIT */
/* What the holder does with the files that it is handed. */
#include <time.h>

#include "native/hold/holder.h"

static void a_file_from_opening_to_release(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);
    CLEANUP_CLOSE int file = make_file(&scratch, "f", 3 * MIB);
    HoldItem item;
    struct stat st;

    must(fstat(file, &st));
    HoldItem m = ask_open(c, file, 3 * MIB);
    assert_int_equal(m.error, 0);
    assert_true(m.dev == st.st_dev && m.ino == st.st_ino);
    assert_int_equal(m.length, 3 * MIB);
    assert_int_equal(m.locked, 0);
    assert_int_equal(locked_in_all(h.pid), 0);

    m = ask_lock(c, &st, 2 * MIB);
    assert_int_equal(m.error, 0);
    assert_true(m.dev == st.st_dev && m.ino == st.st_ino);
    assert_int_equal(m.length, 3 * MIB);
    assert_int_equal(m.locked, 2 * MIB);
    assert_int_equal(locked_in_all(h.pid), 2 * MIB);
    assert_int_equal(mapped_of(h.pid, &st).locked, 2 * MIB);

    assert_int_equal(ask_list(c, &item, 1), 1);
    assert_true(item.dev == st.st_dev && item.ino == st.st_ino);
    assert_int_equal(item.length, 3 * MIB);
    assert_int_equal(item.locked, 2 * MIB);

    m = ask_release(c, &st);
    assert_int_equal(m.error, 0);
    assert_true(m.dev == st.st_dev && m.ino == st.st_ino);
    assert_int_equal(ask_list(c, NULL, 0), 0);
    assert_int_equal(locked_in_all(h.pid), 0);
    assert_int_equal(mapped_of(h.pid, &st).n, 0);
}

static void pins_outlive_the_connection(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int first = holder_connect(&h);
    HoldItem items[2];

    struct stat st = pin_half(&scratch, first, "f");
    first = safe_close(first);
    CLEANUP_CLOSE int second = holder_connect(&h);
    assert_int_equal(ask_hello(second).pid, h.pid);
    assert_holds_half(&h, &st);
    assert_int_equal(ask_list(second, items, 2), 1);
    assert_int_equal(items[0].ino, st.st_ino);
    assert_int_equal(items[0].locked, MIB);
    /* It goes on from there. */
    assert_int_equal(ask_lock(second, &st, 16 * MIB).locked, 2 * MIB);
    assert_int_equal(locked_in_all(h.pid), 2 * MIB);
}

static uint64_t wall_clock(void)
{
    struct timespec now;

    must(clock_gettime(CLOCK_REALTIME, &now));
    return (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / NSEC_PER_USEC;
}

/* Since it was opened first, whatever is done with it later. */
static void it_knows_since_when(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int fd = holder_connect(&h);
    CLEANUP_CLOSE int file = make_file(&scratch, "f", 8 * 4096);
    struct stat st;
    HoldItem listed;

    must(fstat(file, &st));
    uint64_t before = wall_clock(), since = ask_open(fd, file, 4096).since;
    assert_in_range(since, before, wall_clock());
    assert_int_equal(ask_open(fd, file, 8 * 4096).since, since);
    assert_int_equal(ask_lock(fd, &st, 4096).since, since);
    assert_int_equal(ask_list(fd, &listed, 1), 1);
    assert_int_equal(listed.since, since);
    assert_int_equal(ask_release(fd, &st).since, 0);
    assert_true(ask_open(fd, file, 4096).since > since);
}

static void what_cannot_be_done_is_answered(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);
    CLEANUP_CLOSE int file = make_file(&scratch, "g", 100);
    const struct {
        unsigned type;
        HoldItem item;
        int file;
        int expected;
    } cases[] = {
        { 0, { 0 }, -1, -EPROTO },
        { HOLD_SCORE + 1, { 0 }, -1, -EPROTO },
        { HOLD_ITEMS, { 0 }, -1, -EPROTO },
        { HOLD_DONE, { 0 }, -1, -EPROTO },
        { HOLD_GONE, { 0 }, -1, -EPROTO },
        { UINT16_MAX, { 0 }, -1, -EPROTO },
        { HOLD_PIN, { .length = 100 }, -1, -ENOENT },
        { HOLD_PIN, { .length = 100, .lock = HOLD_LOCK_NONE }, -1, -EBADF },
        { HOLD_PIN, { .length = 101 }, file, -EINVAL },
        { HOLD_PIN, { .length = 0 }, file, -EINVAL },
        { HOLD_PIN, { .length = UINT64_MAX }, file, -EINVAL },
        { HOLD_PIN, { .length = 1, .offset = 1 }, file, -EINVAL },
        { HOLD_PIN, { .length = 1, .offset = 4096 }, file, -EINVAL },
        { HOLD_PIN, { .length = 1, .offset = UINT64_MAX }, file, -EINVAL },
        { HOLD_PIN, { .length = 1, .lock = HOLD_LOCK_NONE + 1 }, file, -EINVAL },
        { HOLD_PIN, { .length = 101, .lock = HOLD_LOCK_NONE }, file, -EINVAL },
        { HOLD_PIN, { .length = 1, .offset = 1, .lock = HOLD_LOCK_NONE }, file, -EINVAL },
        { HOLD_PIN, { .length = 1 }, scratch.fd, -EINVAL },
        { HOLD_PIN, { .length = 1 }, c, -EINVAL },
        { HOLD_PIN, { .dev = 1, .ino = 2, .locked = 4096 }, -1, -ENOENT },
        { HOLD_REFRESH, { .dev = 1, .ino = 2 }, -1, -ENOENT },
        { HOLD_RELEASE, { .dev = 1, .ino = 2 }, -1, -ENOENT },
        { HOLD_RELEASE, { .dev = UINT64_MAX, .ino = UINT64_MAX }, -1, -ENOENT },
        /* A descriptor that nobody asked for. */
        { HOLD_RELEASE, { 0 }, file, -ENOENT },
    };

    struct stat st = pin_half(&scratch, c, "f");
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        HoldItem m = ask(c, (HoldType)cases[i].type, cases[i].item, cases[i].file);
        if (m.error != cases[i].expected || m.locked != 0)
            fail_msg("case %zu: %d", i, m.error);
    }
    assert_int_equal(ask_list(c, NULL, 0), 1);
    assert_holds_half(&h, &st);
    assert_int_equal(count_descriptors(h.pid), 4);
}

/* Truncated and filled while it is mapped, locked, locked again and let go, in either way: whatever
 * the answers, the holder lives, and in the end holds all of it. */
static void truncated_at_any_moment(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);
    CLEANUP_CLOSE int file = make_file(&scratch, "f", 4 * MIB);
    struct stat st;
    unsigned failed = 0;

    must(fstat(file, &st));
    pid_t writer = must(fork());
    for (unsigned i = 0; writer == 0; i++)
        if (ftruncate(file, (off_t)(i % 3 * 4096)) < 0 || ftruncate(file, (off_t)(4 * MIB)) < 0)
            _exit(1);
    for (unsigned i = 0; i < 500; i++) {
        HoldItem item = { .length = 4 * MIB, .lock = i % 2 ? HOLD_LOCK_ON_FAULT : HOLD_LOCK_NOW };
        HoldItem resident = item_of(&st);
        failed += ask(c, HOLD_PIN, item, file).error < 0;
        resident.length = resident.locked = 4 * MIB;
        resident.lock = item.lock;
        failed += ask(c, HOLD_PIN, resident, -1).error < 0;
        failed += ask(c, HOLD_REFRESH, item_of(&st), -1).error < 0;
        item.lock = HOLD_LOCK_NONE;
        failed += ask(c, HOLD_PIN, item, file).error < 0;
        (void)ask_release(c, &st);
    }
    must(kill(writer, SIGKILL));
    must(waitpid(writer, NULL, 0));
    assert_true(failed > 0);
    must(ftruncate(file, (off_t)(4 * MIB)));
    assert_int_equal(ask_open(c, file, 4 * MIB).error, 0);
    assert_int_equal(ask_lock(c, &st, 4 * MIB).locked, 4 * MIB);
    assert_int_equal(mapped_of(h.pid, &st).locked, 4 * MIB);
    assert_int_equal(ask_hello(c).pid, h.pid);
}

static void a_truncated_file_is_told_with_what_holds(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);
    CLEANUP_CLOSE int file = make_file(&scratch, "f", 4 * MIB);
    struct stat st;

    must(fstat(file, &st));
    assert_int_equal(ask_open(c, file, 4 * MIB).error, 0);
    assert_int_equal(ask_lock(c, &st, MIB).locked, MIB);
    must(ftruncate(file, (off_t)(2 * MIB)));
    HoldItem m = ask_lock(c, &st, 3 * MIB);
    assert_int_equal(m.error, -EFAULT);
    assert_int_equal(m.locked, MIB);
    assert_int_equal(locked_in_all(h.pid), MIB);
}

static void a_rewritten_file_is_locked_again(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);
    CLEANUP_CLOSE int file = make_file(&scratch, "f", 4 * MIB);
    struct stat st;

    must(fstat(file, &st));
    assert_int_equal(ask_open(c, file, 4 * MIB).error, 0);
    assert_int_equal(ask_lock(c, &st, 3 * MIB).locked, 3 * MIB);
    must(ftruncate(file, 0));
    must(ftruncate(file, (off_t)(4 * MIB)));
    assert_int_equal(mapped_of(h.pid, &st).locked, 0);
    HoldItem m = ask(c, HOLD_REFRESH, item_of(&st), -1);
    assert_int_equal(m.error, 0);
    assert_int_equal(m.locked, 3 * MIB);
    assert_int_equal(mapped_of(h.pid, &st).locked, 3 * MIB);
    assert_int_equal(locked_in_all(h.pid), 3 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_from_opening_to_release),
        cmocka_unit_test(pins_outlive_the_connection),
        cmocka_unit_test(it_knows_since_when),
        cmocka_unit_test(what_cannot_be_done_is_answered),
        cmocka_unit_test(truncated_at_any_moment),
        cmocka_unit_test(a_truncated_file_is_told_with_what_holds),
        cmocka_unit_test(a_rewritten_file_is_locked_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
