/* SPDX-License-Identifier: MIT */
/* Refusals of globs and paths: each with its exact message and place. All that can be wrong with a
 * glob is in test-globs.c; here is where it stands. */
#include "unit/policy/decoding.h"

#define PATH(value) LEAST "evict: [{path: " value "}]\n"

static void paths(void **state)
{
    static const Case cases[] = {
        { PATH("srv/x"), "3:16: \"srv/x\" is a relative path (write it in full, from / on)\n" },
        { PATH("~/x"), "3:16: \"~/x\" is a relative path (write it in full, from / on)\n" },
        { PATH("\"{/srv,/var}/x\""),
          "3:16: \"{/srv,/var}/x\" is a relative path (write it in full, from / on)\n" },
        { PATH("/srv/../etc/x"),
          "3:16: \"/srv/../etc/x\" has a \"..\" component (write the path without it)\n" },
        { PATH("/srv/.."),
          "3:16: \"/srv/..\" has a \"..\" component (write the path without it)\n" },
        { PATH("'/srv/\\.\\./x'"),
          "3:16: \"/srv/\\.\\./x\" has a \"..\" component (write the path without it)\n" },
        { PATH("\"/srv/{a,..}/x\""),
          "3:16: \"/srv/{a,..}/x\" has a \"..\" component (write the path without it)\n" },
        { PATH("\"/srv/.{a,.}/x\""),
          "3:16: \"/srv/.{a,.}/x\" has a \"..\" component (write the path without it)\n" },
        { PATH("/srv/./x"),
          "3:16: \"/srv/./x\" has a \".\" component (write the path without it)\n" },
        { PATH("/srv//x"),
          "3:16: \"/srv//x\" has an empty component (write one / instead of two)\n" },
        { PATH("/srv/"),
          "3:16: \"/srv/\" is a folder (add ** for all files below it, * for those in it)\n" },
        { PATH("/srv/**.log"),
          "3:16: \"/srv/**.log\" has ** beside other characters (it stands for "
          "folders: write /srv/**/*.log, or a single *)\n" },
        { PATH("\"/srv/{a,b\""),
          "3:16: \"/srv/{a,b\" has unbalanced braces (write \\{ or \\} for the "
          "character itself)\n" },
        { PATH("\"/srv/a}\""), "3:16: \"/srv/a}\" has unbalanced braces (write \\{ or \\} for the "
                               "character itself)\n" },
        { PATH("\"/srv/[a\""), "3:16: \"/srv/[a\" has a \"[\" without its \"]\" (write \\[ for the "
                               "character itself)\n" },
        { PATH("'/srv/a\\'"),
          "3:16: \"/srv/a\\\" has a backslash with nothing to escape (leave it out)\n" },
        { PATH("\"/srv/a\\nb\\e[0m\""),
          "3:16: \"/srv/a\\nb\\x1b[0m\" has a control character in it "
          "(leave it out, or write ?)\n" },
        { PATH("\"/srv/a\\0b\""),
          "3:16: \"/srv/a\" is followed by a NUL character (leave out the \"\\0\")\n" },
    };

    CHECK_REFUSED(cases);
}

static void globs_that_reach_everything(void **state)
{
    static const char *const globs[] = {
        "/",         "//",    "/*",    "/**",   "/?rv/x",    "/{a,b}/x", "/{srv/x,var/y}",
        "/[a-z]*/x", "//*/x", "/**/x", "/srv*", "/va{r/x,}",
    };

    for (size_t i = 0; i < ELEMENTS(globs); i++) {
        CLEANUP_FREE char *text = NULL, *expected = NULL;

        assert_true(asprintf(&text, PATH("'%s'"), globs[i]) > 0);
        assert_true(asprintf(&expected,
                             "3:16: \"%s\" could match the whole file system (write the first "
                             "folder in full: /srv/**)\n",
                             globs[i]) > 0);
        CLEANUP_FREE char *found = decode_bad(text, strlen(text));
        assert_string_equal(found, expected);
    }
}

