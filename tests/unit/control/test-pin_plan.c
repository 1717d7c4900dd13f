/* SPDX-License-Identifier: MIT */
#include "control/pin_plan.h"

#include <stdlib.h>

#include "unit/test.h"
#include "util/cleanup.h"
#include "util/units.h"

#define PAGE UINT64_C(4096)

/* One file, by inode: its size (0: not wished for), what is held of it (length 0: nothing), and
 * what should come of it. Bytes. */
typedef struct File {
    uint64_t size, length, locked;
    uint64_t target;
    bool held, keep;
} File;

#define FILES_MAX 8

static void plan_files(const char *file, int line, uint64_t budget, const File *files, size_t n)
{
    PinWish wishes[FILES_MAX] = { 0 };
    PinHeld held[FILES_MAX] = { 0 };
    size_t n_wishes = 0, n_held = 0;
    uint64_t expected = 0;

    for (size_t i = 0; i < n; i++) {
        /* What was in the outputs does not matter. */
        if (files[i].size > 0)
            wishes[n_wishes++] = (PinWish){ .dev = 7,
                                            .ino = i + 1,
                                            .size = files[i].size,
                                            .target = UINT64_MAX,
                                            .held = !files[i].held };
        if (files[i].length > 0)
            held[n_held++] = (PinHeld){ .dev = 7,
                                        .ino = i + 1,
                                        .length = files[i].length,
                                        .locked = files[i].locked,
                                        .keep = !files[i].keep };
        expected += files[i].target;
    }

    uint64_t sum = pin_plan(wishes, n_wishes, held, n_held, budget, PAGE);
    for (size_t i = 0; i < n_wishes; i++) {
        const File *f = &files[wishes[i].ino - 1];
        if (wishes[i].target != f->target || wishes[i].held != f->held)
            fail_msg("%s:%d: file %zu: target %ju, %sheld", file, line, (size_t)wishes[i].ino - 1,
                     (uintmax_t)wishes[i].target, wishes[i].held ? "" : "not ");
    }
    for (size_t i = 0; i < n_held; i++)
        if (held[i].keep != files[held[i].ino - 1].keep)
            fail_msg("%s:%d: file %zu: %s", file, line, (size_t)held[i].ino - 1,
                     held[i].keep ? "kept" : "released");
    if (sum != expected)
        fail_msg("%s:%d: %ju in all, not %ju", file, line, (uintmax_t)sum, (uintmax_t)expected);
}

#define PLAN(budget, ...)                                                   \
    do {                                                                    \
        const File files_[] = { __VA_ARGS__ };                              \
        plan_files(__FILE__, __LINE__, (budget), files_, ELEMENTS(files_)); \
    } while (0)

static void in_order_until_the_budget_is_spent(void **state)
{
    PLAN(10 * PAGE, { .size = 4 * PAGE, .target = 4 * PAGE }, { .size = PAGE, .target = PAGE },
         { .size = 100 * PAGE, .target = 5 * PAGE }, { .size = PAGE, .target = 0 });
    PLAN(UINT64_MAX, { .size = 4 * PAGE, .target = 4 * PAGE },
         { .size = 100 * PAGE, .target = 100 * PAGE });
    PLAN(5 * PAGE, { .size = 4 * PAGE, .target = 4 * PAGE }, { .size = PAGE, .target = PAGE });
}

static void whole_pages(void **state)
{
    PLAN(10 * PAGE, { .size = 1, .target = PAGE }, { .size = PAGE + 1, .target = 2 * PAGE },
         { .size = PAGE, .target = PAGE });
    /* A budget's odd end is of no use. */
    PLAN(3 * PAGE - 1, { .size = 1, .target = PAGE }, { .size = 5 * PAGE, .target = PAGE },
         { .size = 1, .target = 0 });
    PLAN(PAGE - 1, { .size = 1, .target = 0 });
}

static void what_is_held_stays(void **state)
{
    PLAN(10 * PAGE,
         { .size = 4 * PAGE,
           .length = 4 * PAGE,
           .locked = 4 * PAGE,
           .target = 4 * PAGE,
           .held = true,
           .keep = true },
         /* The last page of a file is counted in bytes by the holder. */
         { .size = PAGE + 1,
           .length = PAGE + 1,
           .locked = PAGE + 1,
           .target = 2 * PAGE,
           .held = true,
           .keep = true },
         { .size = 3 * PAGE, .length = 3 * PAGE, .target = 3 * PAGE, .held = true, .keep = true });
}

