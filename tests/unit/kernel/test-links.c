/* SPDX-License-Identifier: MIT */
/* Links are root's where the tests are; elsewhere none is trusted, and little is left to see. */
#include "kernel/links.h"

#include <errno.h>
#include <fcntl.h>

#include "kernel/walk.h"
#include "unit/kernel/scratch.h"
#include "unit/test.h"

#define NOT_FOLLOWED  ": is a symbolic link, which is not followed"
#define NOT_ONLY_ROOT NOT_FOLLOWED ", since others than root can put one there\n"
#define NOT_ROOTS     NOT_FOLLOWED ", since it is not root's\n"

static int tell(char *text, const char *path, const char *why)
{
    size_t n = strlen(text);

    snprintf(text + n, 4096 - n, "%s%s%s\n", path, why ? ": " : "", why ? why : "");
    return 0;
}

static int on_file(const char *path, int path_fd, const struct stat *st, void *userdata)
{
    return tell(userdata, path, NULL);
}

static int on_passed_over(const char *path, WalkReason reason, const char *why, void *userdata)
{
    return tell(userdata, path, why);
}

static void expect_glob(const Scratch *root, const char *pattern, const char *expected)
{
    char text[4096] = "";
    WalkHandler handler = { on_file, on_passed_over, text };

    assert_int_equal(walk_glob(root->fd, pattern, 0, &handler), 0);
    assert_string_equal(text, expected);
}

static void expect_path(const Scratch *root, const char *path, const char *expected)
{
    CLEANUP_FREE char *resolved = NULL;

    assert_int_equal(links_resolve(root->fd, path, false, &resolved), 0);
    assert_string_equal(resolved, expected);
}

static void only_as_root(void)
{
    if (geteuid() != 0)
        skip();
}

/* /data/pg/base/{1,2}, and below /var/lib links to it. */
static Scratch a_machine(void)
{
    Scratch root = scratch_new("/tmp");

    scratch_put(&root, "data/pg/base/1", "1");
    scratch_put(&root, "data/pg/base/2", "2");
    scratch_folders(&root, "var/lib/");
    scratch_folders(&root, "usr/bin/");
    must(symlinkat("/data/pg", root.fd, "var/lib/absolute"));
    must(symlinkat("../../data/pg", root.fd, "var/lib/relative"));
    must(symlinkat("relative", root.fd, "var/lib/twice"));
    return root;
}

static void to_a_folder(void **state)
{
    only_as_root();
    CLEANUP_SCRATCH Scratch root = a_machine();
    static const char *const both = "/data/pg/base/1\n/data/pg/base/2\n";

    expect_glob(&root, "/var/lib/absolute/base/1", "/data/pg/base/1\n");
    expect_glob(&root, "/var/lib/relative/base/1", "/data/pg/base/1\n");
    expect_glob(&root, "/var/lib/twice/base/*", both);
    expect_glob(&root, "/var/lib/twice/**", both);
    expect_glob(&root, "/var/lib/absolute/nope", "/data/pg/nope: does not exist\n");
    expect_glob(&root, "/var/lib/absolute", "/data/pg: is a directory\n");
}

static void to_a_file(void **state)
{
    only_as_root();
    CLEANUP_SCRATCH Scratch root = a_machine();

    scratch_put(&root, "usr/lib/libfoo.so.1.2", "");
    must(symlinkat("libfoo.so.1", root.fd, "usr/lib/libfoo.so"));
    must(symlinkat("libfoo.so.1.2", root.fd, "usr/lib/libfoo.so.1"));
    must(symlinkat("usr/lib", root.fd, "lib"));
    expect_glob(&root, "/lib/libfoo.so", "/usr/lib/libfoo.so.1.2\n");
    /* Not where a wildcard stands. */
    expect_glob(&root, "/lib/libfoo.s[o]", "/usr/lib/libfoo.so" NOT_FOLLOWED "\n");
    expect_glob(&root, "/{l,x}ib*/libfoo.so", "/lib" NOT_FOLLOWED "\n");
}

