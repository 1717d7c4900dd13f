/* SPDX-License-Identifier: MIT */
#include "select/files.h"

#include <stdio.h>
#include <string.h>

#include "unit/test.h"
#include "util/cleanup.h"

/* One name of a file, in the order of finding. */
typedef struct Found {
    const char *path; /* NULL: too large */
    uint64_t dev, ino;
} Found;

static void expect_of(const char *file, int line, const Found *found, size_t n,
                      const char *expected, size_t n_too_large)
{
    cleanup(selected_files_clear) SelectedFiles list = { 0 };
    char text[256] = "";

    for (size_t i = 0; i < n; i++) {
        struct stat st = { .st_dev = found[i].dev, .st_ino = found[i].ino, .st_size = 9 };
        assert_int_equal(selected_files_add(&list, found[i].path, NULL, &st, 100 + i), 0);
    }
    selected_files_finish(&list);
    for (size_t i = 0; i < list.n_files; i++) {
        const SelectedFile *f = &list.files[i];
        char path[SELECTED_PATH_MAX];
        strcat(strcat(text, selected_path(f, path)), " ");
        assert_true(f->dev == found[f->found].dev && f->ino == found[f->found].ino);
        assert_string_equal(path, found[f->found].path);
        assert_true(f->size == 9 && f->rule == 100u + f->found);
    }
    if (strcmp(text, expected) != 0 || list.n_too_large != n_too_large)
        fail_msg("%s:%d: \"%s\" and %zu too large", file, line, text, list.n_too_large);
}

#define EXPECT(expected, n_too_large, ...)                                              \
    do {                                                                                \
        const Found found_[] = { __VA_ARGS__ };                                         \
        expect_of(__FILE__, __LINE__, found_, ELEMENTS(found_), expected, n_too_large); \
    } while (0)

static void each_file_by_its_first_name(void **state)
{
    EXPECT("c b a ", 0, { "c", 1, 1 }, { "b", 1, 3 }, { "a", 1, 2 });
    EXPECT("a d ", 0, { "a", 1, 2 }, { "b", 1, 2 }, { "c", 1, 2 }, { "d", 1, 1 }, { "e", 1, 1 });
    EXPECT("x ", 0, { "x", UINT64_MAX, UINT64_MAX }, { "y", UINT64_MAX, UINT64_MAX });
}

static void the_device_counts(void **state)
{
    EXPECT("a b c ", 0, { "a", 2, 1 }, { "b", 1, 1 }, { "c", 1, 2 }, { "d", 2, 1 });
    EXPECT("a b ", 0, { "a", 1, 7 }, { "b", 2, 7 });
}

static void too_large_is_what_no_rule_takes(void **state)
{
    EXPECT("", 1, { NULL, 1, 1 });
    EXPECT("", 2, { NULL, 1, 1 }, { NULL, 1, 2 }, { NULL, 1, 1 });
    EXPECT("a ", 1, { NULL, 1, 1 }, { "a", 1, 1 }, { NULL, 2, 1 }, { NULL, 1, 1 }, { "b", 1, 1 });
}

static void an_empty_list(void **state)
{
    SelectedFiles list = { 0 };

    selected_files_finish(&list);
    assert_int_equal(list.n_files, 0);
    selected_files_clear(&list);
    assert_null(list.files);
}

/* A folder is kept once, also where one within it came between; and a copy stands by itself. */
static void a_folder_is_kept_once(void **state)
{
    static const char *const paths[] = {
        "/a/1", "/a/b/2", "/a/3", "/a/b2/4", "/5", "/a (deleted)"
    };
    static const MappedPlace mapped = { .pid = 7, .begin = 1, .end = 2 };
    cleanup(selected_files_clear) SelectedFiles copies = { 0 };
    SelectedFiles list = { 0 };
    char path[SELECTED_PATH_MAX];

    for (size_t i = 0; i < ELEMENTS(paths); i++) {
        struct stat st = { .st_ino = i + 1, .st_size = 9 };
        assert_int_equal(selected_files_add(&list, paths[i], i == 5 ? &mapped : NULL, &st, 3), 0);
    }
    assert_ptr_equal(list.files[0].place, list.files[2].place);
    for (size_t i = 0; i < ELEMENTS(paths); i++)
        for (size_t k = 0; k < i; k++)
            assert_true(list.files[i].place != list.files[k].place || (k == 0 && i == 2));
    for (size_t i = ELEMENTS(paths); i-- > 0;)
        assert_int_equal(selected_files_add_copy(&copies, &list.files[i]), 0);
    selected_files_trim(&list, 2);
    assert_string_equal(selected_path(&list.files[1], path), "/a/b/2");
    selected_files_clear(&list);
    for (size_t i = 0; i < ELEMENTS(paths); i++) {
        const SelectedFile *copy = &copies.files[ELEMENTS(paths) - 1 - i];
        assert_string_equal(selected_path(copy, path), paths[i]);
        assert_true(copy->ino == i + 1 && copy->size == 9 && copy->rule == 3 && copy->found == i);
        assert_int_equal(copy->place->mapped.pid, i == 5 ? 7 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_file_by_its_first_name),     cmocka_unit_test(the_device_counts),
        cmocka_unit_test(too_large_is_what_no_rule_takes), cmocka_unit_test(an_empty_list),
        cmocka_unit_test(a_folder_is_kept_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
