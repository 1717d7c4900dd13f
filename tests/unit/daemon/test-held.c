/* SPDX-License-Identifier: MIT */
#include "daemon/held.h"

#include <stdlib.h>
#include <string.h>

#include "unit/test.h"
#include "util/cleanup.h"
#include "util/units.h"

#define PAGE UINT64_C(4096)
#define MANY 100000

static HeldSet a_set(void)
{
    return (HeldSet){ .page = PAGE };
}

static HoldItem a_file(uint64_t ino, uint64_t length, uint64_t locked)
{
    return (HoldItem){ .dev = 1, .ino = ino, .length = length, .locked = locked };
}

static void note(HeldSet *set, uint64_t ino, uint64_t length, uint64_t locked, bool fresh)
{
    HoldItem item = a_file(ino, length, locked);

    assert_int_equal(held_note(set, &item, fresh), 0);
}

static void since_when_is_the_holders_to_say(void **state)
{
    HeldSet set = a_set();
    HoldItem item = a_file(7, PAGE, PAGE);
    size_t n;

    item.since = 42;
    assert_int_equal(held_note(&set, &item, true), 0);
    assert_int_equal(held_sorted(&set, &n)->since, 42);
    item.since = 43; /* another holder has it */
    assert_int_equal(held_note(&set, &item, false), 0);
    assert_int_equal(held_sorted(&set, &n)->since, 43);
    held_clear(&set);
}

/* The inodes and what is locked, in their order. */
static void expect(HeldSet *set, size_t n, const uint64_t (*expected)[2])
{
    size_t count;
    const PinHeld *held = held_sorted(set, &count);

    assert_int_equal(count, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(held[i].ino, expected[i][0]);
        assert_int_equal(held[i].locked, expected[i][1]);
    }
}

static void what_is_noted_is_there(void **state)
{
    HeldSet set = a_set();

    note(&set, 7, 10, 10, true);
    note(&set, 3, 2 * PAGE, PAGE, true);
    assert_int_equal(set.sum, 2 * PAGE);
    /* The end, and what is sorted: both can be changed. */
    note(&set, 3, 2 * PAGE, 2 * PAGE, false);
    expect(&set, 2, (const uint64_t[][2]){ { 3, 2 * PAGE }, { 7, 10 } });
    note(&set, 3, 3 * PAGE, 2 * PAGE + 1, true);
    note(&set, 5, PAGE, 0, true);
    note(&set, 5, PAGE, PAGE, false);
    expect(&set, 3, (const uint64_t[][2]){ { 3, 2 * PAGE + 1 }, { 5, PAGE }, { 7, 10 } });
    assert_int_equal(set.sum, 5 * PAGE);
    held_clear(&set);
    assert_int_equal(set.sum, 0);
    assert_int_equal(set.page, PAGE);
    expect(&set, 0, NULL);
}

static void what_is_gone_is_not(void **state)
{
    HeldSet set = a_set();

    for (uint64_t i = 1; i <= 4; i++)
        note(&set, i, PAGE, PAGE, true);
    expect(&set, 4, (const uint64_t[][2]){ { 1, PAGE }, { 2, PAGE }, { 3, PAGE }, { 4, PAGE } });
    note(&set, 9, PAGE, PAGE, true);
    note(&set, 2, 0, 0, false);
    note(&set, 9, 0, PAGE, false);
    note(&set, 42, 0, 0, false);
    assert_int_equal(set.sum, 3 * PAGE);
    /* And back before it was dropped. */
    note(&set, 4, 0, 0, false);
    note(&set, 4, PAGE, 1, true);
    expect(&set, 3, (const uint64_t[][2]){ { 1, PAGE }, { 3, PAGE }, { 4, 1 } });
    assert_int_equal(set.sum, 3 * PAGE);
    held_clear(&set);
}

static void a_hundred_thousand_files_take_little(void **state)
{
    HeldSet set = a_set();
    size_t n;

    for (uint64_t i = 0; i < MANY; i++)
        note(&set, i * 7919 % 1000003, PAGE, PAGE, true);
    assert_int_equal(set.sum, MANY * PAGE);
    const PinHeld *held = held_sorted(&set, &n);
    assert_int_equal(n, MANY);
    for (size_t i = 1; i < n; i++)
        assert_true(held[i - 1].ino < held[i].ino);
    /* All that the controller keeps of them, and a copy while it looks for what changed. */
    assert_in_range(set.room * sizeof(PinHeld) + n * sizeof(PinHeld), 1, 200 * MANY);
    held_clear(&set);
}

/* Of what is noted of it the holder knows nothing, so it says nothing that could change it. */
static void the_time_of_the_last_change_is_kept(void **state)
{
    HeldSet set = a_set();
    PinHeld scanned[] = {
        { .dev = 1, .ino = 2, .ctime = 20 },
        { .dev = 1, .ino = 3, .ctime = 30, .refresh = true }, /* yet to be done */
        { .dev = 1, .ino = 4, .ctime = 40 },
        { .dev = 2, .ino = 1, .ctime = 50 }, /* not held */
    };
    size_t n;

    for (uint64_t i = 1; i <= 4; i++)
        note(&set, i, PAGE, PAGE, true);
    held_note_ctime(&set, 1, 3, 29);
    held_note_ctime(&set, 1, 9, 90); /* nor is this */
    held_note_scan(&set, scanned, ELEMENTS(scanned));
    note(&set, 2, 2 * PAGE, 2 * PAGE, true);
    const PinHeld *held = held_sorted(&set, &n);
    assert_int_equal(n, 4);
    assert_int_equal(held[0].ctime, 0);
    assert_int_equal(held[1].ctime, 20);
    assert_int_equal(held[2].ctime, 29);
    assert_int_equal(held[3].ctime, 40);
    held_clear(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_noted_is_there),
        cmocka_unit_test(since_when_is_the_holders_to_say),
        cmocka_unit_test(what_is_gone_is_not),
        cmocka_unit_test(the_time_of_the_last_change_is_kept),
        cmocka_unit_test(a_hundred_thousand_files_take_little),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