#define UNIT(value) "version: 1\nmatch: {units: [" value "]}\n"

static void units(void **state)
{
    static const Case cases[] = {
        { UNIT("nginx"),
          "2:17: \"nginx\" is no unit name: it has no suffix (write \"nginx.service\")\n" },
        { UNIT("nginx."),
          "2:17: \"nginx.\" is no unit name: it has no suffix (write \"nginx.service\")\n" },
        { UNIT("nginx.servce"),
          "2:17: \"nginx.servce\" is no unit name: unknown suffix \".servce\" "
          "(did you mean \".service\"?)\n" },
        { UNIT("php8.2-fpm"),
          "2:17: \"php8.2-fpm\" is no unit name: it has no suffix such as .service "
          "(write \"php8.2-fpm.service\")\n" },
        { UNIT("backup.timer"),
          "2:17: \"backup.timer\" is a timer unit, which has no processes (name "
          "the .service behind it)\n" },
        { UNIT("getty@.service"),
          "2:17: \"getty@.service\" is a template, of which only instances run "
          "(write \"getty@*.service\")\n" },
        { UNIT(".service"),
          "2:17: \".service\" is no unit name: there is nothing before its suffix "
          "(write \"*.service\" for all of them)\n" },
        { UNIT("/system.slice/nginx.service"),
          "2:17: \"/system.slice/nginx.service\" is a path (name units as systemctl shows them: "
          "nginx.service)\n" },
        { UNIT("my shop.service"), "2:17: \"my shop.service\" has a character that no unit name "
                                   "has, \" \" (name units as systemctl shows them)\n" },
        { UNIT("größe.service"), "2:17: \"größe.service\" has a character that no unit name has, "
                                 "\"ö\" (name units as systemctl shows them)\n" },
        { UNIT("\"a\\nb.service\""), "2:17: \"a\\nb.service\" has a character that no unit name "
                                     "has, \"\\n\" (name units as systemctl shows them)\n" },
        { UNIT("'{a,b.service'"),
          "2:17: \"{a,b.service\" has unbalanced braces (write \\{ or \\} for "
          "the character itself)\n" },
        { UNIT("'{a.service,b}'"),
          "2:17: \"{a.service,b}\" is no unit name: it has no suffix (write \"b.service\")\n" },
        { UNIT("'a[b.service'"),
          "2:17: \"a[b.service\" has a \"[\" without its \"]\" (write \\[ for "
          "the character itself)\n" },
        { UNIT("srv-a\\x2db.mount"),
          "2:17: \"srv-a\\x2db.mount\" has a single \\x, which is an escaped x (write \\\\x for "
          "systemd's own escape)\n" },
        { UNIT("a.service, b, c.service, d"),
          "2:28: \"b\" is no unit name: it has no suffix (write \"b.service\")\n"
          "2:42: \"d\" is no unit name: it has no suffix (write \"d.service\")\n" },
    };

    CHECK_REFUSED(cases);
}

#define CGROUP(value) "version: 1\nmatch: {cgroups: [" value "]}\n"