static void a_file_in_part(void **state)
{
    PLAN(2 * PAGE, { .size = 9 * PAGE,
                     .length = 9 * PAGE,
                     .locked = PAGE,
                     .target = 2 * PAGE,
                     .held = true,
                     .keep = true });
    PLAN(2 * PAGE, { .size = 9 * PAGE,
                     .length = 9 * PAGE,
                     .locked = 2 * PAGE,
                     .target = 2 * PAGE,
                     .held = true,
                     .keep = true });
}

static void a_grown_file_is_kept_and_opened_again(void **state)
{
    PLAN(10 * PAGE, { .size = 5 * PAGE,
                      .length = 4 * PAGE,
                      .locked = 4 * PAGE,
                      .target = 5 * PAGE,
                      .held = false,
                      .keep = true });
    /* Not where the budget ends before: every opening costs the holder a mapping. */
    PLAN(3 * PAGE, { .size = 5 * PAGE,
                     .length = 4 * PAGE,
                     .locked = 3 * PAGE,
                     .target = 3 * PAGE,
                     .held = true,
                     .keep = true });
    PLAN(4 * PAGE, { .size = 5 * PAGE,
                     .length = 4 * PAGE,
                     .locked = 3 * PAGE,
                     .target = 4 * PAGE,
                     .held = true,
                     .keep = true });
    /* Grown within its last page. */
    PLAN(10 * PAGE, { .size = PAGE + 9,
                      .length = PAGE + 1,
                      .locked = PAGE + 1,
                      .target = 2 * PAGE,
                      .held = false,
                      .keep = true });
}

static void a_truncated_file_is_released(void **state)
{
    PLAN(10 * PAGE, { .size = 4 * PAGE,
                      .length = 5 * PAGE,
                      .locked = 2 * PAGE,
                      .target = 4 * PAGE,
                      .keep = false });
    PLAN(10 * PAGE,
         { .size = PAGE, .length = PAGE + 1, .locked = PAGE, .target = PAGE, .keep = false });
}

static void a_lock_does_not_shrink(void **state)
{
    /* The budget was made smaller: all of the file goes, and comes back as far as is allowed. */
    PLAN(2 * PAGE, { .size = 4 * PAGE,
                     .length = 4 * PAGE,
                     .locked = 3 * PAGE,
                     .target = 2 * PAGE,
                     .keep = false });
    /* What stands before it takes more now. */
    PLAN(4 * PAGE, { .size = 3 * PAGE, .target = 3 * PAGE },
         { .size = 2 * PAGE,
           .length = 2 * PAGE,
           .locked = 2 * PAGE,
           .target = PAGE,
           .keep = false });
}

static void without_a_budget_all_is_released(void **state)
{
    PLAN(0, { .size = 4 * PAGE, .length = 4 * PAGE, .locked = 4 * PAGE, .keep = false },
         { .size = 4 * PAGE, .length = 4 * PAGE, .keep = false }, { .size = 1 });
    PLAN(PAGE, { .size = PAGE, .target = PAGE }, { .size = PAGE, .length = PAGE, .keep = false });
}

static void what_nobody_wishes_is_released(void **state)
{
    PLAN(10 * PAGE, { .length = 4 * PAGE, .locked = 4 * PAGE, .keep = false },
         { .size = PAGE,
           .length = PAGE,
           .locked = PAGE,
           .target = PAGE,
           .held = true,
           .keep = true },
         { .length = PAGE, .keep = false });
}

static void nothing_at_all(void **state)
{
    PinWish wish = { .ino = 1, .size = PAGE };
    PinWish empty = { .ino = 1, .size = 0 };
    PinHeld held = { .ino = 1, .length = PAGE, .locked = PAGE, .keep = true };

    assert_int_equal(pin_plan(NULL, 0, NULL, 0, GIB, PAGE), 0);
    assert_int_equal(pin_plan(&wish, 1, NULL, 0, GIB, PAGE), PAGE);
    assert_int_equal(pin_plan(NULL, 0, &held, 1, GIB, PAGE), 0);
    assert_false(held.keep);
    /* A file that was emptied. */
    held.keep = true;
    assert_int_equal(pin_plan(&empty, 1, &held, 1, GIB, PAGE), 0);
    assert_false(held.keep);
    assert_int_equal(empty.target, 0);
}

