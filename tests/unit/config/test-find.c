/* SPDX-License-Identifier: MIT */
#include "config/find.h"

#include "unit/config/finding.h"

static void nothing(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    expect(&root, "");
    must(mkdirat(root.fd, "etc", 0755));
    must(mkdirat(root.fd, "etc/pagewarden", 0755));
    expect(&root, "");
    must(mkdirat(root.fd, "etc/pagewarden/policies.d", 0755));
    expect(&root, "");
    expect_settings(&root, "pagewarden: in force:\n");
}

static void the_first_folder_wins(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, LIB "policies.d/a.yaml", "");
    expect(&root, "a: in force: /" LIB "policies.d/a.yaml\n");
    scratch_put(&root, LOCAL "policies.d/a.yaml", "");
    expect(&root, "a: in force: /" LOCAL "policies.d/a.yaml\n");
    scratch_put(&root, RUN "policies.d/a.yaml", "");
    expect(&root, "a: in force: /" RUN "policies.d/a.yaml\n");
    scratch_put(&root, ETC "policies.d/a.yaml", "");
    expect(&root, "a: in force: /" ETC "policies.d/a.yaml\n");
    /* Another name is another policy. */
    scratch_put(&root, LIB "policies.d/b.yaml", "");
    expect(&root, "a: in force: /" ETC "policies.d/a.yaml\n"
                  "b: in force: /" LIB "policies.d/b.yaml\n");
}

static void names_are_in_the_order_of_their_bytes(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, ETC "policies.d/a.yaml", "");
    scratch_put(&root, RUN "policies.d/a-b.yaml", ""); /* '-' is before '.', the stem behind */
    scratch_put(&root, LOCAL "policies.d/B.yaml", "");
    scratch_put(&root, LIB "policies.d/10.yaml", "");
    scratch_put(&root, ETC "policies.d/9.yaml", "");
    scratch_put(&root, RUN "policies.d/\xc3\xa4.yaml", "");
    expect(&root, "10: in force: /" LIB "policies.d/10.yaml\n"
                  "9: in force: /" ETC "policies.d/9.yaml\n"
                  "B: in force: /" LOCAL "policies.d/B.yaml\n"
                  "a: in force: /" ETC "policies.d/a.yaml\n"
                  "a-b: in force: /" RUN "policies.d/a-b.yaml\n"
                  "\xc3\xa4: in force: /" RUN "policies.d/\xc3\xa4.yaml\n");
}

static void leftovers_are_ignored(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    static const char *const leftovers[] = {
        ".yaml",           ".a.yaml",        ".a.yaml.d",       ".yaml.d",       ".a.yaml.swp",
        "a.yaml~",         "#a.yaml#",       "a.yaml.bak",      "a.yaml.old",    "a.yaml.new",
        "a.yaml.orig",     "a.yaml.swp",     "a.yaml.dpkg-new", "a.yaml.rpmnew", "a.yaml.rpmorig",
        "a.yaml.dpkg-old", "a.yaml.ucf-old", "a.yaml.rpmsave",
    };
    char path[PATH_MAX];

    for (size_t i = 0; i < ELEMENTS(leftovers); i++) {
        snprintf(path, sizeof(path), ETC "policies.d/%s", leftovers[i]);
        scratch_put(&root, path, "");
        snprintf(path, sizeof(path), ETC "policies.d/a.b.yaml.d/%s", leftovers[i]);
        scratch_put(&root, path, "");
        snprintf(path, sizeof(path), ETC "pagewarden.yaml.d/%s", leftovers[i]);
        scratch_put(&root, path, "");
    }
    scratch_put(&root, ETC "policies.d/a.b.yaml", "");
    expect(&root, "a.b: in force: /" ETC "policies.d/a.b.yaml\n");
    expect_settings(&root, "pagewarden: in force:\n");
}

static void other_names_are_told_of(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    static const char *const others[] = {
        "#a", "a.YAML", "a.yml", "sub/c.yaml", "x\x1b[1m", "yaml"
    };
    char path[PATH_MAX];

    for (size_t i = 0; i < ELEMENTS(others); i++) {
        snprintf(path, sizeof(path), ETC "policies.d/%s", others[i]);
        scratch_put(&root, path, "");
    }
#define IN_ETC " /" ETC "policies.d/"
#define WHY    ": warning: is passed over (policies end in .yaml)\n"
    expect(&root, "in force:" IN_ETC "#a," IN_ETC "a.YAML," IN_ETC "a.yml," IN_ETC "sub," IN_ETC
                  "x\x1b[1m," IN_ETC "yaml\n"
                  " " IN_ETC "#a" WHY " " IN_ETC "a.YAML" WHY " " IN_ETC "a.yml" WHY " " IN_ETC
                  "sub" WHY " " IN_ETC "x\\x1b[1m" WHY " " IN_ETC "yaml" WHY);
#undef WHY
}