static void cgroups(void **state)
{
    static const Case cases[] = {
        { CGROUP("system.slice/nginx.service"),
          "2:19: \"system.slice/nginx.service\" is a relative path (write it in full, from the "
          "cgroup root on: /system.slice/nginx.service)\n" },
        { CGROUP("\"/**\""), "2:19: \"/**\" could match every cgroup (write the first group in "
                             "full: /system.slice/**)\n" },
        { CGROUP("\"/*/x\""), "2:19: \"/*/x\" could match every cgroup (write the first group in "
                              "full: /system.slice/**)\n" },
        { CGROUP("/"), "2:19: \"/\" could match every cgroup (write the first group in full: "
                       "/system.slice/**)\n" },
        { CGROUP("/sys/fs/cgroup/system.slice"),
          "2:19: \"/sys/fs/cgroup/system.slice\" begins with /sys/fs/cgroup (leave that out: "
          "/system.slice/nginx.service)\n" },
        { CGROUP("/system.slice/"),
          "2:19: \"/system.slice/\" ends in a slash (leave out the last /)\n" },
        { CGROUP("/system.slice//a.service"), "2:19: \"/system.slice//a.service\" has an empty "
                                              "component (write one / instead of two)\n" },
        { CGROUP("/system.slice/../a"),
          "2:19: \"/system.slice/../a\" has a \"..\" component (write the path without it)\n" },
        { CGROUP("\"/system.slice/**.service\""),
          "2:19: \"/system.slice/**.service\" has ** beside other characters (it stands for "
          "folders: write /user.slice/**/*.scope, or a single *)\n" },
        { CGROUP("\"/system.slice/{a,b\""), "2:19: \"/system.slice/{a,b\" has unbalanced braces "
                                            "(write \\{ or \\} for the character itself)\n" },
        { CGROUP("\"/a/[b\""),
          "2:19: \"/a/[b\" has a \"[\" without its \"]\" (write \\[ for the character itself)\n" },
        { CGROUP("/a, ~, /b/"), "2:23: an entry of \"cgroups\" is empty (for example cgroups: "
                                "[\"/kubepods.slice/**/cri-*.scope\"])\n"
                                "2:26: \"/b/\" ends in a slash (leave out the last /)\n" },
        { "version: 1\nmatch: {cgroups: /kubepods.slice}\n",
          "2:18: \"cgroups\" must be a list, not a single value (for example cgroups: "
          "[\"/kubepods.slice/**/cri-*.scope\"])\n" },
    };

    CHECK_REFUSED(cases);
}

#define EXCLUDE(value) LEAST "pin: {budget: 1M, files: [{path: /srv/x/*, exclude: [" value "]}]}\n"

static void excludes(void **state)
{
    static const Case cases[] = {
        { EXCLUDE("tmp/*"), "3:54: \"tmp/*\" is a relative path (write it in full, from / on, or a "
                            "name without /)\n" },
        { EXCLUDE("\"*\""),
          "3:54: \"*\" excludes every file (leave the entry of pin.files out)\n" },
        { EXCLUDE("\"**\""),
          "3:54: \"**\" excludes every file (leave the entry of pin.files out)\n" },
        { EXCLUDE(".."),
          "3:54: \"..\" stands for a folder, \".\" or \"..\" (write a name of files)\n" },
        { EXCLUDE("\"**.tmp\""), "3:54: \"**.tmp\" has ** in a name (write a single *)\n" },
        { EXCLUDE("\"{a,}\""),
          "3:54: \"{a,}\" stands for an empty name (write one, such as *_fsm)\n" },
        { EXCLUDE("\"{a,b\""),
          "3:54: \"{a,b\" has unbalanced braces (write \\{ or \\} for the character itself)\n" },
        { EXCLUDE("\"[a\""),
          "3:54: \"[a\" has a \"[\" without its \"]\" (write \\[ for the character itself)\n" },
        { EXCLUDE("\"a\\tb\""),
          "3:54: \"a\\tb\" has a control character in it (leave it out, or write ?)\n" },
        { EXCLUDE("/srv/x/"),
          "3:54: \"/srv/x/\" is a folder (add ** for all files below it, * for those in it)\n" },
        { EXCLUDE("\"/**\""), "3:54: \"/**\" could match the whole file system (write the first "
                              "folder in full: /srv/**)\n" },
        { EXCLUDE("~/x"),
          "3:54: \"~/x\" is a relative path (write it in full, from / on, or a name without /)\n" },
        { LEAST "pin: {budget: 1M, files: [{path: /srv/x/*, exclude: \"*.tmp\"}]}\n",
          "3:53: \"exclude\" must be a list, not a single value (for example exclude: "
          "[\"*.tmp\"])\n" },
    };

    CHECK_REFUSED(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),    cmocka_unit_test(globs_that_reach_everything),
        cmocka_unit_test(units),    cmocka_unit_test(cgroups),
        cmocka_unit_test(excludes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
