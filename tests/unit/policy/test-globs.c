/* SPDX-License-Identifier: MIT */
/* Which globs are taken, with which readings, and why others are not. What a message looks like in
 * a file is in test-refusals.c. */
#include "policy/globs.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "unit/test.h"
#include "util/pattern.h"
#include "util/strv.h"

typedef int (*Check)(const char *glob, char ***ret_readings, char reason[static REASON_MAX]);

typedef struct Refusal {
    const char *glob;
    const char *reason;
} Refusal;

static void check_refusals(Check check, const Refusal cases[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        cleanup(strv_freep) char **readings = NULL;
        char reason[REASON_MAX] = "taken";

        int r = check(cases[i].glob, &readings, reason);
        if (strcmp(reason, cases[i].reason) != 0)
            fail_msg("%s: %s, not: %s", cases[i].glob, reason, cases[i].reason);
        assert_int_equal(r, -EINVAL);
        assert_null(readings);
    }
}

#define CHECK_REFUSALS(check, cases) check_refusals((check), (cases), ELEMENTS(cases))

/* These have no braces, so each is its only reading. */
static void check_taken(Check check, const char *const globs[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        cleanup(strv_freep) char **readings = NULL;
        char reason[REASON_MAX] = "";

        if (check(globs[i], &readings, reason) != 0)
            fail_msg("%s: %s", globs[i], reason);
        assert_int_equal(strv_length(readings), 1);
        assert_string_equal(readings[0], globs[i]);
    }
}

#define CHECK_TAKEN(check, globs) check_taken((check), (globs), ELEMENTS(globs))

static char *repeat(char c, size_t n, const char *begin)
{
    char *text = NULL;

    assert_true(asprintf(&text, "%s%*s", begin, (int)n, "") >= 0);
    memset(text + strlen(begin), c, n);
    return text;
}

#define REASON_NO_CHOICES(braces) \
    "has \"" braces               \
    "\", which is no list of choices (write {a,b,c}, or \\{ for the character itself)"
#define REASON_OPEN_SET "has a \"[\" without its \"]\" (write \\[ for the character itself)"
#define REASON_BACKWARDS(range)              \
    "has a backwards range, \"" range "\", " \
    "which matches nothing (write its lower end first; A to Z are below a to z)"
#define CLASSES \
    "alnum, alpha, blank, cntrl, digit, graph, lower, print, punct, space, upper, xdigit"
#define REASON_UNKNOWN_CLASS(class)                            \
    "has an unknown class \"" class "\" (known here: " CLASSES \
                                    "; write \\[ for the character itself)"

/* The same in paths, cgroups, names and units. */
static void flaws_of_names(void **state)
{
    static const Refusal cases[] = {
        { "a[b", REASON_OPEN_SET },
        { "a[]", REASON_OPEN_SET },
        { "a[!]", REASON_OPEN_SET },
        { "a[b\\]", REASON_OPEN_SET },
        { "a[[:digit:]", REASON_OPEN_SET },
        { "{a..c}", REASON_NO_CHOICES("{a..c}") },
        { "{a,b}{a\\,b}", REASON_NO_CHOICES("{a\\,b}") },
        { "x{a,{b}}", REASON_NO_CHOICES("{b}") },
        { "{{a,b}}", REASON_NO_CHOICES("{{a,b}}") },
        { "[z-a]", REASON_BACKWARDS("z-a") },
        { "[0-9z-a]", REASON_BACKWARDS("z-a") },
        { "[![:digit:]b-a]", REASON_BACKWARDS("b-a") },
        { "[a-Z]", REASON_BACKWARDS("a-Z") },
        { "[a\\z-\\a]", REASON_BACKWARDS("\\z-\\a") },
        { "[a-c][9-0]", REASON_BACKWARDS("9-0") },
        { "[[:alhpa:]]", "has an unknown class \"[:alhpa:]\" (did you mean \"[:alpha:]\"?)" },
        { "[[:Digit:]]", "has an unknown class \"[:Digit:]\" (did you mean \"[:digit:]\"?)" },
        { "x[a-c[:digits:]_]",
          "has an unknown class \"[:digits:]\" (did you mean \"[:digit:]\"?)" },
        { "[[:lower]]", "has an unknown class \"[:lower]\" (did you mean \"[:lower:]\"?)" },
        { "[[:dgits]]", "has an unknown class \"[:dgits]\" (did you mean \"[:digit:]\"?)" },
        { "[[:letter:]]", REASON_UNKNOWN_CLASS("[:letter:]") },
        { "[[::]]", REASON_UNKNOWN_CLASS("[::]") },
        { "[[:]", REASON_UNKNOWN_CLASS("[:]") },
        { "[:alpha:]*", "has a class outside of brackets: \"[:alpha:]\" (write [[:alpha:]])" },
        { "a[:nothing:]b", "has a class outside of brackets: \"[:nothing:]\" (write [[:alpha:]])" },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        CLEANUP_FREE char *path = NULL, *unit = NULL;

        assert_true(asprintf(&path, "/srv/%s/x", cases[i].glob) >= 0);
        assert_true(asprintf(&unit, "%s.service", cases[i].glob) >= 0);
        check_refusals(path_glob_check, &(Refusal){ path, cases[i].reason }, 1);
        check_refusals(cgroup_glob_check, &(Refusal){ path, cases[i].reason }, 1);
        check_refusals(unit_glob_check, &(Refusal){ unit, cases[i].reason }, 1);
        check_refusals(exclude_glob_check, &cases[i], 1);
    }
}

