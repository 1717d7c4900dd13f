/* SPDX-License-Identifier: MIT */
#include "control/floor.h"

#include "unit/test.h"
#include "util/cleanup.h"
#include "util/units.h"

static void what_cannot_be_reclaimed(void **state)
{
    static const struct {
        Sample sample;
        uint64_t expected;
    } cases[] = {
        { { 0 }, 0 },
        /* The page cache can go, dirty or mapped as it may be. */
        { { .current = GIB, .file = GIB, .file_dirty = MIB, .file_mapped = MIB }, 0 },
        { { .anon = 5 }, 5 },
        { { .shmem = 7 }, 7 },
        { { .unevictable = 11 }, 11 },
        { { .kernel = 13 }, 13 },
        { { .slab_unreclaimable = 17 }, 17 },
        /* `kernel` contains the slab; it is 0 where the kernel does not tell. */
        { { .kernel = 13, .slab_unreclaimable = 5 }, 13 },
        { { .kernel = 5, .slab_unreclaimable = 13 }, 13 },
        { { .anon = 1, .shmem = 20, .unevictable = 300, .kernel = 4000 }, 4321 },
        { { .anon = UINT64_MAX, .shmem = 1 }, UINT64_MAX },
        { { .anon = 1, .kernel = UINT64_MAX }, UINT64_MAX },
        { { .anon = UINT64_MAX / 2, .unevictable = UINT64_MAX / 2, .kernel = 2 }, UINT64_MAX },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++)
        if (unreclaimable(&cases[i].sample) != cases[i].expected)
            fail_msg("case %zu: %ju", i, (uintmax_t)unreclaimable(&cases[i].sample));
}

static void the_floor_leaves_a_margin(void **state)
{
    Sample sample = { .anon = 100 * MIB, .current = GIB };

    assert_int_equal(FLOOR_MARGIN, 16 * MIB);
    assert_int_equal(limit_floor(&sample, 0), 116 * MIB);
    assert_int_equal(limit_floor(&sample, 116 * MIB), 116 * MIB);
    assert_int_equal(limit_floor(&sample, 116 * MIB + 1), 116 * MIB + 1);
    assert_int_equal(limit_floor(&(Sample){ 0 }, 0), 16 * MIB);

    sample.min = 200 * MIB;
    assert_int_equal(limit_floor(&sample, 116 * MIB), 200 * MIB);
    sample.anon = UINT64_MAX - MIB;
    assert_true(limit_floor(&sample, 0) == LIMIT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_reclaimed),
        cmocka_unit_test(the_floor_leaves_a_margin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
