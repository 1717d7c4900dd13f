/* SPDX-License-Identifier: MIT */
#include "kernel/globset.h"

#include <errno.h>
#include <string.h>

#include "unit/kernel/scratch.h"
#include "unit/test.h"

/* Steps through all names of @path; what the last of them may be. */
static GlobStep step_through(GlobSet *set, const char *path)
{
    uint32_t states[64];
    char copy[256], *rest = copy;
    GlobStep step;

    snprintf(copy, sizeof copy, "%s", path + 1);
    globset_start(set, &step);
    for (char *name; (name = strsep(&rest, "/"));) {
        size_t n = step.n_states;
        assert_true(n <= ELEMENTS(states));
        memcpy(states, step.states, n * sizeof *states);
        globset_step(set, states, n, name, &step);
    }
    return step;
}

static bool finds(const char *pattern, const char *path)
{
    cleanup(globset_freep) GlobSet *set = NULL;

    assert_int_equal(globset_new(pattern, NULL, &set), 0);
    bool found = step_through(set, path).file;
    assert_int_equal(globset_matches(set, path), found);
    return found;
}

static void literals_and_wildcards(void **state)
{
    assert_true(finds("/a/b", "/a/b"));
    assert_false(finds("/a/b", "/a"));
    assert_false(finds("/a/b", "/a/b/c"));
    assert_true(finds("//a/./b/", "/a/b"));
    assert_true(finds("/a/*.db", "/a/x.db"));
    assert_false(finds("/a/*.db", "/a/b/x.db"));
    assert_false(finds("/a/*.db", "/a/.x.db"));
    assert_true(finds("/a/.*", "/a/.x"));
    assert_true(finds("/a/?/[xy]", "/a/1/y"));
    assert_false(finds("/a/?/[xy]", "/a/1/z"));
}

static void escapes(void **state)
{
    assert_true(finds("/a/\\*", "/a/*"));
    assert_false(finds("/a/\\*", "/a/b"));
    assert_true(finds("/a/\\{b,c\\}", "/a/{b,c}"));
    assert_true(finds("/a/b\\\\c", "/a/b\\c"));
}

static void any_number_of_folders(void **state)
{
    assert_true(finds("/a/**/b", "/a/b"));
    assert_true(finds("/a/**/b", "/a/x/b"));
    assert_true(finds("/a/**/b", "/a/x/y/z/b"));
    assert_false(finds("/a/**/b", "/b"));
    assert_false(finds("/a/**/b", "/a/.hidden/b"));
    assert_true(finds("/a/**/.hidden/b", "/a/x/.hidden/b"));
    assert_true(finds("/a/**", "/a/x"));
    assert_true(finds("/a/**", "/a/x/y/z"));
    assert_false(finds("/a/**", "/a"));
    assert_false(finds("/a/**", "/a/x/.y"));
    assert_true(finds("/**/b/**/c", "/b/b/c/b/c"));
    assert_true(finds("/a/**/**/b", "/a/b"));
    /* Only a component of its own is `**`. */
    assert_true(finds("/a/x**", "/a/xyz"));
    assert_false(finds("/a/x**", "/a/x/y"));
}

static void braces(void **state)
{
    assert_true(finds("/a/{b,c/d}/e", "/a/b/e"));
    assert_true(finds("/a/{b,c/d}/e", "/a/c/d/e"));
    assert_false(finds("/a/{b,c/d}/e", "/a/c/e"));
}

/* However often a name can be taken, it is stepped over once and its states are all different. */
static void states_are_a_set(void **state)
{
    cleanup(globset_freep) GlobSet *set = NULL;

    assert_int_equal(globset_new("/a/**/**/{**,**/x,x}/**/y", NULL, &set), 0);
    GlobStep step = step_through(set, "/a/x/x/x/x");
    for (size_t i = 0; i < step.n_states; i++)
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(step.states[i], step.states[j]);
    assert_true(step.n_states > 0);
}

static void what_is_named_and_what_matches(void **state)
{
    cleanup(globset_freep) GlobSet *set = NULL;

    assert_int_equal(globset_new("/srv/*/data/x", NULL, &set), 0);
    GlobStep srv = step_through(set, "/srv"), star = step_through(set, "/srv/q"),
             data = step_through(set, "/srv/q/data"), no = step_through(set, "/usr");
    assert_true(srv.named && srv.matched && !srv.file && srv.n_states == 1);
    assert_true(!star.named && star.matched);
    assert_true(!data.named && data.matched);
    assert_true(!no.named && !no.matched && no.n_states == 0);

    globset_freep(&set);
    assert_int_equal(globset_new("/srv/**/x", NULL, &set), 0);
    GlobStep passed = step_through(set, "/srv/q");
    assert_true(!passed.matched && passed.n_states > 0);
}