static void folders_of_other_names_are_told_of(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, ETC "policies.d/a.d/x.yaml", "");
    scratch_put(&root, ETC "policies.d/b.yml.d/x.yaml", "");
    expect(&root, "in force: /" ETC "policies.d/a.d, /" ETC "policies.d/b.yml.d\n"
                  "  /" ETC "policies.d/a.d: warning: is passed over (drop-ins of a policy are in "
                  "NAME.yaml.d)\n"
                  "  /" ETC "policies.d/b.yml.d: warning: is passed over (drop-ins of a policy are "
                  "in NAME.yaml.d)\n");
}

static void drop_ins_of_other_names_are_told_of(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, ETC "policies.d/a.yaml", "");
    scratch_put(&root, ETC "policies.d/a.yaml.d/10.conf", "");
    scratch_put(&root, ETC "policies.d/a.yaml.d/30.yaml", "");
    scratch_put(&root, RUN "policies.d/a.yaml.d/20.yml", "");
    expect(&root, "in force: /" ETC "policies.d/a.yaml.d/10.conf, "
                  "/" RUN "policies.d/a.yaml.d/20.yml\n"
                  "  /" ETC "policies.d/a.yaml.d/10.conf: warning: is passed over (drop-ins end in "
                  ".yaml)\n"
                  "  /" RUN "policies.d/a.yaml.d/20.yml: warning: is passed over (drop-ins end in "
                  ".yaml)\n"
                  "a: in force: /" ETC "policies.d/a.yaml, /" ETC "policies.d/a.yaml.d/30.yaml\n");
    /* Behind a mask nothing is meant to be read. */
    must(unlinkat(root.fd, ETC "policies.d/a.yaml", 0));
    put_link(&root, ETC "policies.d/a.yaml", "/dev/null");
    expect(&root, "a: masked: /" ETC "policies.d/a.yaml\n");

    scratch_put(&root, ETC "pagewarden.yaml.d/x.conf", "");
    expect_settings(&root, "in force: /" ETC "pagewarden.yaml.d/x.conf\n"
                           "  /" ETC "pagewarden.yaml.d/x.conf: warning: is passed over (drop-ins "
                           "end in .yaml)\n"
                           "pagewarden: in force:\n");
}

/* A folder that cannot be listed stays a mistake beside them. */
static void names_beside_a_folder_that_is_none(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, ETC "policies.d/a.yml", "");
    scratch_put(&root, "run/pagewarden", "");
    expect(&root, "refused: /" ETC "policies.d/a.yml, /run/pagewarden\n"
                  "  /" ETC "policies.d/a.yml: warning: is passed over (policies end in .yaml)\n"
                  "  /run/pagewarden: Not a directory\n");
}

static void masks(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, LIB "policies.d/a.yaml", "");
    scratch_put(&root, LIB "policies.d/a.yaml.d/x.yaml", "");
    /* There is no /dev in this image: the link's text counts. */
    put_link(&root, RUN "policies.d/a.yaml", "/dev/null");
    expect(&root, "a: masked: /" RUN "policies.d/a.yaml\n");
    /* A mask can be overridden as well. */
    scratch_put(&root, ETC "policies.d/a.yaml", "");
    expect(&root, "a: in force: /" ETC "policies.d/a.yaml, /" LIB "policies.d/a.yaml.d/x.yaml\n");
    /* And there may be nothing to mask. */
    put_link(&root, ETC "policies.d/b.yaml", "/dev/null");
    expect(&root, "a: in force: /" ETC "policies.d/a.yaml, /" LIB "policies.d/a.yaml.d/x.yaml\n"
                  "b: masked: /" ETC "policies.d/b.yaml\n");
}

static void an_empty_file_is_no_mask(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, ETC "policies.d/a.yaml", "");
    scratch_put(&root, LIB "policies.d/a.yaml", "version: 1\n");
    put_link(&root, ETC "policies.d/b.yaml", "/dev/nul");
    put_link(&root, ETC "policies.d/c.yaml", "/dev/null2");
    scratch_put(&root, "dev/nul", "");
    scratch_put(&root, "dev/null2", "");
    expect(&root, "a: in force: /" ETC "policies.d/a.yaml\n"
                  "b: in force: /" ETC "policies.d/b.yaml\n"
                  "c: in force: /" ETC "policies.d/c.yaml\n");
}