static void a_range_of_any_characters_is_shown(void **state)
{
    static const Refusal cases[] = {
        { "/srv/[ü-a]", REASON_BACKWARDS("ü-a") },
        { "/srv/[\u202e-a]", REASON_BACKWARDS("\\u202e-a") },
        { "/srv/a\\/b", "has a backslash with nothing to escape (leave it out)" },
    };

    CHECK_REFUSALS(path_glob_check, cases);
}

/* What is taken is not only let pass, but matches. */
static void sets_are_read_as_by_the_matcher(void **state)
{
    static const struct {
        const char *glob;
        const char *name;
    } cases[] = {
        { "a[\\]]", "a]" },        { "a[\\]b]", "ab" },
        { "a[]b]", "a]" },         { "a[!]]", "ab" },
        { "a[^]b]", "ac" },        { "a[[:alpha:]]", "az" },
        { "a[![:alpha:]]", "a1" }, { "a[[:digit:]_]b", "a_b" },
        { "a[[:digit:]-]", "a-" }, { "a[[]", "a[" },
        { "a[\\[:]", "a:" },       { "a[a-a]", "aa" },
        { "a[:x]", "a:" },         { "a[-9]", "a-" },
        { "a[9-]", "a-" },         { "a[\\\\]", "a\\" },
        { "a[A-z]", "a_" },        { "a[à-ü]", "aé" },
        { "a\\[b", "a[b" },        { "a]", "a]" },
        { "\\*[*]", "**" },        { "\\**", "*b" },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        check_taken(exclude_glob_check, &cases[i].glob, 1);
        if (!pattern_match_name(cases[i].glob, cases[i].name))
            fail_msg("%s is taken, and does not match %s", cases[i].glob, cases[i].name);
    }
}

static void paths(void **state)
{
    static const char *const taken[] = {
        "/srv/x", "/srv/**", "/srv/**/*.log", "/srv/[[:digit:]]*", "/srv/[\\]]/\\*", "/srv/...",
    };
    static const Refusal refused[] = {
        { "", "is a relative path (write it in full, from / on)" },
        { "/srv/{a,b/}", "is a folder (add ** for all files below it, * for those in it)" },
        { "/srv/a//", "is a folder (add ** for all files below it, * for those in it)" },
        { "/srv/{,a}/b", "has an empty component (write one / instead of two)" },
        { "/srv/a**", "has ** beside other characters (it stands for folders: write "
                      "/srv/**/*.log, or a single *)" },
        { "/srv/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}",
          "stands for more than 1000 globs (write fewer braces)" },
    };

    CHECK_TAKEN(path_glob_check, taken);
    CHECK_REFUSALS(path_glob_check, refused);
}

#define REASON_EVERY_CGROUP \
    "could match every cgroup (write the first group in full: /system.slice/**)"
#define REASON_MOUNT_POINT \
    "begins with /sys/fs/cgroup (leave that out: /system.slice/nginx.service)"
#define REASON_SLASH "ends in a slash (leave out the last /)"

