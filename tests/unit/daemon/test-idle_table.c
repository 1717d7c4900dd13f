/* SPDX-License-Identifier: MIT */
#include "daemon/idle_table.h"

#include "unit/test.h"

static void idle_since_the_first_look_that_saw_it_free(void **state)
{
    IdleTable *table = idle_table_new();
    struct stat a = { .st_dev = 1, .st_ino = 2 }, namesake = { .st_dev = 2, .st_ino = 2 };

    idle_table_begin(table, 100);
    assert_int_equal(idle_table_note(table, &a, false), 0);
    idle_table_end(table);
    idle_table_begin(table, 130);
    assert_int_equal(idle_table_note(table, &a, false), 30);
    assert_int_equal(idle_table_note(table, &namesake, false), 0);
    idle_table_end(table);
    idle_table_begin(table, 150);
    assert_int_equal(idle_table_note(table, &a, true), 0);
    idle_table_end(table);
    idle_table_begin(table, 160);
    assert_int_equal(idle_table_note(table, &a, false), 10);
    assert_int_equal(idle_table_note(table, &namesake, false), 0); /* a look did not see it */
    idle_table_end(table);
    idle_table_free(table);
}

/* Opened, written and closed between two looks; or deleted, and its number given to another. */
static void what_was_changed_is_not_idle(void **state)
{
    IdleTable *table = idle_table_new();
    struct stat a = { .st_dev = 1, .st_ino = 2, .st_mtim = { 7, 8 }, .st_ctim = { 7, 9 } };

    idle_table_begin(table, 100);
    assert_int_equal(idle_table_note(table, &a, false), 0);
    idle_table_begin(table, 130);
    assert_int_equal(idle_table_note(table, &a, false), 30);
    idle_table_begin(table, 140);
    a.st_ctim.tv_nsec++;
    assert_int_equal(idle_table_note(table, &a, false), 0);
    idle_table_begin(table, 160);
    assert_int_equal(idle_table_note(table, &a, false), 20);
    a.st_mtim.tv_sec--; /* whoever wrote it may have set it back */
    assert_int_equal(idle_table_note(table, &a, false), 0);
    idle_table_free(table);
}

static void what_the_disk_does_not_take_is_stuck(void **state)
{
    IdleTable *table = idle_table_new();
    struct stat a = { .st_dev = 1, .st_ino = 2, .st_mtim = { 7, 8 } };

    idle_table_begin(table, 100);
    assert_int_equal(idle_table_note(table, &a, false), 0);
    assert_false(idle_table_is_stuck(table, &a));
    idle_table_note_stuck(table, &a, true);
    idle_table_end(table);
    idle_table_begin(table, 200);
    assert_int_equal(idle_table_note(table, &a, false), 100);
    assert_true(idle_table_is_stuck(table, &a));
    idle_table_note_stuck(table, &a, false);
    assert_false(idle_table_is_stuck(table, &a));
    idle_table_note_stuck(table, &a, true);
    idle_table_end(table);

    /* Not in memory at a look: nothing is left to spare. */
    idle_table_begin(table, 300);
    idle_table_end(table);
    assert_false(idle_table_is_stuck(table, &a));
    idle_table_free(table);
}

static struct stat numbered(ino_t ino)
{
    return (struct stat){ .st_dev = 1, .st_ino = ino };
}

/* What has gone makes room for others in the same look. */
static void room_for_one_more(void **state)
{
    const ino_t n = 200000;
    IdleTable *table = idle_table_new();
    struct stat one, more = numbered(n);

    idle_table_begin(table, 100);
    for (ino_t i = 0; i < n; i++) {
        one = numbered(i);
        assert_int_equal(idle_table_note(table, &one, false), 0);
    }
    idle_table_go_on(table, 110);
    assert_int_equal(idle_table_note(table, &more, false), 0);
    idle_table_go_on(table, 120);
    assert_int_equal(idle_table_note(table, &more, false), 0); /* there was none */
    one = numbered(7);
    idle_table_forget(table, &one);
    idle_table_forget(table, &one);
    assert_int_equal(idle_table_note(table, &more, false), 0);
    idle_table_go_on(table, 130);
    assert_int_equal(idle_table_note(table, &more, false), 10);
    one = numbered(8);
    assert_int_equal(idle_table_note(table, &one, false), 30);
    idle_table_end(table);
    idle_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_since_the_first_look_that_saw_it_free),
        cmocka_unit_test(what_was_changed_is_not_idle),
        cmocka_unit_test(what_the_disk_does_not_take_is_stuck),
        cmocka_unit_test(room_for_one_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
