/* SPDX-License-Identifier: MIT */
#include "select/pin_files.h"

#include "unit/select/selecting.h"

static void expect_too_large(Selecting *s, const char *expected, size_t n_too_large)
{
    cleanup(selected_files_clear) SelectedFiles list = { 0 };
    SelectScope scope = scope_of(s);

    assert_int_equal(pin_files(&scope, s->rules, s->n_rules, &s->order, &list), 0);
    expect_list(s, &list, expected);
    assert_int_equal(list.n_too_large, n_too_large);
}

/* And nothing is too large. */
static void expect_files(Selecting *s, const char *expected)
{
    expect_too_large(s, expected, 0);
}

static void by_rule_and_by_name(void **state)
{
    CLEANUP_SELECTING Selecting s = selecting_new();

    scratch_put_sized(&s.root, "b/2", 2);
    scratch_put_sized(&s.root, "b/1", 1);
    scratch_put_sized(&s.root, "a/9", 9);
    scratch_put_sized(&s.root, "a/x/8", 8);
    expect_files(&s, "");
    add_rule(&s, "/b/*");
    add_rule(&s, "/a/{x/*,9,none}");
    expect_files(&s, "/b/1 1/1 of 0\n/b/2 2/2 of 0\n/a/9 9/9 of 1\n/a/x/8 8/8 of 1\n");
    assert_string_equal(s.passed_over, "/a/none does not exist\n");
}

static void empty_files_are_not_wished_for(void **state)
{
    CLEANUP_SELECTING Selecting s = selecting_new();

    scratch_put_sized(&s.root, "empty", 0);
    scratch_put_sized(&s.root, "full", 1);
    add_rule(&s, "/*")->max_size = 1;
    expect_files(&s, "/full 1/1 of 0\n");
    assert_string_equal(s.passed_over, "");
}

static void each_file_once(void **state)
{
    CLEANUP_SELECTING Selecting s = selecting_new();

    /* Of several names, the first that was found: of the first rule that has one, then by name. */
    scratch_put_sized(&s.root, "a/3", 3);
    must(linkat(s.root.fd, "a/3", s.root.fd, "a/1", 0));
    must(linkat(s.root.fd, "a/3", s.root.fd, "b", 0));
    must(linkat(s.root.fd, "a/3", s.root.fd, "a/2", 0));
    scratch_put_sized(&s.root, "a/4", 4);
    scratch_put_sized(&s.root, "c", 5);
    add_rule(&s, "/{c,a/2}");
    add_rule(&s, "/a/*");
    add_rule(&s, "/**");
    expect_files(&s, "/a/2 3/3 of 0\n/c 5/5 of 0\n/a/4 4/4 of 1\n");
}

static void what_is_excluded_is_counted(void **state)
{
    CLEANUP_SELECTING Selecting s = selecting_new();
    cleanup(selected_files_clear) SelectedFiles list = { 0 };
    SelectScope scope = scope_of(&s);

    scratch_put_sized(&s.root, "a/1", 1);
    scratch_put_sized(&s.root, "a/2", 1);
    scratch_put_sized(&s.root, "a/empty", 0);
    must(symlinkat("1", s.root.fd, "a/link"));
    exclude_also(add_rule(&s, "/a/*"), "*");
    exclude_also(add_rule(&s, "/a/?"), "2");
    assert_int_equal(pin_files(&scope, s.rules, s.n_rules, &s.order, &list), 0);
    assert_int_equal(list.n_files, 1);
    assert_int_equal(list.n_excluded, 3);
}

