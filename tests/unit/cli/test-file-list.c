/* SPDX-License-Identifier: MIT */
#include "cli/file-list.h"

#include <time.h>

#include "unit/test.h"
#include "util/strv.h"

static void arguments_are_appended(void **state)
{
    cleanup(strv_freep) char **names = NULL;
    char *arguments[] = { (char *)"a", (char *)"b", (char *)"c", NULL };

    assert_int_equal(file_list_add(arguments, 2, &names), 0);
    assert_int_equal(file_list_add(arguments, 0, &names), 0);
    assert_int_equal(file_list_add(arguments + 2, 1, &names), 0);
    assert_int_equal(strv_length(names), 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(names[i], arguments[i]);
}

/* Seconds of processor time. */
static double time_to_add(size_t n)
{
    cleanup(strv_freep) char **names = NULL;
    CLEANUP_FREE char **arguments = calloc(n, sizeof *arguments);
    struct timespec begin, end;

    assert_non_null(arguments);
    for (size_t i = 0; i < n; i++)
        arguments[i] = (char *)"name";
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    assert_int_equal(file_list_add(arguments, n, &names), 0);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    return (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
}

/* 16 times as many would take 256 times as long if each one counted those before. */
static void many_take_no_longer_each(void **state)
{
    double least = 1e9;

    for (unsigned i = 0; i < 3; i++) {
        double ratio = time_to_add(96000) / time_to_add(6000);
        least = ratio < least ? ratio : least;
    }
    assert_true(least < 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_appended),
        cmocka_unit_test(many_take_no_longer_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
