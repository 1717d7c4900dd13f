/* SPDX-License-Identifier: MIT */
#include "control/pin_room.h"

#include "unit/test.h"
#include "util/cleanup.h"
#include "util/units.h"

#define RAM  (100 * GIB)
#define HALF (RAM / 2)
#define REST (RAM / 10)

static void the_host(void **state)
{
    static const struct {
        PinHost host;
        uint64_t expected;
        PinBound bound;
    } cases[] = {
        { { HALF, REST, RAM, 0 }, HALF, PIN_BOUND_HOST },
        { { HALF, REST, RAM, HALF - 1 }, 1, PIN_BOUND_HOST },
        { { HALF, REST, RAM, HALF }, 0, PIN_BOUND_HOST },
        { { HALF, REST, RAM, HALF + 1 }, 0, PIN_BOUND_HOST },
        { { HALF, REST, RAM, UINT64_MAX }, 0, PIN_BOUND_HOST },
        { { HALF, REST, REST + 4096, 0 }, 4096, PIN_BOUND_RESERVE },
        { { HALF, REST, REST, 0 }, 0, PIN_BOUND_RESERVE },
        { { HALF, REST, REST - 1, 0 }, 0, PIN_BOUND_RESERVE },
        { { HALF, REST, 0, 0 }, 0, PIN_BOUND_RESERVE },
        { { HALF, REST, REST + 4096, HALF - 4095 }, 4095, PIN_BOUND_HOST },
        { { HALF, REST, REST + 4096, HALF - 4097 }, 4096, PIN_BOUND_RESERVE },
        { { 0, 0, 0, 0 }, 0, PIN_BOUND_HOST },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        PinBound bound = PIN_BOUND_NONE;
        uint64_t room = pin_room_host(&cases[i].host, &bound);
        if (room != cases[i].expected || bound != cases[i].bound)
            fail_msg("case %zu: %ju, %s", i, (uintmax_t)room, pin_bound_to_string(bound));
    }
}

static void the_cgroup(void **state)
{
    static const struct {
        Sample sample;
        uint64_t expected;
    } cases[] = {
        { { .high = LIMIT_NONE, .max = LIMIT_NONE, .anon = GIB }, LIMIT_NONE },
        { { .high = GIB, .max = LIMIT_NONE }, GIB - PIN_CGROUP_HEADROOM },
        { { .high = LIMIT_NONE, .max = GIB }, GIB - PIN_CGROUP_HEADROOM },
        { { .high = 2 * GIB, .max = GIB }, GIB - PIN_CGROUP_HEADROOM },
        { { .high = GIB, .max = 2 * GIB }, GIB - PIN_CGROUP_HEADROOM },
        /* The cache can go, what else there is cannot. */
        { { .high = GIB,
            .max = LIMIT_NONE,
            .file = GIB,
            .anon = 300 * MIB,
            .shmem = 20 * MIB,
            .unevictable = 100 * MIB,
            .kernel = 4 * MIB },
          (1024 - 16 - 424) * MIB },
        { { .high = GIB, .max = LIMIT_NONE, .anon = GIB - PIN_CGROUP_HEADROOM - 1 }, 1 },
        { { .high = GIB, .max = LIMIT_NONE, .anon = GIB - PIN_CGROUP_HEADROOM }, 0 },
        { { .high = GIB, .max = LIMIT_NONE, .anon = GIB }, 0 },
        { { .high = GIB, .max = LIMIT_NONE, .anon = UINT64_MAX }, 0 },
        { { .high = 0, .max = LIMIT_NONE }, 0 },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++)
        if (pin_room_cgroup(&cases[i].sample) != cases[i].expected)
            fail_msg("case %zu: %ju", i, (uintmax_t)pin_room_cgroup(&cases[i].sample));
}

/* A service whose holder is charged beside it. */
static void the_cgroup_beside(void **state)
{
    static const struct {
        Sample sample;
        uint64_t expected;
    } cases[] = {
        { { .high = LIMIT_NONE, .max = LIMIT_NONE, .inactive_file = GIB }, LIMIT_NONE },
        /* It may have cached what is to be locked, and then that is all it can lock. */
        { { .high = LIMIT_NONE, .max = GIB, .anon = 900 * MIB, .inactive_file = 109 * MIB },
          108 * MIB },
        { { .high = LIMIT_NONE, .max = GIB, .anon = 900 * MIB, .active_file = 108 * MIB },
          LIMIT_NONE },
        { { .high = LIMIT_NONE,
            .max = GIB,
            .anon = 900 * MIB,
            .active_file = 55 * MIB,
            .inactive_file = 54 * MIB },
          108 * MIB },
        /* A service full of its own memory, which nothing is charged to. */
        { { .high = LIMIT_NONE, .max = GIB, .anon = GIB }, LIMIT_NONE },
        { { .high = LIMIT_NONE, .max = GIB, .anon = GIB, .active_file = 4096 }, 0 },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++)
        if (pin_room_beside(&cases[i].sample) != cases[i].expected)
            fail_msg("case %zu: %ju", i, (uintmax_t)pin_room_beside(&cases[i].sample));
}

static void bounds_have_words(void **state)
{
    for (PinBound bound = PIN_BOUND_NONE; bound <= PIN_BOUND_CGROUP; bound++) {
        assert_non_null(pin_bound_to_string(bound));
        for (PinBound other = PIN_BOUND_NONE; other < bound; other++)
            assert_string_not_equal(pin_bound_to_string(bound), pin_bound_to_string(other));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_host),
        cmocka_unit_test(the_cgroup),
        cmocka_unit_test(the_cgroup_beside),
        cmocka_unit_test(bounds_have_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