static void excludes_by_name_and_by_path(void **state)
{
    CLEANUP_SELECTING Selecting s = selecting_new();
    static const char *const names[] = { "a/1",      "a/1_fsm", "a/_fsm/2", "a/b/3_fsm",
                                         "a/b/4_vm", "a/b/c/5", "a/b/.6" };

    for (size_t i = 0; i < ELEMENTS(names); i++)
        scratch_put_sized(&s.root, names[i], 1);
    exclude_also(add_rule(&s, "/a/**"), "*_fsm");
    /* A name is a file's: what lies in a folder of that name is not left out. */
    expect_files(&s, "/a/1 1/1 of 0\n/a/_fsm/2 1/1 of 0\n/a/b/4_vm 1/1 of 0\n/a/b/c/5 1/1 of 0\n");
    exclude_also(&s.rules[0], "/a/_fsm/**");
    exclude_also(&s.rules[0], "/a/**/?_vm");
    expect_files(&s, "/a/1 1/1 of 0\n/a/b/c/5 1/1 of 0\n");
    exclude_also(&s.rules[0], "/a/b");
    exclude_also(&s.rules[0], "/1");
    expect_files(&s, "/a/1 1/1 of 0\n/a/b/c/5 1/1 of 0\n");
    exclude_also(&s.rules[0], "[15]");
    expect_files(&s, "");

    /* A wildcard takes no leading dot, here either. */
    exclude_also(add_rule(&s, "/a/b/.*"), "*");
    expect_files(&s, "/a/b/.6 1/1 of 1\n");
    exclude_also(&s.rules[1], ".*");
    expect_files(&s, "");
}

static void what_one_rule_excludes_another_takes(void **state)
{
    CLEANUP_SELECTING Selecting s = selecting_new();

    scratch_put_sized(&s.root, "a/1", 10);
    scratch_put_sized(&s.root, "a/2", 20);
    must(linkat(s.root.fd, "a/1", s.root.fd, "a/other", 0));
    exclude_also(add_rule(&s, "/a/*"), "1");
    add_rule(&s, "/a/[12]");
    /* By another name, even the same. */
    expect_files(&s, "/a/2 20/20 of 0\n/a/other 10/10 of 0\n");
    exclude_also(&s.rules[0], "other");
    expect_files(&s, "/a/2 20/20 of 0\n/a/1 10/10 of 1\n");
}

/* The walk tells /data/…, the policy does not. */
static void excludes_through_a_link_of_roots(void **state)
{
    if (geteuid() != 0)
        skip();
    CLEANUP_SELECTING Selecting s = selecting_new();

    scratch_put_sized(&s.root, "data/pg/1", 1);
    scratch_put_sized(&s.root, "data/pg/2", 2);
    scratch_put_sized(&s.root, "data/pg/tmp/3", 3);
    scratch_put_sized(&s.root, "data/pg/4", 4);
    must(symlinkat("data", s.root.fd, "lib"));
    must(symlinkat("pg/4", s.root.fd, "data/four"));
    PinRule *rule = add_rule(&s, "/lib/pg/**");
    exclude_also(rule, "/lib/pg/tmp/*");
    exclude_also(rule, "/lib/pg/2");
    exclude_also(rule, "/lib/four");
    expect_files(&s, "/data/pg/1 1/1 of 0\n");
    exclude_also(rule, "/data/pg/1");
    expect_files(&s, "");
}

static void larger_files_are_passed_over_and_counted(void **state)
{
    CLEANUP_SELECTING Selecting s = selecting_new();

    scratch_put_sized(&s.root, "10", 10);
    scratch_put_sized(&s.root, "11", 11);
    scratch_put_sized(&s.root, "12_no", 12);
    scratch_put_sized(&s.root, "13", 13);
    must(linkat(s.root.fd, "13", s.root.fd, "13_again", 0));
    PinRule *rule = add_rule(&s, "/*");
    rule->max_size = 10;
    exclude_also(rule, "*_no");
    /* Each once, and not those that are not meant anyway. */
    expect_too_large(&s, "/10 10/10 of 0\n", 2);
    assert_string_equal(s.passed_over, "");

    add_rule(&s, "/1?")->max_size = 11;
    expect_too_large(&s, "/10 10/10 of 0\n/11 11/11 of 1\n", 1);
    add_rule(&s, "/13*");
    expect_files(&s, "/10 10/10 of 0\n/11 11/11 of 1\n/13 13/13 of 2\n");
}