/* Each file once, however many readings lead to it. */
static void several_readings(void **state)
{
    only_as_root();
    CLEANUP_SCRATCH Scratch root = a_machine();

    expect_glob(&root, "/{var/lib/{absolute,relative,twice},data/pg}/base/{1,*}",
                "/data/pg/base/1\n/data/pg/base/2\n");
    expect_glob(&root, "/var/lib/{absolute,relative}/nope", "/data/pg/nope: does not exist\n");
    expect_glob(&root, "/{data/**,var/lib/twice/**/1}", "/data/pg/base/1\n/data/pg/base/2\n");
}

static void names_that_look_like_globs(void **state)
{
    only_as_root();
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, "*[a]{b,c}/\\", "");
    scratch_put(&root, "x/\\", "");
    must(symlinkat("*[a]{b,c}", root.fd, "?"));
    expect_glob(&root, "/\\?/\\\\", "/*[a]{b,c}/\\\n");
    expect_glob(&root, "/\\?/*", "/*[a]{b,c}/\\\n");
}

/* The top has nothing above it, whoever says "..". */
static void none_leads_out(void **state)
{
    only_as_root();
    CLEANUP_SCRATCH Scratch root = a_machine();

    must(symlinkat("../../../../../../data", root.fd, "var/lib/up"));
    must(symlinkat("/..", root.fd, "top"));
    must(symlinkat("/../../data/./pg/../pg//base/", root.fd, "around"));
    must(symlinkat("var/lib/relative/../../data", root.fd, "through"));
    expect_glob(&root, "/var/lib/up/pg/base/1", "/data/pg/base/1\n");
    expect_glob(&root, "/top/data/pg/base/1", "/data/pg/base/1\n");
    expect_glob(&root, "/top", "/: is a directory\n");
    expect_glob(&root, "/around/1", "/data/pg/base/1\n");
    /* ".." is of where the link leads, not of where it stands. */
    expect_glob(&root, "/through/pg/base/1", "/data/pg/base/1\n");
    must(symlinkat("nope/../../../etc", root.fd, "lost"));
    expect_path(&root, "/lost/passwd", "/nope/etc/passwd");
    expect_glob(&root, "/lost/passwd", "/nope: does not exist\n");
}

static void those_of_others(void **state)
{
    only_as_root();
    CLEANUP_SCRATCH Scratch root = a_machine();

    must(fchownat(root.fd, "var/lib/absolute", 1234, 1234, AT_SYMLINK_NOFOLLOW));
    expect_glob(&root, "/var/lib/absolute/base/*", "/var/lib/absolute" NOT_ROOTS);
    expect_glob(&root, "/var/lib/{absolute,relative}/base/1",
                "/data/pg/base/1\n/var/lib/absolute" NOT_ROOTS);
    /* A link to a link. */
    must(symlinkat("absolute", root.fd, "var/lib/to"));
    expect_glob(&root, "/var/lib/to/base/1", "/var/lib/absolute" NOT_ROOTS);
}

static void where_others_can_write(void **state)
{
    only_as_root();
    CLEANUP_SCRATCH Scratch root = a_machine();
    static const mode_t modes[] = { 0775, 0757, 01777, 02775 };

    for (size_t i = 0; i < ELEMENTS(modes); i++) {
        must(fchmodat(root.fd, "var/lib", modes[i], 0));
        expect_glob(&root, "/var/lib/absolute/base/1", "/var/lib/absolute" NOT_ONLY_ROOT);
    }
    must(fchmodat(root.fd, "var/lib", 0755, 0));
    expect_glob(&root, "/var/lib/absolute/base/1", "/data/pg/base/1\n");
    must(fchownat(root.fd, "var/lib", 1234, 0, 0));
    expect_glob(&root, "/var/lib/absolute/base/1", "/var/lib/absolute" NOT_ONLY_ROOT);
    must(fchownat(root.fd, "var/lib", 0, 0, 0));
    /* Whoever owns a folder above can put another var/lib there. */
    must(fchownat(root.fd, "var", 1234, 0, 0));
    expect_glob(&root, "/var/lib/absolute/base/1", "/var/lib/absolute" NOT_ONLY_ROOT);
    /* The service owns its data: a link in there is not followed, the one to it is. */
    must(fchownat(root.fd, "var", 0, 0, 0));
    must(fchownat(root.fd, "data/pg", 1234, 0, 0));
    must(symlinkat("base", root.fd, "data/pg/link"));
    expect_glob(&root, "/var/lib/twice/base/1", "/data/pg/base/1\n");
    expect_glob(&root, "/var/lib/twice/link/1", "/data/pg/link" NOT_ONLY_ROOT);
}

