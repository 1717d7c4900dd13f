/* SPDX-License-Identifier: MIT */
#include "policy/rules.h"

#include <string.h>

#include "unit/test.h"
#include "util/strv.h"

static void a_copy_is_the_same_and_shares_nothing(void **state)
{
    char path[] = "/srv/*", exclude[] = "*_fsm", other[] = "/srv/tmp/**";
    char *excludes[] = { exclude, other, NULL };
    const PinRule rules[] = {
        { .path = path,
          .excludes = excludes,
          .max_size = 1,
          .range = { 2, 3 },
          .lock = PIN_LOCK_POPULATE,
          .place = { .line = 4, .column = 5 } },
        { .mapped = PIN_MAPPED_LIBRARIES, .max_size = UINT64_MAX },
    };
    PinRule *copy;

    assert_int_equal(pin_rules_copy(rules, ELEMENTS(rules), &copy), 0);
    memset(path, 'x', strlen(path));
    memset(exclude, 'x', strlen(exclude));
    memset(other, 'x', strlen(other));
    assert_string_equal(copy[0].path, "/srv/*");
    assert_int_equal(strv_length(copy[0].excludes), 2);
    assert_string_equal(copy[0].excludes[0], "*_fsm");
    assert_string_equal(copy[0].excludes[1], "/srv/tmp/**");
    assert_int_equal(copy[0].max_size, 1);
    assert_int_equal(copy[0].range.begin, 2);
    assert_int_equal(copy[0].range.end, 3);
    assert_int_equal(copy[0].lock, PIN_LOCK_POPULATE);
    assert_int_equal(copy[0].place.line, 4);
    assert_int_equal(copy[0].place.column, 5);
    assert_null(copy[1].path);
    assert_null(copy[1].excludes);
    assert_int_equal(copy[1].mapped, PIN_MAPPED_LIBRARIES);
    pin_rules_free(copy, ELEMENTS(rules));
}

static void of_none_there_is_none(void **state)
{
    PinRule rule, *copy = &rule;

    assert_int_equal(pin_rules_copy(NULL, 0, &copy), 0);
    assert_null(copy);
    pin_rules_free(copy, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_the_same_and_shares_nothing),
        cmocka_unit_test(of_none_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