static void a_range_makes_a_file_smaller(void **state)
{
    CLEANUP_SELECTING Selecting s = selecting_new();

    scratch_put_sized(&s.root, "a/1", 99);
    scratch_put_sized(&s.root, "a/2", 100);
    scratch_put_sized(&s.root, "a/3", UINT64_C(1) << 40);
    scratch_put_sized(&s.root, "b", 101);
    add_rule(&s, "/a/*")->range.end = 100;
    add_rule(&s, "/**");
    expect_files(&s, "/a/1 99/99 of 0\n/a/2 100/100 of 0\n/a/3 100/1099511627776 of 0\n"
                     "/b 101/101 of 1\n");
    /* But not for max_size. */
    s.rules[0].max_size = 100;
    exclude_also(&s.rules[1], "*");
    expect_too_large(&s, "/a/1 99/99 of 0\n/a/2 100/100 of 0\n", 1);
}

static void in_the_order_that_is_asked_for(void **state)
{
    CLEANUP_SELECTING Selecting s = selecting_new();

    scratch_put_sized(&s.root, "a/1", 30);
    scratch_put_sized(&s.root, "a/2", 10);
    scratch_put_sized(&s.root, "a/3", 20);
    scratch_put_sized(&s.root, "b/1", 15);
    scratch_put_sized(&s.root, "b/2", 10);
    scratch_put_sized(&s.root, "b/3", 1000);
    add_rule(&s, "/a/*");
    add_rule(&s, "/b/*")->range.end = 20; /* what it costs counts, not what it is */
    s.order = (PinOrder){ { PIN_BY_SMALLEST }, 1 };
    expect_files(&s, "/a/2 10/10 of 0\n/b/2 10/10 of 1\n/b/1 15/15 of 1\n/a/3 20/20 of 0\n"
                     "/b/3 20/1000 of 1\n/a/1 30/30 of 0\n");
    s.order = (PinOrder){ { PIN_BY_LIST, PIN_BY_SMALLEST }, 2 };
    expect_files(&s, "/a/2 10/10 of 0\n/a/3 20/20 of 0\n/a/1 30/30 of 0\n"
                     "/b/2 10/10 of 1\n/b/1 15/15 of 1\n/b/3 20/1000 of 1\n");
    s.order = (PinOrder){ { PIN_BY_LARGEST, PIN_BY_LIST }, 2 };
    expect_files(&s, "/a/1 30/30 of 0\n/a/3 20/20 of 0\n/b/3 20/1000 of 1\n/b/1 15/15 of 1\n"
                     "/a/2 10/10 of 0\n/b/2 10/10 of 1\n");
}

static void what_is_passed_over_is_told(void **state)
{
    CLEANUP_SELECTING Selecting s = selecting_new();

    scratch_put_sized(&s.root, "a/1", 1);
    scratch_put_sized(&s.root, "c", 1);
    must(mkfifoat(s.root.fd, "a/fifo", 0600));
    must(mkdirat(s.root.fd, "a/folder", 0700));
    must(symlinkat("none", s.root.fd, "a/link"));
    PinRule *rule = add_rule(&s, "/{a/*,b,c/x}");
    expect_files(&s, "/a/1 1/1 of 0\n");
    assert_string_equal(s.passed_over, "/a/fifo is a FIFO\n"
                                       "/a/folder is a directory\n"
                                       "/a/link is a symbolic link, which is not followed\n"
                                       "/b does not exist\n"
                                       "/c is not a directory\n");
    /* What is excluded is not talked about, unless a file may be missed for it. */
    exclude_also(rule, "f*");
    exclude_also(rule, "/a/link");
    exclude_also(rule, "[bc]");
    expect_files(&s, "/a/1 1/1 of 0\n");
    assert_string_equal(s.passed_over, "/b does not exist\n/c is not a directory\n");

    /* Nobody has to listen. */
    cleanup(selected_files_clear) SelectedFiles list = { 0 };
    SelectScope scope = { .root_fd = s.root.fd };
    assert_int_equal(pin_files(&scope, s.rules, s.n_rules, &s.order, &list), 0);
    assert_int_equal(list.n_files, 1);
}