static void cgroups(void **state)
{
    static const char *const taken[] = {
        "/system.slice/nginx.service",
        "/system.slice",
        "/system.slice/**",
        "/kubepods.slice/**/cri-*.scope",
        "/kubepods*/**/cri-[[:xdigit:]]*.scope",
        "/user-*.slice",
        "/[a-z]x",
        "/\\*",
        "/sys/fs/cgroups",
        "/system.slice/srv-a\\\\x2db.mount",
    };
    static const Refusal refused[] = {
        { "", "is a relative path (write it in full, from the cgroup root on: "
              "/system.slice/nginx.service)" },
        { "system.slice/nginx.service", "is a relative path (write it in full, from the cgroup "
                                        "root on: /system.slice/nginx.service)" },
        { "{/a,/b}", "is a relative path (write it in full, from the cgroup root on: "
                     "/system.slice/nginx.service)" },
        { "/", REASON_EVERY_CGROUP },
        { "//", REASON_EVERY_CGROUP },
        { "/*", REASON_EVERY_CGROUP },
        { "/**", REASON_EVERY_CGROUP },
        { "/**/nginx.service", REASON_EVERY_CGROUP },
        { "/*/nginx.service", REASON_EVERY_CGROUP },
        { "/?*", REASON_EVERY_CGROUP },
        { "/[a-z]*/x", REASON_EVERY_CGROUP },
        { "/{a,*}", REASON_EVERY_CGROUP },
        { "/{a,**/b}", REASON_EVERY_CGROUP },
        { "/{a,}", REASON_EVERY_CGROUP },
        { "/sys/fs/cgroup", REASON_MOUNT_POINT },
        { "/sys/fs/cgroup/", REASON_MOUNT_POINT },
        { "/sys/fs/cgroup/system.slice/nginx.service", REASON_MOUNT_POINT },
        { "/{a,sys/fs/cgroup/b}", REASON_MOUNT_POINT },
        { "/system.slice/", REASON_SLASH },
        { "/system.slice/{a,b/}", REASON_SLASH },
        { "/system.slice/{a,}", REASON_SLASH },
        { "//system.slice", "has an empty component (write one / instead of two)" },
        { "/a//b", "has an empty component (write one / instead of two)" },
        { "/a/./b", "has a \".\" component (write the path without it)" },
        { "/a/{b,..}/c", "has a \"..\" component (write the path without it)" },
        { "/../a", "has a \"..\" component (write the path without it)" },
        { "/a/**.scope", "has ** beside other characters (it stands for folders: write "
                         "/user.slice/**/*.scope, or a single *)" },
        { "/a/{b", "has unbalanced braces (write \\{ or \\} for the character itself)" },
        { "/a/b\n", "has a control character in it (leave it out, or write ?)" },
        { "/a/\xff", "has a control character in it (leave it out, or write ?)" },
    };

    CHECK_TAKEN(cgroup_glob_check, taken);
    CHECK_REFUSALS(cgroup_glob_check, refused);
}

#define REASON_EVERY_FILE "excludes every file (leave the entry of pin.files out)"
#define REASON_FOLDER     "stands for a folder, \".\" or \"..\" (write a name of files)"
#define REASON_EMPTY_NAME "stands for an empty name (write one, such as *_fsm)"
#define REASON_RELATIVE_ENTRY \
    "is a relative path (write it in full, from / on, or a name without /)"

static void exclusions(void **state)
{
    static const char *const taken[] = {
        "*_fsm", "core", "*.[0-9]", ".*", "?*", "...", "\\*", "/srv/shop/**", "/srv/*/x",
    };
    static const Refusal refused[] = {
        { "sub/*.log", REASON_RELATIVE_ENTRY },
        { "./x", REASON_RELATIVE_ENTRY },
        { "x/", REASON_RELATIVE_ENTRY },
        { "{*_fsm,/srv/x}", REASON_RELATIVE_ENTRY },
        { "*", REASON_EVERY_FILE },
        { "**", REASON_EVERY_FILE },
        { "{*_fsm,*}", REASON_EVERY_FILE },
        { ".", REASON_FOLDER },
        { "..", REASON_FOLDER },
        { "\\.\\.", REASON_FOLDER },
        { ".{.,x}", REASON_FOLDER },
        { "", REASON_EMPTY_NAME },
        { "{}", REASON_NO_CHOICES("{}") },
        { "{*_fsm}", REASON_NO_CHOICES("{*_fsm}") },
        { "{*_fsm,}", REASON_EMPTY_NAME },
        { "**_fsm", "has ** in a name (write a single *)" },
        { "a\\", "has a backslash with nothing to escape (leave it out)" },
        { "a}", "has unbalanced braces (write \\{ or \\} for the character itself)" },
        { "a\tb", "has a control character in it (leave it out, or write ?)" },
        { "/srv/", "is a folder (add ** for all files below it, * for those in it)" },
        { "/**", "could match the whole file system (write the first folder in full: /srv/**)" },
        { "/srv/../x", "has a \"..\" component (write the path without it)" },
    };

    CHECK_TAKEN(exclude_glob_check, taken);
    CHECK_REFUSALS(exclude_glob_check, refused);
}

