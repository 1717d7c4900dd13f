/* SPDX-License-Identifier: MIT */
#include "select/evict_files.h"

#include "unit/select/selecting.h"

static void each_file_once_by_rule_and_by_name(void **state)
{
    CLEANUP_SELECTING Selecting s = selecting_new();
    cleanup(selected_files_clear) SelectedFiles list = { 0 };
    SelectScope scope = scope_of(&s);
    const EvictRule rules[] = {
        { .path = (char *)"/b/{2,*}", .range.end = UINT64_MAX },
        { .path = NULL, .stream = true },
        { .path = (char *)"/**", .range.end = UINT64_MAX },
    };

    scratch_put_sized(&s.root, "a/1", 1);
    scratch_put_sized(&s.root, "b/1", 2);
    scratch_put_sized(&s.root, "b/2", UINT64_C(1) << 40);
    scratch_put_sized(&s.root, "b/empty", 0);
    must(mkfifoat(s.root.fd, "c", 0600));
    must(linkat(s.root.fd, "b/1", s.root.fd, "a/0", 0));
    assert_int_equal(evict_files(&scope, rules, ELEMENTS(rules), &list), 0);
    expect_list(&s, &list, "/b/1 2/2 of 0\n/b/2 1099511627776/1099511627776 of 0\n/a/1 1/1 of 2\n");
    assert_string_equal(s.passed_over, "/c is a FIFO\n");
    assert_int_equal(list.n_too_large, 0);
    scope.passed_over = NULL;
    selected_files_clear(&list);
    assert_int_equal(evict_files(&scope, rules, 0, &list), 0);
    assert_int_equal(list.n_files, 0);
    assert_int_equal(evict_files(&scope, rules, ELEMENTS(rules), &list), 0);
    assert_int_equal(list.n_files, 3);
}

static void a_range_counts_beside_what_other_rules_take(void **state)
{
    CLEANUP_SELECTING Selecting s = selecting_new();
    cleanup(selected_files_clear) SelectedFiles list = { 0 };
    SelectScope scope = scope_of(&s);
    const EvictRule rules[] = {
        { .path = (char *)"/*/*", .range = { 0, 8192 } },
        { .path = (char *)"/a/*", .range.end = UINT64_MAX },
        { .path = (char *)"/a/*", .range = { 8192, UINT64_MAX }, .keep.last = 1 },
        { .path = (char *)"/a/*", .range.end = UINT64_MAX },
    };

    scratch_put_sized(&s.root, "a/1", 8192);
    scratch_put_sized(&s.root, "a/2", 16384);
    must(linkat(s.root.fd, "a/2", s.root.fd, "a/3", 0));
    assert_int_equal(evict_files(&scope, rules, ELEMENTS(rules), &list), 0);
    expect_list(&s, &list,
                "/a/1 8192/8192 of 1\n/a/2 16384/16384 of 1\n/a/1 8192/8192 of 0\n"
                "/a/2 16384/16384 of 0\n/a/2 16384/16384 of 2\n");
}

static void expect_failure(const SelectScope *scope, const char *path, int error)
{
    const EvictRule rule = { .path = (char *)path, .range.end = UINT64_MAX };
    SelectedFiles list = { .n_files = 42 };

    assert_int_equal(evict_files(scope, &rule, 1, &list), error);
    assert_int_equal(list.n_files, 42);
}

static void failures(void **state)
{
    CLEANUP_SELECTING Selecting s = selecting_new();
    atomic_bool cancelled = true;
    SelectScope scope = scope_of(&s);

    scratch_put_sized(&s.root, "a", 0);
    expect_failure(&scope, "/{a", -EINVAL);
    scope.cancelled = &cancelled;
    expect_failure(&scope, "/a", -ECANCELED);
    expect_failure(&scope, "/b", -ECANCELED);
    assert_string_equal(s.passed_over, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_file_once_by_rule_and_by_name),
        cmocka_unit_test(a_range_counts_beside_what_other_rules_take),
        cmocka_unit_test(failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