static void links_in_a_circle(void **state)
{
    only_as_root();
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    char from[16], to[16];

    must(symlinkat("b", root.fd, "a"));
    must(symlinkat("a", root.fd, "b"));
    must(symlinkat("self/x", root.fd, "self"));
    expect_glob(&root, "/a/x", "/a: is one symbolic link too many on this path\n");
    expect_glob(&root, "/self/x", "/self: is one symbolic link too many on this path\n");

    scratch_put(&root, "0", "");
    for (unsigned i = 1; i <= LINKS_MAX + 1; i++) {
        snprintf(from, sizeof from, "%u", i);
        snprintf(to, sizeof to, "%u", i - 1);
        must(symlinkat(to, root.fd, from));
    }
    expect_glob(&root, "/40", "/0\n");
    expect_glob(&root, "/41", "/1: is one symbolic link too many on this path\n");
}

/* Text that the kernel would follow to where no path leads. */
static void magic_links(void **state)
{
    only_as_root();
    CLEANUP_CLOSE int fd = must(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    const Scratch root = { .fd = fd };

    expect_glob(&root, "/proc/1/root/etc/passwd", "/proc/1/root" NOT_ONLY_ROOT);
    expect_glob(&root, "/proc/self/exe", "/proc/self" NOT_ONLY_ROOT);
}

static void odd_paths(void **state)
{
    CLEANUP_SCRATCH Scratch root = a_machine();
    CLEANUP_FREE char *resolved = NULL;
    char path[PATH_MAX + 1];

    expect_path(&root, "", "");
    expect_path(&root, "/", "");
    expect_path(&root, "//data/./pg//", "/data/pg");
    expect_path(&root, "/data/pg/base/1/x", "/data/pg/base/1/x");
    memset(path, 'x', sizeof path - 1);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    assert_int_equal(links_resolve(root.fd, path, false, &resolved), -ENAMETOOLONG);
    path[sizeof path - 2] = '\0';
    expect_path(&root, path, path);
    assert_int_equal(links_resolve(-1, "/a", false, &resolved), -EBADF);
    assert_null(resolved);
}

/* Its folders are more than are kept open, or its text is more than a path holds. */
static void long_ways(void **state)
{
    only_as_root();
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    char target[4001], path[PATH_MAX], *to;

    memset(target, 'y', sizeof target);
    for (size_t i = 200; i < sizeof target; i += 200)
        target[i] = '/';
    target[sizeof target - 1] = '\0';
    must(symlinkat(target, root.fd, "long"));
    snprintf(path, sizeof path, "/%s/x", target);
    expect_path(&root, "/long/x", path);
    snprintf(path, sizeof path, "/long/%0200d", 0);
    expect_path(&root, path, path);

    to = path;
    for (unsigned i = 0; i < LINKS_FOLDERS_MAX + 5; i++)
        to = stpcpy(to, "/d");
    scratch_folders(&root, path + 1);
    expect_path(&root, path, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(to_a_folder),
        cmocka_unit_test(to_a_file),
        cmocka_unit_test(several_readings),
        cmocka_unit_test(names_that_look_like_globs),
        cmocka_unit_test(none_leads_out),
        cmocka_unit_test(those_of_others),
        cmocka_unit_test(where_others_can_write),
        cmocka_unit_test(links_in_a_circle),
        cmocka_unit_test(magic_links),
        cmocka_unit_test(odd_paths),
        cmocka_unit_test(long_ways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
