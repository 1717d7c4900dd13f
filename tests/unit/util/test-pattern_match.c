/* SPDX-License-Identifier: MIT */
/* Names against fnmatch(3) in the C locale, paths against a matcher that tries everything. */
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "unit/test.h"
#include "unit/util/words.h"
#include "util/cleanup.h"
#include "util/pattern.h"

static void names(void **state)
{
    assert_true(pattern_match_name("*.service", "shop.service"));
    assert_true(pattern_match_name("postgresql@*.service", "postgresql@16-main.service"));
    assert_true(pattern_match_name("[a-c]?", "b1"));
    assert_false(pattern_match_name("*", ".hidden"));
    assert_true(pattern_match_name(".*", ".hidden"));
    assert_true(pattern_match_name("\\.*", ".hidden"));
    assert_false(pattern_match_name("*.service", "shop.timer"));
    assert_false(pattern_match_name("*.service", ".service"));
    assert_true(pattern_match_name("a*.service", "a.service"));
    assert_false(pattern_match_name("a.service*.service", "a.service"));
    assert_true(
        pattern_match_name("*?[!a]", "a.")); /* not in glibc 2.36, which sees a dot in front */
}

/* A backslash at the end matches nothing there. "[.a.]" and "[=a=]" of a locale are not known here.
 * And glibc (2.36) gives up on a range without an end in a set without its end. */
static bool is_read_otherwise(const char *glob)
{
    size_t n = strlen(glob), backslashes = 0;

    while (backslashes < n && glob[n - backslashes - 1] == '\\')
        backslashes++;
    return backslashes % 2 == 1 || strstr(glob, "[.") ||
           (glob[n - 1] == '-' && strchr(glob, '[') && !strchr(glob, ']'));
}

/* All globs of up to 5 of these characters: brackets in every state of repair. */
static void globs_are_read_as_by_fnmatch(void **state)
{
    static const char *const in_globs[] = { "a", "]", "[", "!", "-", "\\", "*", "." };
    static const char *const in_names[] = { "a", "]", "[", "!", "-", "\\", ".", "b" };
    cleanup(words_clear) Words globs = { 0 }, all_names = { 0 };
    size_t matched = 0;

    words_make(&globs, "", "", in_globs, ELEMENTS(in_globs), 5);
    words_make(&all_names, "", "", in_names, ELEMENTS(in_names), 2);
    for (size_t i = 0; i < globs.n; i++) {
        const char *glob = globs.words[i];

        if (is_read_otherwise(glob))
            continue;
        for (size_t j = 0; j < all_names.n; j++) {
            bool expected = fnmatch(glob, all_names.words[j], FNM_PERIOD) == 0;

            if (pattern_match_name(glob, all_names.words[j]) != expected)
                fail_msg("glob %s, name %s: not %d", glob, all_names.words[j], expected);
            matched += expected;
        }
    }
    assert_true(matched > 5000);
}

static void classes_are_those_of_ascii(void **state)
{
    static const char *const globs[] = {
        "[[:alnum:]]", "[[:alpha:]]",  "[[:blank:]]",  "[[:cntrl:]]",   "[[:digit:]]",
        "[[:graph:]]", "[[:lower:]]",  "[[:print:]]",  "[[:punct:]]",   "[[:space:]]",
        "[[:upper:]]", "[[:xdigit:]]", "[![:punct:]]", "[a[:digit:]-]", "[[:nothing:]]",
    };

    for (size_t i = 0; i < ELEMENTS(globs); i++)
        for (int c = 1; c < 0x80; c++) {
            char name[] = { 'x', (char)c, '\0' }, glob[32];

            snprintf(glob, sizeof glob, "x%s", globs[i]);
            if (pattern_match_name(glob, name) != (fnmatch(glob, name, FNM_PERIOD) == 0))
                fail_msg("%s, character %d", glob, c);
        }
}

/* The locale of this test is C. */
static void characters_are_utf8(void **state)
{
    assert_true(pattern_match_name("caf?", "caf\303\251"));
    assert_false(pattern_match_name("caf??", "caf\303\251"));
    assert_true(pattern_match_name("[\303\240-\303\274]*", "\303\251t\303\251"));
    assert_false(pattern_match_name("[!\303\251]", "\303\251"));
    assert_true(pattern_match_name("*\303\251", "caf\303\251"));
    assert_false(pattern_match_name("*\303\250", "caf\303\251"));
    /* A byte that is not UTF-8 is one character, and no other. */
    assert_true(pattern_match_name("caf?", "caf\351"));
    assert_true(pattern_match_name("caf\351", "caf\351"));
    assert_false(pattern_match_name("caf\303\251", "caf\351"));
    assert_false(pattern_match_name("caf\303*", "caf\303\251"));
}

static void what_is_incomplete_stands_for_itself(void **state)
{
    assert_true(pattern_match_name("a\\", "a\\"));
    assert_true(pattern_match_name("*\\", "a\\"));
    assert_true(pattern_match_name("a[b*", "a[bc"));
    assert_true(pattern_match_name("?[]", "a[]"));
}

