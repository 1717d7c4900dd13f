/* SPDX-License-Identifier: MIT */
/* Pairs of globs against all short texts: they overlap if both match one of them. The texts are
 * long enough for all that any two of the globs ask for, one behind the other. */
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "unit/test.h"
#include "unit/util/words.h"
#include "util/cleanup.h"
#include "util/pattern.h"

/* Which of the texts a glob matches, as bits. */
typedef struct Matches {
    uint64_t *bits;
    size_t n_words; /* of 64 bits, per glob */
} Matches;

static void matches_clear(Matches *matches)
{
    free(matches->bits);
}

/* "." is no name, but the folder itself. */
static bool is_dot(const char *path)
{
    return strcmp(path, "/.") == 0;
}

static bool match_name(const char *glob, const char *name)
{
    return !is_dot(name) && pattern_match_name(glob + 1, name + 1);
}

static void matches_make(Matches *matches, const Words *globs, const Words *texts,
                         bool (*match)(const char *glob, const char *text))
{
    matches->n_words = texts->n / 64 + 1;
    matches->bits = calloc(globs->n * matches->n_words, sizeof *matches->bits);
    assert_non_null(matches->bits);
    for (size_t i = 0; i < globs->n; i++)
        for (size_t j = 0; j < texts->n; j++)
            if (match(globs->words[i], texts->words[j]))
                matches->bits[i * matches->n_words + j / 64] |= UINT64_C(1) << (j % 64);
}

static bool both(const Matches *matches, size_t i, size_t j)
{
    const uint64_t *a = matches->bits + i * matches->n_words;
    const uint64_t *b = matches->bits + j * matches->n_words;

    for (size_t k = 0; k < matches->n_words; k++)
        if (a[k] & b[k])
            return true;
    return false;
}

static void compare_all(const Words *globs, const Matches *matches)
{
    size_t overlaps = 0;

    for (size_t i = 0; i < globs->n; i++)
        for (size_t j = i; j < globs->n; j++) {
            const char *a = globs->words[i], *b = globs->words[j];
            bool expected = both(matches, i, j) || (is_dot(a) && is_dot(b));

            if (pattern_overlap(a, b) != expected || pattern_overlap(b, a) != expected)
                fail_msg("%s and %s: not %d", a, b, expected);
            overlaps += expected;
        }
    assert_in_range(overlaps, globs->n, globs->n * (globs->n + 1) / 2 - globs->n);
}

/* Of a single name. The c stands for all characters that no glob names. */
static void names_overlap_where_a_name_shows_it(void **state)
{
    static const char *const in_globs[] = { "a", "b", ".", "*", "?", "[ab]", "[!a]", "[!b.]" };
    static const char *const in_names[] = { "a", "b", ".", "c" };
    cleanup(words_clear) Words globs = { 0 }, names = { 0 };
    cleanup(matches_clear) Matches matches = { 0 };

    words_make(&globs, "/", "", in_globs, ELEMENTS(in_globs), 3);
    words_make(&names, "/", "", in_names, ELEMENTS(in_names), 5);
    matches_make(&matches, &globs, &names, match_name);
    compare_all(&globs, &matches);
}

/* Longer ones of fewer kinds, as `*` is what makes it hard. */
static void stars_overlap_where_a_name_shows_it(void **state)
{
    static const char *const in_globs[] = { "a", "b", "*", "." };
    static const char *const in_names[] = { "a", "b", "." };
    cleanup(words_clear) Words globs = { 0 }, names = { 0 };
    cleanup(matches_clear) Matches matches = { 0 };

    words_make(&globs, "/", "", in_globs, ELEMENTS(in_globs), 5);
    words_make(&names, "/", "", in_names, ELEMENTS(in_names), 8);
    matches_make(&matches, &globs, &names, match_name);
    compare_all(&globs, &matches);
}

static void paths_overlap_where_a_path_shows_it(void **state)
{
    static const char *const in_globs[] = { "**", "*", ".*", "a", "b", ".a", "a*", "?b", "[!a]" };
    static const char *const in_paths[] = { "a", "b", "c", ".a", ".c", "ab" };
    cleanup(words_clear) Words globs = { 0 }, all_paths = { 0 };
    cleanup(matches_clear) Matches matches = { 0 };

    words_make(&globs, "", "/", in_globs, ELEMENTS(in_globs), 3);
    words_make(&all_paths, "", "/", in_paths, ELEMENTS(in_paths), 4);
    matches_make(&matches, &globs, &all_paths, words_match_path);
    compare_all(&globs, &matches);
}