#define REASON_SEVERAL "is several names (write each as an entry of its own)"

static void several_units_in_one_entry(void **state)
{
    static const Refusal refused[] = {
        { "nginx.service, php.service", REASON_SEVERAL },
        { "nginx.service,php.service", REASON_SEVERAL },
        { "nginx.service php.service", REASON_SEVERAL },
        { "nginx,php", REASON_SEVERAL },
        { "{a,b}.service,c.service", REASON_SEVERAL },
        { "a b.service",
          "has a character that no unit name has, \" \" (name units as systemctl shows them)" },
        { "{a, b}.service",
          "has a character that no unit name has, \" \" (name units as systemctl shows them)" },
    };

    CHECK_REFUSALS(unit_glob_check, refused);
}

static void lengths(void **state)
{
    CLEANUP_FREE char *path = repeat('x', PATH_MAX - 1 - strlen("/srv/"), "/srv/");
    CLEANUP_FREE char *long_path = repeat('x', PATH_MAX - strlen("/srv/"), "/srv/");
    CLEANUP_FREE char *name = repeat('x', NAME_MAX, "");
    CLEANUP_FREE char *long_name = repeat('x', NAME_MAX + 1, "");
    const char *const paths_taken[] = { path }, *const names_taken[] = { name };
    const Refusal path_refused[] = { { long_path, "is longer than 4095 bytes, which no path is" } };
    const Refusal name_refused[] = { { long_name, "is longer than 255 bytes, which no name is" } };

    CHECK_TAKEN(path_glob_check, paths_taken);
    CHECK_TAKEN(cgroup_glob_check, paths_taken);
    CHECK_TAKEN(exclude_glob_check, paths_taken);
    CHECK_TAKEN(exclude_glob_check, names_taken);
    CHECK_REFUSALS(path_glob_check, path_refused);
    CHECK_REFUSALS(cgroup_glob_check, path_refused);
    CHECK_REFUSALS(exclude_glob_check, path_refused);
    CHECK_REFUSALS(exclude_glob_check, name_refused);
}

static void braces_are_expanded(void **state)
{
    static const struct {
        Check check;
        const char *glob;
        const char *readings[2];
    } cases[] = {
        { path_glob_check, "/srv/{a,b}/**", { "/srv/a/**", "/srv/b/**" } },
        { cgroup_glob_check, "/{a,b}/*.scope", { "/a/*.scope", "/b/*.scope" } },
        { exclude_glob_check, "*_{fsm,vm}", { "*_fsm", "*_vm" } },
        { exclude_glob_check, "/srv/{a,b}", { "/srv/a", "/srv/b" } },
        { unit_glob_check, "{a,b[[:digit:]]}.service", { "a.service", "b[[:digit:]].service" } },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        cleanup(strv_freep) char **readings = NULL;
        char reason[REASON_MAX];

        assert_int_equal(cases[i].check(cases[i].glob, &readings, reason), 0);
        assert_int_equal(strv_length(readings), 2);
        for (size_t j = 0; j < 2; j++)
            assert_string_equal(readings[j], cases[i].readings[j]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flaws_of_names),
        cmocka_unit_test(a_range_of_any_characters_is_shown),
        cmocka_unit_test(sets_are_read_as_by_the_matcher),
        cmocka_unit_test(paths),
        cmocka_unit_test(cgroups),
        cmocka_unit_test(exclusions),
        cmocka_unit_test(several_units_in_one_entry),
        cmocka_unit_test(lengths),
        cmocka_unit_test(braces_are_expanded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