static void expect_failure(Selecting *s, const SelectScope *scope, int error)
{
    SelectedFiles list = { .n_files = 42 };

    assert_int_equal(pin_files(scope, s->rules, s->n_rules, &s->order, &list), error);
    assert_int_equal(list.n_files, 42);
}

static void globs_that_are_none(void **state)
{
    CLEANUP_SELECTING Selecting s = selecting_new();
    SelectScope scope = scope_of(&s);

    scratch_put_sized(&s.root, "a", 1);
    add_rule(&s, "/*");
    exclude_also(add_rule(&s, "/a"), "b/c");
    expect_failure(&s, &scope, -EINVAL);
    s.rules[1].excludes = strv_free(s.rules[1].excludes);
    add_rule(&s, "/{a");
    expect_failure(&s, &scope, -EINVAL);
}

static void nobody_wants_it(void **state)
{
    CLEANUP_SELECTING Selecting s = selecting_new();
    atomic_bool cancelled = true;
    SelectScope scope = scope_of(&s);

    scope.cancelled = &cancelled;
    scratch_put_sized(&s.root, "a", 0);
    add_rule(&s, "/a");
    expect_failure(&s, &scope, -ECANCELED);
    s.rules[0].path[1] = 'b';
    expect_failure(&s, &scope, -ECANCELED);
    assert_string_equal(s.passed_over, "");
    cancelled = false;
    expect_files(&s, "");
}

static void opening(void **state)
{
    CLEANUP_SELECTING Selecting s = selecting_new();
    cleanup(selected_files_clear) SelectedFiles list = { 0 };
    SelectScope scope = scope_of(&s);
    char text[8] = "";

    scratch_put(&s.root, "[y]", "no y");
    scratch_put(&s.root, "x", "x");
    scratch_put(&s.root, "y", "y");
    scratch_put(&s.root, "z", "z");
    add_rule(&s, "/*");
    assert_int_equal(pin_files(&scope, s.rules, s.n_rules, &s.order, &list), 0);
    assert_int_equal(list.n_files, 4);
    must(renameat(s.root.fd, "x", s.root.fd, "y"));
    must(unlinkat(s.root.fd, "z", 0));
    must(symlinkat("y", s.root.fd, "z"));

    CLEANUP_CLOSE int fd = selected_file_open(&scope, &list.files[0]);
    assert_int_equal(must(read(fd, text, sizeof(text))), 4);
    assert_string_equal(text, "no y");
    assert_int_equal(selected_file_open(&scope, &list.files[1]), -ENOENT);
    assert_int_equal(selected_file_open(&scope, &list.files[2]), -ESTALE);
    assert_int_equal(selected_file_open(&scope, &list.files[3]), -ENOENT);
    assert_string_equal(s.passed_over, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_rule_and_by_name),
        cmocka_unit_test(empty_files_are_not_wished_for),
        cmocka_unit_test(each_file_once),
        cmocka_unit_test(what_is_excluded_is_counted),
        cmocka_unit_test(excludes_by_name_and_by_path),
        cmocka_unit_test(what_one_rule_excludes_another_takes),
        cmocka_unit_test(excludes_through_a_link_of_roots),
        cmocka_unit_test(larger_files_are_passed_over_and_counted),
        cmocka_unit_test(a_range_makes_a_file_smaller),
        cmocka_unit_test(in_the_order_that_is_asked_for),
        cmocka_unit_test(what_is_passed_over_is_told),
        cmocka_unit_test(globs_that_are_none),
        cmocka_unit_test(nobody_wants_it),
        cmocka_unit_test(opening),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