static void sets_overlap_where_they_share_a_character(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool overlap;
    } cases[] = {
        { "[a-f]", "[f-z]", true },
        { "[a-f]", "[g-z]", false },
        { "[z-a]", "?", false }, /* an empty range */
        { "[]]", "]", true },
        { "[]-]", "-", true },
        { "[a-]", "[-b]", true },
        { "[a\\-z]", "m", false },
        { "[\\]]", "]", true },
        { "[[:digit:]]", "[!0-8]", true },
        { "[[:digit:]]", "[!0-9]", false },
        { "[[:alpha:]]", "[[:digit:][:punct:]]", false },
        { "[[:alnum:]]", "[[:xdigit:]]", true },
        { "[!a]", "[!b]", true },
        { "[!\001-.0-\177]", "[!\302\200-\364\217\277\277]", true }, /* bytes not of UTF-8 */
        { "[!\001-.0-\177]", "[\001-\177]", false },                 /* a slash is in no name */
        { "[\303\240-\303\257]", "\303\251", true },
        { "[\303\240-\303\257]", "\303\260", false },
        { "[!\303\251]", "\303\251", false },
        { "[.]", "?", false }, /* a dot in front has to be written */
        { "x[.]", "x?", true },
        { "\\.a", ".?", true },
        { "[.a]", "[!a]", false },
        { "x[.a]", "x[!a]", true },
        { "[+-/]", "[/.]", false },
        { "[a", "[a", true }, /* no set */
        { "[a", "?a", true },
        { "[a", "a", false },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        char a[64] = "/x/", b[64] = "/x/";

        strcat(a, cases[i].a);
        strcat(b, cases[i].b);
        if (pattern_overlap(a, b) != cases[i].overlap || pattern_overlap(b, a) != cases[i].overlap)
            fail_msg("%s and %s: not %d", cases[i].a, cases[i].b, cases[i].overlap);
    }
}

static void real_globs(void **state)
{
    assert_true(pattern_overlap("/srv/shop/**", "/srv/**/*.log"));
    assert_false(pattern_overlap("/srv/shop/**", "/srv/shop"));
    assert_false(pattern_overlap("/srv/shop/**/*.idx", "/srv/shop/**/*.log"));
    assert_false(pattern_overlap("/srv/shop/data/*", "/srv/shop/data/*/*"));
    assert_true(pattern_overlap("/srv/**/cache/**", "/srv/a/b/**/x*"));
    assert_false(pattern_overlap("/srv/**", "/srv/.git/**"));
    assert_true(pattern_overlap("/usr/lib/*/libc.so.6", "/usr/lib/x86_64-linux-gnu/libc.so.?"));
    assert_true(pattern_overlap("/", "/"));
    assert_false(pattern_overlap("/", "/**"));
    assert_false(pattern_overlap("srv", "/srv"));
    assert_false(pattern_overlap("srv", "srv"));
}

/* Errs towards true. */
static void what_is_too_long_to_compare_may_overlap(void **state)
{
    char a[PATH_MAX + 1] = "/[", b[PATH_MAX + 1] = "/b";

    memset(a + 2, 'a', 255);
    strcat(a, "]");
    assert_false(pattern_overlap(a, b));
    memset(a + 2, 'a', 256);
    strcat(a, "]");
    assert_true(pattern_overlap(a, b));

    memset(a + 1, 'a', PATH_MAX - 2);
    a[PATH_MAX - 1] = '\0';
    assert_false(pattern_overlap(a, b));
    a[PATH_MAX - 1] = 'a';
    assert_true(pattern_overlap(a, b));
    assert_true(pattern_overlap(b, a));
}

/* @begin, then as often as it fits @part, then @end: a glob of nearly PATH_MAX. */
static void repeat(char glob[PATH_MAX], const char *begin, const char *part, const char *end,
                   size_t size)
{
    char *p = stpcpy(glob, begin);

    while ((size_t)(p - glob) + strlen(part) + strlen(end) < size)
        p = stpcpy(p, part);
    stpcpy(p, end);
}

/* Those that try everything would not come to an end here. */
static void no_pair_explodes(void **state)
{
    char a[PATH_MAX], b[PATH_MAX];

    repeat(a, "", "/**/a", "", PATH_MAX);
    repeat(b, "", "/a/**", "", PATH_MAX);
    assert_true(pattern_overlap(a, b));
    repeat(a, "", "/**/a", "/b", PATH_MAX);
    repeat(b, "", "/a/**", "/c", PATH_MAX);
    assert_false(pattern_overlap(a, b));

    repeat(a, "/", "*a", "b", 2 * NAME_MAX);
    repeat(b, "/", "a*", "c", 2 * NAME_MAX);
    assert_false(pattern_overlap(a, b));
    repeat(b, "/", "a*", "ab", 2 * NAME_MAX);
    assert_true(pattern_overlap(a, b));

    /* Each "[" could be the beginning of a set, and is looked at for each component. */
    repeat(a, "/**", "/*", "", PATH_MAX);
    repeat(b, "/**/", "[", "", PATH_MAX);
    assert_false(pattern_overlap(a, b)); /* no name is that long */

    /* Sets that share nothing, which is known only behind all of their characters. */
    repeat(a, "/**", "/[zyxwvutsrqponmlkjihgfedcba]", "", PATH_MAX);
    repeat(b, "/**", "/[!abcdefghijklmnopqrstuvwxyz]", "", PATH_MAX);
    assert_false(pattern_overlap(a, b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_overlap_where_a_name_shows_it),
        cmocka_unit_test(stars_overlap_where_a_name_shows_it),
        cmocka_unit_test(paths_overlap_where_a_path_shows_it),
        cmocka_unit_test(sets_overlap_where_they_share_a_character),
        cmocka_unit_test(real_globs),
        cmocka_unit_test(what_is_too_long_to_compare_may_overlap),
        cmocka_unit_test(no_pair_explodes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