static void which_folders_are_listed(void **state)
{
    cleanup(globset_freep) GlobSet *set = NULL;
    GlobStep step;

    assert_int_equal(globset_new("/{srv,*.d,**/deep}", NULL, &set), 0);
    globset_start(set, &step);
    assert_int_equal(step.n_states, 4);
    assert_string_equal(globset_literal(set, step.states[0]), "srv");
    assert_null(globset_literal(set, step.states[1]));
    assert_null(globset_literal(set, step.states[2]));
    assert_string_equal(globset_literal(set, step.states[3]), "deep");
    assert_true(globset_takes(set, step.states, step.n_states, "x.d", false));
    assert_false(globset_takes(set, step.states, step.n_states, "x", false));
    assert_true(globset_takes(set, step.states, step.n_states, "x", true));
    assert_false(globset_takes(set, step.states, step.n_states, ".x", true));
    assert_false(globset_takes(set, step.states, step.n_states, "srv", false));
}

static void everything(void **state)
{
    cleanup(globset_freep) GlobSet *set = NULL;

    assert_int_equal(globset_new_everything(&set), 0);
    assert_true(step_through(set, "/.a/b/.c").file);
    assert_true(step_through(set, "/\xff\xfe").file);
    assert_false(step_through(set, "/a").named);
}

static void whole_paths(void **state)
{
    cleanup(globset_freep) GlobSet *set = NULL;
    char longest[NAME_MAX + 4] = "/a/", too_long[NAME_MAX + 5] = "/a/";

    assert_int_equal(globset_new("/a/**/*", NULL, &set), 0);
    assert_true(globset_matches(set, "//a//b/"));
    assert_true(globset_matches(set, "/a/b/c/d"));
    assert_false(globset_matches(set, "/"));
    assert_false(globset_matches(set, ""));
    assert_false(globset_matches(set, "/b/c/d"));
    memset(longest + 3, 'x', NAME_MAX);
    memset(too_long + 3, 'x', NAME_MAX + 1);
    assert_true(globset_matches(set, longest));
    assert_false(globset_matches(set, too_long));
    /* What was asked before does not matter. */
    assert_true(globset_matches(set, "/a/b"));

    globset_freep(&set);
    assert_int_equal(globset_new("/", NULL, &set), 0);
    assert_false(globset_matches(set, "/"));
    assert_false(globset_matches(set, "/a"));
}

/* "/link" leads to "/a*b", "/up" to the top; "/bad" fails. What it was asked is noted. */
static int resolve(const char *path, char **ret, void *userdata)
{
    strcat(strcat(userdata, path), ";");
    if (strncmp(path, "/bad", 4) == 0)
        return -ELOOP;
    if (strncmp(path, "/link", 5) == 0)
        return asprintf(ret, "/a*b%s", path + 5) < 0 ? -ENOMEM : 0;
    *ret = strdup(strncmp(path, "/up", 3) == 0 ? path + 3 : path);
    return *ret ? 0 : -ENOMEM;
}

static void what_is_literal_is_resolved(void **state)
{
    cleanup(globset_freep) GlobSet *set = NULL;
    char asked[256] = "";
    GlobResolver resolver = { resolve, asked };

    assert_int_equal(globset_new("/{link/c\\[,link/x/*.db/y,up/**,up,*/link}", &resolver, &set), 0);
    assert_string_equal(asked, "/link/c[;/link/x;/up;/up;;");
    GlobStep file = step_through(set, "/a*b/c["), folder = step_through(set, "/a*b/x");
    assert_true(file.file && file.named && folder.named && folder.n_states > 0);
    assert_true(step_through(set, "/a*b/x/1.db/y").file);
    assert_false(step_through(set, "/a*b/x/1.db").named);
    assert_true(step_through(set, "/z").file); /* `**` at the top */
    assert_false(step_through(set, "/link").named);
    assert_true(step_through(set, "/z/link").file);

    globset_freep(&set);
    set = NULL;
    assert_int_equal(globset_new("/{link,bad}/*", &resolver, &set), -ELOOP);
    assert_null(set);
}

static void what_is_refused(void **state)
{
    GlobSet *set = NULL;

    assert_int_equal(globset_new("a/b", NULL, &set), -EINVAL);
    assert_int_equal(globset_new("", NULL, &set), -EINVAL);
    assert_int_equal(globset_new("{/a,b}", NULL, &set), -EINVAL);
    assert_int_equal(globset_new("/a/../b", NULL, &set), -EINVAL);
    assert_int_equal(globset_new("/a/{b,..}/c", NULL, &set), -EINVAL);
    assert_int_equal(globset_new("/a/\\.\\./c", NULL, &set), -EINVAL);
    assert_int_equal(globset_new("/a/{b", NULL, &set), -EINVAL);
    assert_int_equal(globset_new("/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", NULL, &set),
                     -E2BIG);
    assert_null(set);
    assert_null(globset_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_and_wildcards),
        cmocka_unit_test(escapes),
        cmocka_unit_test(any_number_of_folders),
        cmocka_unit_test(braces),
        cmocka_unit_test(states_are_a_set),
        cmocka_unit_test(what_is_named_and_what_matches),
        cmocka_unit_test(which_folders_are_listed),
        cmocka_unit_test(everything),
        cmocka_unit_test(whole_paths),
        cmocka_unit_test(what_is_literal_is_resolved),
        cmocka_unit_test(what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
