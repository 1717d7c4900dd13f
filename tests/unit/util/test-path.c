/* SPDX-License-Identifier: MIT */
#include "util/path.h"

#include "unit/test.h"

static void what_is_below(void **state)
{
    assert_true(path_is_below("/a", "/"));
    assert_true(path_is_below("/", "/"));
    assert_true(path_is_below("/a/b", "/a/b"));
    assert_true(path_is_below("/a/b/c", "/a/b"));
    assert_false(path_is_below("/a", "/a/b"));
    assert_false(path_is_below("/a/bc", "/a/b"));
    assert_false(path_is_below("/shop.slice.d/job.service", "/shop.slice"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_below),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