/* On this system, whose /dev/null is a device. */
static void what_ends_at_the_null_device_is_a_mask(void **state)
{
    CLEANUP_SCRATCH Scratch dir = scratch_new("/tmp");
    const char *const folders[] = { dir.path, NULL };
    const ConfigPlaces places = { .folders = folders };

    put_link(&dir, "policies.d/a.yaml", "/dev/../dev/null");
    put_link(&dir, "policies.d/b.yaml", "a.yaml");
    put_link(&dir, "policies.d/c.yaml", "/dev/zero");
    expect_in(&places, &dir,
              "a: masked: /policies.d/a.yaml\n"
              "b: masked: /policies.d/b.yaml\n"
              "c: refused: /policies.d/c.yaml\n"
              "  /policies.d/c.yaml: not a regular file\n");
}

static void drop_ins_are_in_the_order_of_their_names(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, LIB "policies.d/a.yaml", "");
    scratch_put(&root, LIB "policies.d/a.yaml.d/10-x.yaml", "");
    scratch_put(&root, LIB "policies.d/a.yaml.d/30-x.yaml", "");
    scratch_put(&root, ETC "policies.d/a.yaml.d/20-x.yaml", "");
    scratch_put(&root, ETC "policies.d/a.yaml.d/9-x.yaml", "");
    scratch_put(&root, RUN "policies.d/a.yaml.d/05.yaml", "");
    expect(&root, "a: in force: /" LIB "policies.d/a.yaml, "
                  "/" RUN "policies.d/a.yaml.d/05.yaml, "
                  "/" LIB "policies.d/a.yaml.d/10-x.yaml, "
                  "/" ETC "policies.d/a.yaml.d/20-x.yaml, "
                  "/" LIB "policies.d/a.yaml.d/30-x.yaml, "
                  "/" ETC "policies.d/a.yaml.d/9-x.yaml\n");
}

static void of_drop_ins_too_the_first_folder_wins(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, ETC "policies.d/a.yaml", "");
    scratch_put(&root, LIB "policies.d/a.yaml.d/x.yaml", "");
    scratch_put(&root, LIB "policies.d/a.yaml.d/y.yaml", "");
    scratch_put(&root, LIB "policies.d/a.yaml.d/z.yaml", "");
    scratch_put(&root, LOCAL "policies.d/a.yaml.d/y.yaml", "");
    put_link(&root, RUN "policies.d/a.yaml.d/z.yaml", "/dev/null");
    expect(&root, "a: in force: /" ETC "policies.d/a.yaml, "
                  "/" LIB "policies.d/a.yaml.d/x.yaml, "
                  "/" LOCAL "policies.d/a.yaml.d/y.yaml\n");
    /* Behind a mask there may be none. */
    put_link(&root, ETC "policies.d/a.yaml.d/x.yaml", "/dev/null");
    put_link(&root, ETC "policies.d/a.yaml.d/y.yaml", "/dev/null");
    expect(&root, "a: in force: /" ETC "policies.d/a.yaml\n");
}

static void drop_ins_without_a_file(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    must(mkdirat(root.fd, "etc", 0755));
    must(mkdirat(root.fd, "etc/pagewarden", 0755));
    must(mkdirat(root.fd, "etc/pagewarden/policies.d", 0755));
    must(mkdirat(root.fd, "etc/pagewarden/policies.d/a.yaml.d", 0755));
    expect(&root, ""); /* an empty folder says nothing */
    scratch_put(&root, RUN "policies.d/a.yaml.d/x.yaml", "");
    scratch_put(&root, LIB "policies.d/a.yaml.d/y.yaml", "");
    scratch_put(&root, ETC "policies.d/b.yaml", "");
    expect(&root, "a: missing: /" RUN "policies.d/a.yaml.d\n"
                  "  /" RUN "policies.d/a.yaml.d: warning: there is no policy \"a\" to merge these "
                  "drop-ins into\n"
                  "b: in force: /" ETC "policies.d/b.yaml\n");
}

static void names_that_do_not_print(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, ETC "policies.d/\x1b[1m.yaml.d/x.yaml", "");
    expect(&root,
           "\x1b[1m: missing: /" ETC "policies.d/\x1b[1m.yaml.d\n"
           "  /" ETC "policies.d/\\x1b[1m.yaml.d: warning: there is no policy \"\\x1b[1m\" to "
           "merge these drop-ins into\n");
}

