/* SPDX-License-Identifier: MIT */
#include "control/cold.h"

#include "unit/test.h"
#include "util/cleanup.h"

/* MiB, and seconds. */
typedef struct Look {
    uint64_t at, cache, stolen;
} Look;

static CacheMark mark(const Look *look)
{
    return (CacheMark){
        .at_usec = look->at * USEC_PER_SEC,
        .cache = look->cache * MIB,
        .stolen = look->stolen * MIB,
    };
}

static bool is_own(Hold *hold, uint64_t evicted, const Look *looks)
{
    ColdTrial trial = { .asked = mark(looks), .begun = mark(looks + 1), .evicted = evicted * MIB };
    CacheMark after = mark(looks + 2);

    return cold_judge(hold, &trial, &after);
}

static void whose_pages_they_were(void **state)
{
    static const struct {
        uint64_t evicted;
        Look looks[3];
        bool own;
    } cases[] = {
        { 16, { { 10, 100, 0 }, { 11, 100, 0 }, { 14, 84, 0 } }, true },
        { 16, { { 10, 100, 0 }, { 11, 100, 0 }, { 14, 92, 0 } }, true },
        { 16, { { 10, 100, 0 }, { 11, 100, 0 }, { 14, 93, 0 } }, false },
        { 16, { { 10, 100, 0 }, { 11, 100, 0 }, { 14, 100, 0 } }, false },
        /* It goes on growing as before, or much faster. */
        { 16, { { 10, 90, 0 }, { 11, 100, 0 }, { 14, 114, 0 } }, true },
        { 16, { { 10, 90, 0 }, { 11, 100, 0 }, { 14, 130, 0 } }, false },
        { 16, { { 10, 100, 0 }, { 11, 100, 0 }, { 14, 114, 0 } }, false },
        /* Reclaim took it, once or all the time. */
        { 16, { { 10, 100, 7 }, { 11, 100, 7 }, { 14, 84, 23 } }, false },
        { 16, { { 10, 100, 7 }, { 11, 100, 7 }, { 14, 68, 23 } }, true },
        { 16, { { 10, 100, 7 }, { 11, 100, 17 }, { 14, 84, 47 } }, true },
        { 16, { { 10, 100, 7 }, { 11, 100, 17 }, { 14, 100, 47 } }, false },
        /* Without time between two looks nothing is known of how it grows. */
        { 16, { { 11, 0, 0 }, { 11, 100, 0 }, { 14, 84, 0 } }, true },
        { 16, { { 11, 0, 0 }, { 11, 100, 0 }, { 14, 100, 0 } }, false },
        /* Too little to tell. */
        { 0, { { 10, 100, 0 }, { 11, 100, 0 }, { 14, 100, 0 } }, true },
        { 1, { { 10, 100, 0 }, { 11, 100, 0 }, { 14, 100, 0 } }, false },
        /* Another cgroup. */
        { 16, { { 10, 100, 50 }, { 11, 100, 50 }, { 14, 3, 0 } }, true },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        Hold hold = { 0 };

        if (is_own(&hold, cases[i].evicted, cases[i].looks) != cases[i].own)
            fail_msg("case %zu", i);
        assert_int_equal(hold_is_on(&hold, 15 * USEC_PER_SEC), !cases[i].own);
    }
}

static void longer_each_time_until_it_helps(void **state)
{
    static const uint64_t lengths[] = { 60, 120, 240, 480, 960, 1920, 3600, 3600 };
    Hold hold = { 0 };
    uint64_t at = 1000;

    for (size_t i = 0; i < ELEMENTS(lengths); i++) {
        Look looks[] = { { at - 2, 100, 0 }, { at - 1, 100, 0 }, { at, 100, 0 } };

        assert_false(is_own(&hold, 16, looks));
        assert_int_equal(hold.length_usec, lengths[i] * USEC_PER_SEC);
        assert_true(hold_is_on(&hold, (at + lengths[i]) * USEC_PER_SEC - 1));
        at += lengths[i];
        assert_false(hold_is_on(&hold, at * USEC_PER_SEC));
        /* What says nothing leaves it as it is. */
        assert_true(is_own(&hold, 0, looks));
    }
    assert_true(
        is_own(&hold, 16, (Look[]){ { at, 100, 0 }, { at + 1, 100, 0 }, { at + 2, 84, 0 } }));
    assert_false(
        is_own(&hold, 16, (Look[]){ { at, 90, 0 }, { at + 1, 90, 0 }, { at + 2, 90, 0 } }));
    assert_int_equal(hold.length_usec, COLD_HOLD_MIN_USEC);
}

static void a_mark_is_of_what_the_cap_is_about(void **state)
{
    Sample sample = {
        .at_usec = 5,
        .page = 4096,
        .active_file = MIB,
        .inactive_file = 2 * MIB,
        .shmem = 4 * MIB,
        .pgsteal = 3,
    };
    CacheMark mark = cache_mark(&sample);

    assert_int_equal(mark.at_usec, 5);
    assert_int_equal(mark.cache, 3 * MIB);
    assert_int_equal(mark.stolen, 3 * 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whose_pages_they_were),
        cmocka_unit_test(longer_each_time_until_it_helps),
        cmocka_unit_test(a_mark_is_of_what_the_cap_is_about),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
