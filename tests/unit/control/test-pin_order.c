/* SPDX-License-Identifier: MIT */
#include "control/pin_order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/test.h"
#include "util/cleanup.h"

/* By name, as they were found: the second entry of the policy has them of all sizes. */
static const struct {
    char name;
    PinRank rank;
} files[] = {
    { 'a', { .entry = 0, .found = 0, .size = 30 } },
    { 'b', { .entry = 0, .found = 1, .size = 10 } },
    { 'c', { .entry = 1, .found = 2, .size = 20 } },
    { 'd', { .entry = 1, .found = 3, .size = 10 } },
    { 'e', { .entry = 1, .found = 4, .size = 30 } },
    { 'f', { .entry = 2, .found = 5, .size = 20 } },
    { 'g', { .entry = 2, .found = 6, .size = UINT64_MAX } },
    { 'h', { .entry = 3, .found = 7, .size = 0 } },
};

static int compare_names(const void *a, const void *b, void *order)
{
    return pin_order_compare(order, &files[*(const char *)a - 'a'].rank,
                             &files[*(const char *)b - 'a'].rank);
}

static void expect_order(const char *file, int line, const PinOrder *order, const char *expected)
{
    /* Wherever a file stood before. */
    static const char *const befores[] = { "abcdefgh", "hgfedcba", "badcfehg", "eagcfhbd" };

    for (size_t i = 0; i < ELEMENTS(befores); i++) {
        char names[ELEMENTS(files) + 1];
        strcpy(names, befores[i]);
        qsort_r(names, ELEMENTS(files), 1, compare_names, (void *)order);
        if (strcmp(names, expected) != 0)
            fail_msg("%s:%d: %s became %s, not %s", file, line, befores[i], names, expected);
    }
}

#define ORDER(expected, ...)                                 \
    do {                                                     \
        const PinKey keys_[] = { __VA_ARGS__ };              \
        PinOrder order_ = { .n_keys = ELEMENTS(keys_) };     \
        memcpy(order_.keys, keys_, sizeof(keys_));           \
        expect_order(__FILE__, __LINE__, &order_, expected); \
    } while (0)

static void one_key(void **state)
{
    ORDER("abcdefgh", PIN_BY_LIST);
    ORDER("hbdcfaeg", PIN_BY_SMALLEST);
    ORDER("gaecfbdh", PIN_BY_LARGEST);
}

static void the_next_key_decides_where_the_first_does_not(void **state)
{
    ORDER("badcefgh", PIN_BY_LIST, PIN_BY_SMALLEST);
    ORDER("abecdgfh", PIN_BY_LIST, PIN_BY_LARGEST);
    ORDER("hbdcfaeg", PIN_BY_SMALLEST, PIN_BY_LIST);
    ORDER("gaecfbdh", PIN_BY_LARGEST, PIN_BY_LIST, PIN_BY_SMALLEST);
    /* What is decided is not asked again. */
    ORDER("hbdcfaeg", PIN_BY_SMALLEST, PIN_BY_LARGEST);
    ORDER("badcefgh", PIN_BY_LIST, PIN_BY_SMALLEST, PIN_BY_LARGEST);
}

/* They were found entry by entry, so the list alone cannot tell entry and finding apart. */
static void the_entry_is_not_the_finding(void **state)
{
    const PinOrder order = { .keys = { PIN_BY_LIST }, .n_keys = 1 };
    const PinRank early = { .entry = 1, .found = 0 }, late = { .entry = 0, .found = 9 };

    assert_true(pin_order_compare(&order, &late, &early) < 0);
    assert_true(pin_order_compare(&order, &early, &late) > 0);
}

static void without_keys_as_they_were_found(void **state)
{
    const PinOrder order = { .keys = { PIN_BY_LARGEST }, .n_keys = 0 };

    expect_order(__FILE__, __LINE__, &order, "abcdefgh");
}

static void a_file_is_itself(void **state)
{
    const PinOrder order = { .keys = { PIN_BY_SMALLEST, PIN_BY_LIST }, .n_keys = 2 };

    for (size_t i = 0; i < ELEMENTS(files); i++)
        assert_int_equal(pin_order_compare(&order, &files[i].rank, &files[i].rank), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_key),
        cmocka_unit_test(the_next_key_decides_where_the_first_does_not),
        cmocka_unit_test(the_entry_is_not_the_finding),
        cmocka_unit_test(without_keys_as_they_were_found),
        cmocka_unit_test(a_file_is_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
