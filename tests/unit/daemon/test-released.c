/* SPDX-License-Identifier: MIT */
#include "daemon/released.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "unit/test.h"
#include "util/strv.h"

static char *const mounted[] = { (char *)"/", (char *)"/srv", NULL };
static char *const unmounted[] = { (char *)"/", NULL };

static void expect(const Released *released, const char *expected)
{
    cleanup(strv_freep) char **paths = NULL;
    char text[256] = "";

    assert_int_equal(released_paths(released, &paths), 0);
    STRV_FOREACH (path, paths)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", *path);
    assert_string_equal(text, expected);
}

static void until_the_mount_comes_back(void **state)
{
    Released released = { 0 };

    assert_int_equal(released_add(&released, mounted, "/srv/data"), 0);
    assert_int_equal(released_add(&released, mounted, "/home"), 0); /* on "/", which never goes */
    assert_int_equal(released_add(&released, mounted, "/srv/data"), 0);
    expect(&released, "/srv/data /home ");
    /* It has yet to be unmounted; then others are mounted; then it comes back. */
    assert_false(released_note_mounts(&released, mounted));
    assert_false(released_note_mounts(&released, unmounted));
    assert_false(released_note_mounts(&released, unmounted));
    expect(&released, "/srv/data /home ");
    assert_true(released_note_mounts(&released, mounted));
    expect(&released, "/home ");
    assert_false(released_note_mounts(&released, mounted));
    released_clear(&released);
    expect(&released, "");
}

static void until_it_is_taken_back(void **state)
{
    Released released = { 0 };

    assert_int_equal(released_undo(&released, "/srv"), -ENOENT);
    assert_int_equal(released_add(&released, mounted, "/srv"), 0);
    assert_int_equal(released_undo(&released, "/srv/data"), -ENOENT);
    assert_int_equal(released_undo(&released, "/srv"), 0);
    expect(&released, "");
    released_clear(&released);
}

static void paths_that_no_walk_tells(void **state)
{
    static const char *const bad[] = { "",       "srv", "/srv/",     "//srv", "/srv//data",
                                       "/srv/.", "/..", "/srv/../x", "/./srv" };
    static const char *const good[] = { "/", "/srv", "/srv/.data", "/srv/..data", "/a b/c" };
    Released released = { 0 };

    for (size_t i = 0; i < ELEMENTS(bad); i++)
        if (released_add(&released, mounted, bad[i]) != -EINVAL)
            fail_msg("\"%s\" was taken", bad[i]);
    for (size_t i = 0; i < ELEMENTS(good); i++)
        if (released_add(&released, mounted, good[i]) != 0)
            fail_msg("\"%s\" was not taken", good[i]);
    assert_int_equal(released.n, ELEMENTS(good));
    released_clear(&released);
}

static void only_so_many(void **state)
{
    Released released = { 0 };
    char path[32];
    int r = 0;
    unsigned n;

    for (n = 0; n < 1000 && r == 0; n++) {
        snprintf(path, sizeof path, "/srv/%u", n);
        r = released_add(&released, mounted, path);
    }
    assert_int_equal(r, -E2BIG);
    assert_int_equal(released.n, n - 1);
    released_clear(&released);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(until_the_mount_comes_back),
        cmocka_unit_test(until_it_is_taken_back),
        cmocka_unit_test(paths_that_no_walk_tells),
        cmocka_unit_test(only_so_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
