/* SPDX-License-Identifier: MIT */
#include "util/pool.h"

#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#include "unit/test.h"
#include "util/cleanup.h"

#define N 50000

static void every_copy_stays(void **state)
{
    static char *copies[N];
    Pool pool = { NULL };
    char text[32];

    for (unsigned i = 0; i < N; i++) {
        snprintf(text, sizeof(text), "%.*s%u", (int)(i % 20), "aaaaaaaaaaaaaaaaaaaa", i);
        copies[i] = pool_strdup(&pool, text);
        assert_non_null(copies[i]);
    }
    for (unsigned i = 0; i < N; i++) {
        snprintf(text, sizeof(text), "%.*s%u", (int)(i % 20), "aaaaaaaaaaaaaaaaaaaa", i);
        assert_string_equal(copies[i], text);
    }
    pool_clear(&pool);
    assert_null(pool.last);
}

static void of_any_length(void **state)
{
    size_t lengths[] = { 0, 1022, 1023, 1024, 5000, 3000000, 0, 7 };
    char *copies[ELEMENTS(lengths)];
    Pool pool = { NULL };

    for (size_t i = 0; i < ELEMENTS(lengths); i++) {
        CLEANUP_FREE char *text = malloc(lengths[i] + 1);
        memset(text, 'a' + (int)i, lengths[i]);
        text[lengths[i]] = '\0';
        copies[i] = pool_strdup(&pool, text);
    }
    for (size_t i = 0; i < ELEMENTS(lengths); i++) {
        assert_int_equal(strlen(copies[i]), lengths[i]);
        assert_int_equal(strspn(copies[i], (char[]){ (char)('a' + i), '\0' }), lengths[i]);
    }
    pool_clear(&pool);
    pool_clear(&pool);
}

/* Between strings of any length. */
static void what_holds_numbers(void **state)
{
    Pool pool = { NULL };
    uint64_t *numbers[1000];

    for (size_t i = 0; i < ELEMENTS(numbers); i++) {
        assert_non_null(pool_strdup(&pool, &"abcdefgh"[i % 9]));
        numbers[i] = pool_alloc(&pool, (1 + i % 3) * sizeof(uint64_t));
        assert_int_equal((uintptr_t)numbers[i] % alignof(uint64_t), 0);
        for (size_t k = 0; k <= i % 3; k++)
            numbers[i][k] = i;
    }
    for (size_t i = 0; i < ELEMENTS(numbers); i++)
        assert_true(numbers[i][0] == i && numbers[i][i % 3] == i);
    pool_clear(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_copy_stays),
        cmocka_unit_test(of_any_length),
        cmocka_unit_test(what_holds_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
