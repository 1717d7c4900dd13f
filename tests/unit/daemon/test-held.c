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
    HeldSet scanned = held_share(&set); /* takes nothing more */
    assert_ptr_equal(scanned.entries, set.entries);
    held_clear(&scanned);
    assert_in_range(set.room * sizeof(PinHeld), 1, 100 * MANY);
    held_clear(&set);
}

/* Of what is noted of it the holder knows nothing, so it says nothing that could change it. */
static void what_a_scan_found(void **state)
{
    cleanup(held_clear) HeldSet set = a_set();
    static const HeldMark marks[] = {
        { .keep = true },
        { .keep = true, .ctime = 20 },
        { .keep = true, .ctime = 30 }, /* it was changed */
        { .keep = false, .ctime = 41 },
    };
    size_t n;

    for (uint64_t i = 1; i <= 4; i++)
        note(&set, i, PAGE, PAGE, true);
    held_note_ctime(&set, 1, 3, 29);
    held_note_ctime(&set, 1, 4, 40);
    held_note_ctime(&set, 1, 9, 90); /* is not held */
    for (unsigned times = 0; times < 3; times++) {
        HeldSet scanned = held_share(&set);
        if (times == 1) { /* one of them is gone meanwhile, and one new */
            note(&set, 1, 0, 0, false);
            note(&set, 0, PAGE, PAGE, true);
        }
        assert_int_equal(scanned.n, 4);
        held_note_scan(&set, &scanned, marks);
        assert_int_equal(scanned.n, 0);
        note(&set, 2, 2 * PAGE, 2 * PAGE, true);
        const PinHeld *held = held_sorted(&set, &n);
        assert_int_equal(n, 4);
        assert_int_equal(held[0].ino, times == 0);
        assert_int_equal(held[0].ctime, 0);
        assert_int_equal(held[1].ctime, 20);
        assert_int_equal(held[2].ctime, 30);
        assert_int_equal(held[3].ctime, 40);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(held[i].keep, i != 3);
            assert_int_equal(held[i].refresh, times < 2 && i == 2); /* until that is done */
        }
        if (times == 1)
            held_note_refreshed(&set, 1, 3, true);
    }
    held_note_refreshed(&set, 1, 2, false);
    assert_true(held_sorted(&set, &n)[1].refresh);
}

/* Nothing that one of both does can be seen in the other. */
static void a_shared_set(void **state)
{
    cleanup(held_clear) HeldSet set = a_set();
    HeldSet nothing = held_share(&set);
    size_t n;

    held_clear(&nothing);
    note(&set, 7, PAGE, PAGE, true);
    note(&set, 3, PAGE, PAGE, true);
    HeldSet one = held_share(&set), two = held_share(&set);
    assert_ptr_equal(one.entries, set.entries);
    note(&set, 3, 0, 0, false);
    note(&set, 9, PAGE, PAGE, true);
    held_note_ctime(&one, 1, 7, 70);
    held_sorted_own(&two, &n)[0].keep = false;
    expect(&set, 2, (const uint64_t[][2]){ { 7, PAGE }, { 9, PAGE } });
    expect(&one, 2, (const uint64_t[][2]){ { 3, PAGE }, { 7, PAGE } });
    expect(&two, 2, (const uint64_t[][2]){ { 3, PAGE }, { 7, PAGE } });
    assert_int_equal(set.entries[0].ctime, 0);
    assert_int_equal(one.entries[1].ctime, 70);
    assert_true(one.entries[0].keep);
    held_clear(&one);
    held_clear(&two);
}

static void what_comes_behind(void **state)
{
    cleanup(held_clear) HeldSet set = a_set();
    size_t n;

    assert_int_equal(held_behind(&set, &(PinHeld){ 0 }), 0);
    for (uint64_t i = 1; i <= 5; i++)
        note(&set, 2 * i, PAGE, PAGE, true);
    (void)held_sorted(&set, &n);
    assert_int_equal(held_behind(&set, &(PinHeld){ 0 }), 0);
    for (uint64_t i = 0; i < 12; i++)
        assert_int_equal(held_behind(&set, &(PinHeld){ .dev = 1, .ino = i }), min_u64(i / 2, 5));
    assert_int_equal(held_behind(&set, &(PinHeld){ .dev = 2 }), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_noted_is_there),
        cmocka_unit_test(since_when_is_the_holders_to_say),
        cmocka_unit_test(what_is_gone_is_not),
        cmocka_unit_test(what_a_scan_found),
        cmocka_unit_test(a_shared_set),
        cmocka_unit_test(what_comes_behind),
        cmocka_unit_test(a_hundred_thousand_files_take_little),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