static void devices_count(void **state)
{
    PinWish wishes[] = { { .dev = 2, .ino = 1, .size = PAGE },
                         { .dev = 1, .ino = 2, .size = PAGE } };
    PinHeld held[] = { { .dev = 1, .ino = 1, .length = PAGE },
                       { .dev = 1, .ino = 2, .length = PAGE },
                       { .dev = 2, .ino = 2, .length = PAGE } };

    pin_plan(wishes, 2, held, 3, GIB, PAGE);
    assert_false(wishes[0].held);
    assert_true(wishes[1].held);
    assert_false(held[0].keep);
    assert_true(held[1].keep);
    assert_false(held[2].keep);
}

/* What is held from elsewhere in the file cannot be made to fit. */
static void another_offset_is_another_pin(void **state)
{
    PinWish wishes[] = { { .ino = 1, .offset = 8 * PAGE, .size = PAGE },
                         { .ino = 2, .offset = 8 * PAGE, .size = 3 * PAGE },
                         { .ino = 3, .size = PAGE } };
    PinHeld held[] = { { .ino = 1, .length = PAGE, .locked = PAGE },
                       { .ino = 2, .offset = 8 * PAGE, .length = 2 * PAGE, .locked = 2 * PAGE },
                       { .ino = 3, .offset = PAGE, .length = PAGE, .locked = PAGE } };

    assert_int_equal(pin_plan(wishes, 3, held, 3, GIB, PAGE), 5 * PAGE);
    assert_false(held[0].keep);
    assert_true(held[1].keep);
    assert_false(held[2].keep);
    assert_int_equal(wishes[0].target, PAGE);
    assert_false(wishes[0].held);
    assert_int_equal(wishes[1].target, 3 * PAGE);
    assert_false(wishes[1].held);
    assert_int_equal(wishes[2].target, PAGE);
    assert_false(wishes[2].held);
}

static void another_way_is_another_pin(void **state)
{
    PinWish wishes[] = { { .ino = 1, .size = PAGE, .way = 1 }, { .ino = 2, .size = PAGE } };
    PinHeld held[] = { { .ino = 1, .length = PAGE, .locked = PAGE },
                       { .ino = 2, .length = PAGE, .locked = PAGE, .way = 0 } };

    assert_int_equal(pin_plan(wishes, 2, held, 2, GIB, PAGE), 2 * PAGE);
    assert_false(held[0].keep);
    assert_false(wishes[0].held);
    assert_true(held[1].keep);
    assert_true(wishes[1].held);
}

/* Of what is wanted only as far as it is in memory, that counts; and all of it is mapped. */
static void only_what_is_resident(void **state)
{
    PinWish wishes[] = {
        { .ino = 1, .size = 9 * PAGE, .only_resident = true, .resident = 3 * PAGE },
        { .ino = 2, .size = 9 * PAGE, .only_resident = true },
        { .ino = 3, .size = 9 * PAGE, .only_resident = true, .resident = 4 * PAGE },
        { .ino = 4, .size = PAGE + 1, .only_resident = true, .resident = 2 * PAGE },
        { .ino = 5, .size = 9 * PAGE, .only_resident = true, .resident = 9 * PAGE },
    };
    PinHeld held[] = { { .ino = 1, .length = 9 * PAGE, .locked = PAGE },
                       { .ino = 2, .length = 9 * PAGE },
                       { .ino = 3, .length = 8 * PAGE, .locked = 4 * PAGE },
                       { .ino = 4, .length = PAGE + 1, .locked = PAGE + 1 },
                       { .ino = 5, .length = 9 * PAGE, .locked = 9 * PAGE } };
    static const uint64_t targets[] = { 3 * PAGE, 0, 4 * PAGE, 2 * PAGE, 5 * PAGE };
    static const bool is_held[] = { true, false, false, true, false };
    static const bool kept[] = { true, false, true, true, false };

    assert_int_equal(pin_plan(wishes, 5, held, 5, 14 * PAGE, PAGE), 14 * PAGE);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(wishes[i].target, targets[i]);
        assert_int_equal(wishes[i].held, is_held[i]);
        assert_int_equal(held[i].keep, kept[i]);
    }
}