static void no_name_is_longer_than_255_bytes(void **state)
{
    char name[NAME_MAX + 2] = { 0 }, glob[4 * NAME_MAX + 8] = { 0 };

    memset(name, 'a', NAME_MAX);
    assert_true(pattern_match_name("*", name));
    for (size_t i = 0; i < NAME_MAX; i++)
        memcpy(glob + 3 * i, "[a]", 3);
    assert_true(pattern_match_name(glob, name));
    glob[3 * NAME_MAX] = '*';
    assert_true(pattern_match_name(glob, name));
    glob[3 * NAME_MAX + 1] = '?';
    assert_false(pattern_match_name(glob, name));
    for (size_t i = 0; i <= NAME_MAX; i++)
        memcpy(glob + 2 * i, "?*", sizeof "?*");
    assert_false(pattern_match_name(glob, name));
    assert_true(pattern_match_name(glob + 2, name));
    name[NAME_MAX] = 'a';
    assert_false(pattern_match_name("*", name));
    assert_false(pattern_match_name("a*", name));

    glob[0] = '/';
    memcpy(glob + 1, name, sizeof name);
    strcat(glob, "/b");
    assert_false(pattern_match_path("/**/b", glob));
    memmove(glob + 1, glob + 2, strlen(glob + 1));
    assert_true(pattern_match_path("/**/b", glob));
}

static void paths(void **state)
{
    static const struct {
        const char *pattern;
        const char *path;
        bool matches;
    } cases[] = {
        { "/kubepods.slice/**", "/kubepods.slice", false },
        { "/kubepods.slice/**", "/kubepods.slice/a.slice", true },
        { "/kubepods.slice/**", "/kubepods.slice/a.slice/b.scope", true },
        { "/kubepods.slice/**", "/kubepods.slice2/a", false },
        { "/kubepods.slice/*", "/kubepods.slice/a.slice/b.scope", false },
        { "/kubepods.slice/**/cri-*.scope", "/kubepods.slice/cri-1.scope", true },
        { "/kubepods.slice/**/cri-*.scope", "/kubepods.slice/a/b/cri-1.scope", true },
        { "/kubepods.slice/**/cri-*.scope", "/kubepods.slice/a/b/cri-1.scope/c", false },
        { "/a/**/b/**", "/a/b", false },
        { "/a/**/b/**", "/a/b/b", true },
        { "/**", "/", false },
        { "/**", "/a", true },
        { "/", "/", true },
        { "/", "/a", false },
        { "/a", "/", false },
        { "/**/x", "/.git/x", false },
        { "/**/.git/x", "/a/.git/x", true },
        { "/**", "/a/.git/x", false },
        { "/a**b", "/axb", true },
        { "/a**b", "/a/b", false },
        { "/a?b", "/a/b", false },
        { "/a[/]b", "/a/b", false },
        { "/a[/]b", "/a[/]b", true },
        { "//a/./b/", "/a//b/.", true },
        { "/a/b", "//a/b", true },
        { "/a//b", "/a/b", true },
        { "/./a", "/a", true },
        { "/a", "/./a", true },
        { "/a/", "/a", true },
        { "/a", "/a/", true },
        { "/a/", "/a/b", false },
        { "/a/.b", "/a/.c", false },
        { "/a/.b", "/a/b", false },
        { "a/b", "/a/b", false },
        { "/a/b", "a/b", false },
        { "", "", false },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++)
        if (pattern_match_path(cases[i].pattern, cases[i].path) != cases[i].matches)
            fail_msg("%s, %s: not %d", cases[i].pattern, cases[i].path, cases[i].matches);
}

static void paths_are_matched_as_by_trying_everything(void **state)
{
    static const char *const in_globs[] = { "**", "*", ".*", "a", ".a", "[!a]", "?b" };
    static const char *const in_paths[] = { "a", "b", ".a", "ab" };
    cleanup(words_clear) Words globs = { 0 }, all_paths = { 0 };
    size_t matched = 0;

    words_make(&globs, "", "/", in_globs, ELEMENTS(in_globs), 4);
    words_make(&all_paths, "", "/", in_paths, ELEMENTS(in_paths), 5);
    for (size_t i = 0; i < globs.n; i++)
        for (size_t j = 0; j < all_paths.n; j++) {
            bool expected = words_match_path(globs.words[i], all_paths.words[j]);

            if (pattern_match_path(globs.words[i], all_paths.words[j]) != expected)
                fail_msg("%s, %s: not %d", globs.words[i], all_paths.words[j], expected);
            matched += expected;
        }
    assert_true(matched > 10000);
}

/* Those that try everything would not come to an end here. */
static void no_glob_explodes(void **state)
{
    char glob[PATH_MAX] = "", path[PATH_MAX] = "", *p;

    p = glob;
    for (size_t i = 0; i < 100; i++)
        p = stpcpy(p, "a*");
    stpcpy(p, "b");
    memset(path, 'a', NAME_MAX);
    assert_false(pattern_match_name(glob, path));
    path[NAME_MAX - 1] = 'b';
    assert_true(pattern_match_name(glob, path));

    p = glob;
    for (size_t i = 0; i < 500; i++)
        p = stpcpy(p, "/**/a");
    stpcpy(p, "/b");
    p = path;
    for (size_t i = 0; i < 1000; i++)
        p = stpcpy(p, "/a");
    assert_false(pattern_match_path(glob, path));
    stpcpy(p, "/b");
    assert_true(pattern_match_path(glob, path));

    /* Each "[" could be the beginning of a set that ends at the very last "]". */
    memset(glob, '[', sizeof glob - 1);
    memcpy(glob, "/*", 2);
    memset(path, '[', NAME_MAX + 1);
    path[0] = '/';
    path[NAME_MAX + 1] = '\0';
    assert_false(pattern_match_path(glob, path));
    glob[NAME_MAX - 8] = '\0';
    assert_true(pattern_match_path(glob, path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(globs_are_read_as_by_fnmatch),
        cmocka_unit_test(classes_are_those_of_ascii),
        cmocka_unit_test(characters_are_utf8),
        cmocka_unit_test(what_is_incomplete_stands_for_itself),
        cmocka_unit_test(no_name_is_longer_than_255_bytes),
        cmocka_unit_test(paths),
        cmocka_unit_test(paths_are_matched_as_by_trying_everything),
        cmocka_unit_test(no_glob_explodes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