static void folders_of_ones_own(void **state)
{
    CLEANUP_SCRATCH Scratch dir = scratch_new("/tmp");
    char one[PATH_MAX + 8], two[PATH_MAX + 8], three[PATH_MAX + 8];
    const char *const folders[] = { one, two, three, NULL };
    const ConfigPlaces places = { .root = "/", .folders = folders };

    snprintf(one, sizeof(one), "%s/one///", dir.path);
    snprintf(two, sizeof(two), "%s/two", dir.path);
    snprintf(three, sizeof(three), "%s/three", dir.path);
    scratch_put(&dir, "one/policies.d/a.yaml", "");
    scratch_put(&dir, "one/policies.d/b.yaml.d/x.yaml", "");
    scratch_put(&dir, "two/policies.d/a.yaml", "");
    scratch_put(&dir, "two/policies.d/b.yaml", "");
    scratch_put(&dir, ETC "policies.d/c.yaml", "");
    /* One that somebody names has to be there. */
    expect_in(&places, &dir,
              "refused: /three\n"
              "  /three: No such file or directory\n"
              "a: in force: /one/policies.d/a.yaml\n"
              "b: in force: /two/policies.d/b.yaml, "
              "/one/policies.d/b.yaml.d/x.yaml\n");
    /* But need not have policies. */
    must(mkdirat(dir.fd, "three", 0755));
    expect_in(&places, &dir,
              "a: in force: /one/policies.d/a.yaml\n"
              "b: in force: /two/policies.d/b.yaml, "
              "/one/policies.d/b.yaml.d/x.yaml\n");
}

/* As they were typed: below the working folder, or below the image. */
static void relative_folders(void **state)
{
    CLEANUP_SCRATCH Scratch dir = scratch_new("/tmp");
    CLEANUP_CLOSE int before = must(open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    static const char *const folders[] = { "conf/", NULL };
    const ConfigPlaces here = { .folders = folders };
    const ConfigPlaces there = { .root = "image//", .folders = folders };

    scratch_put(&dir, "conf/policies.d/a.yaml", "");
    scratch_put(&dir, "image/conf/policies.d/b.yaml", "");
    must(fchdir(dir.fd));
    expect_in(&here, &dir, "a: in force: conf/policies.d/a.yaml\n");
    expect_in(&there, &dir, "b: in force: image/conf/policies.d/b.yaml\n");
    must(fchdir(before));
}

static void the_settings(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, LIB "pagewarden.yaml.d/20.yaml", "");
    expect_settings(&root, "pagewarden: in force: /" LIB "pagewarden.yaml.d/20.yaml\n");
    scratch_put(&root, LIB "pagewarden.yaml", "");
    scratch_put(&root, ETC "pagewarden.yaml.d/10.yaml", "");
    put_link(&root, ETC "pagewarden.yaml.d/30.yaml", "/dev/null");
    scratch_put(&root, RUN "pagewarden.yaml.d/30.yaml", "");
    expect_settings(&root,
                    "pagewarden: in force: /" LIB "pagewarden.yaml, "
                    "/" ETC "pagewarden.yaml.d/10.yaml, /" LIB "pagewarden.yaml.d/20.yaml\n");
    put_link(&root, RUN "pagewarden.yaml", "nope");
    expect_settings(&root, "pagewarden: refused: /" RUN "pagewarden.yaml, "
                           "/" ETC "pagewarden.yaml.d/10.yaml, /" LIB "pagewarden.yaml.d/20.yaml\n"
                           "  /" RUN "pagewarden.yaml: a symbolic link to nothing\n");
    put_link(&root, ETC "pagewarden.yaml", "/dev/null");
    expect_settings(&root, "pagewarden: masked: /" ETC "pagewarden.yaml\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing),
        cmocka_unit_test(the_first_folder_wins),
        cmocka_unit_test(names_are_in_the_order_of_their_bytes),
        cmocka_unit_test(leftovers_are_ignored),
        cmocka_unit_test(other_names_are_told_of),
        cmocka_unit_test(folders_of_other_names_are_told_of),
        cmocka_unit_test(drop_ins_of_other_names_are_told_of),
        cmocka_unit_test(names_beside_a_folder_that_is_none),
        cmocka_unit_test(masks),
        cmocka_unit_test(an_empty_file_is_no_mask),
        cmocka_unit_test(what_ends_at_the_null_device_is_a_mask),
        cmocka_unit_test(drop_ins_are_in_the_order_of_their_names),
        cmocka_unit_test(of_drop_ins_too_the_first_folder_wins),
        cmocka_unit_test(drop_ins_without_a_file),
        cmocka_unit_test(names_that_do_not_print),
        cmocka_unit_test(folders_of_ones_own),
        cmocka_unit_test(relative_folders),
        cmocka_unit_test(the_settings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