static void comparing(void **state)
{
    static const PinHeld sorted[] = { { .dev = 0, .ino = 1 },
                                      { .dev = 0, .ino = UINT64_MAX },
                                      { .dev = 1, .ino = 0 },
                                      { .dev = UINT64_MAX, .ino = 0 } };

    for (size_t i = 0; i < ELEMENTS(sorted); i++)
        for (size_t j = 0; j < ELEMENTS(sorted); j++) {
            int order = pin_held_compare(&sorted[i], &sorted[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
}

static uint64_t next(uint64_t *x)
{
    *x ^= *x >> 12;
    *x ^= *x << 25;
    *x ^= *x >> 27;
    return *x * UINT64_C(0x2545F4914F6CDD1D) >> 16;
}

static uint64_t any_size(uint64_t *x)
{
    uint64_t size = (next(x) << 16 ^ next(x)) & INT64_MAX; /* st_size is signed */

    return size >> next(x) % 63;
}

/* What must hold of any plan, and of what is locked once it was carried out. */
static void check_plan(const PinWish *w, size_t n, const PinHeld *held, size_t n_held,
                       uint64_t budget, uint64_t sum)
{
    uint64_t targets = 0, still_locked = 0;

    for (size_t i = 0; i < n; i++) {
        assert_int_equal(w[i].target % PAGE, 0);
        assert_true(w[i].target < w[i].size + PAGE);
        assert_false(__builtin_add_overflow(targets, w[i].target, &targets));
        /* In order: who has less than its size leaves nothing to those behind. */
        if (i > 0 && w[i - 1].target < w[i - 1].size)
            assert_int_equal(w[i].target, 0);
    }
    assert_true(targets == sum && sum <= budget);

    for (size_t i = 0; i < n_held; i++) {
        const PinWish *wish = NULL;
        for (size_t j = 0; j < n; j++)
            if (w[j].dev == held[i].dev && w[j].ino == held[i].ino)
                wish = &w[j];
        if (held[i].keep)
            still_locked += held[i].locked;
        assert_true(!held[i].keep ||
                    (wish && held[i].locked <= wish->target && held[i].length <= wish->size));
        if (wish && wish->held)
            assert_true(held[i].keep && held[i].length >= min_u64(wish->target, wish->size));
    }
    assert_true(still_locked <= sum);
}

static void any_plan_is_within_the_budget(void **state)
{
    uint64_t x = 42, kept = 0, released = 0, exhausted = 0;

    for (unsigned run = 0; run < 50000; run++) {
        PinWish wishes[12] = { 0 };
        PinHeld held[12] = { 0 };
        size_t n_wishes = next(&x) % 13, n_held = next(&x) % 13;
        uint64_t budget = any_size(&x);

        for (size_t i = 0; i < n_wishes; i++)
            wishes[i] = (PinWish){ .dev = i % 3, .ino = i / 3, .size = any_size(&x) };
        for (size_t i = 0; i < n_held; i++) {
            uint64_t size = i < n_wishes && next(&x) % 2 ? wishes[i].size : any_size(&x);
            held[i] = (PinHeld){ .dev = i % 3, .ino = i / 3, .length = size };
            held[i].locked = next(&x) % 2 ? size : any_size(&x) % (size + 1);
        }
        qsort(held, n_held, sizeof(PinHeld), pin_held_compare);

        uint64_t sum = pin_plan(wishes, n_wishes, held, n_held, budget, PAGE);
        check_plan(wishes, n_wishes, held, n_held, budget, sum);
        exhausted += budget - sum < PAGE;
        for (size_t i = 0; i < n_held; i++) {
            kept += held[i].keep;
            released += !held[i].keep;
        }
    }
    assert_true(kept > 10000 && released > 10000 && exhausted > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order_until_the_budget_is_spent),
        cmocka_unit_test(whole_pages),
        cmocka_unit_test(what_is_held_stays),
        cmocka_unit_test(a_file_in_part),
        cmocka_unit_test(a_grown_file_is_kept_and_opened_again),
        cmocka_unit_test(a_truncated_file_is_released),
        cmocka_unit_test(a_lock_does_not_shrink),
        cmocka_unit_test(without_a_budget_all_is_released),
        cmocka_unit_test(what_nobody_wishes_is_released),
        cmocka_unit_test(nothing_at_all),
        cmocka_unit_test(devices_count),
        cmocka_unit_test(another_offset_is_another_pin),
        cmocka_unit_test(another_way_is_another_pin),
        cmocka_unit_test(only_what_is_resident),
        cmocka_unit_test(comparing),
        cmocka_unit_test(any_plan_is_within_the_budget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
