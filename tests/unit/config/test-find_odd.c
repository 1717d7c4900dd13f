/* SPDX-License-Identifier: MIT */
/* Links, and what cannot be read. */
#include "config/find.h"

#include <sys/syscall.h>
#include <sys/wait.h>

#include "native/seccomp.h"
#include "policy/reader.h"
#include "unit/config/finding.h"

static void links_stay_in_the_image(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    CLEANUP_SCRATCH Scratch outside = scratch_new("/tmp");
    char target[PATH_MAX + 16];

    scratch_put(&outside, "secret.yaml", "outside");
    scratch_put(&root, "srv/a.yaml", "inside");
    scratch_put(&root, "srv/dropins/x.yaml", "inside");
    scratch_put(&root, "b.yaml", "inside");
    put_link(&root, ETC "policies.d/a.yaml", "/srv/a.yaml");
    put_link(&root, ETC "policies.d/a.yaml.d", "/srv/dropins");
    put_link(&root, ETC "policies.d/b.yaml", "../../../../../../../b.yaml");
    snprintf(target, sizeof(target), "%s/secret.yaml", outside.path);
    put_link(&root, ETC "policies.d/c.yaml", target);
    expect(&root, "a: in force: /" ETC "policies.d/a.yaml, /" ETC "policies.d/a.yaml.d/x.yaml\n"
                  "b: in force: /" ETC "policies.d/b.yaml\n"
                  "c: refused: /" ETC "policies.d/c.yaml\n"
                  "  /" ETC "policies.d/c.yaml: a symbolic link to nothing\n");
    /* A link of the whole folder, too. */
    put_link(&root, "run/pagewarden", "/srv/conf");
    scratch_put(&root, "srv/conf/policies.d/a.yaml.d/w.yaml", "");
    must(unlinkat(root.fd, ETC "policies.d/b.yaml", 0));
    must(unlinkat(root.fd, ETC "policies.d/c.yaml", 0));
    expect(&root, "a: in force: /" ETC "policies.d/a.yaml, /" RUN "policies.d/a.yaml.d/w.yaml, "
                  "/" ETC "policies.d/a.yaml.d/x.yaml\n");
}

static void links_to_nothing(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    put_link(&root, ETC "policies.d/a.yaml", "nope");
    scratch_put(&root, LIB "policies.d/a.yaml", ""); /* which it hides */
    put_link(&root, ETC "policies.d/loop.yaml", "loop.yaml");
    scratch_put(&root, ETC "policies.d/c.yaml", "");
    put_link(&root, ETC "policies.d/c.yaml.d/x.yaml", "nope");
    scratch_put(&root, ETC "policies.d/d.yaml", "");
    put_link(&root, ETC "policies.d/d.yaml.d", "nope");
    expect(&root, "a: refused: /" ETC "policies.d/a.yaml\n"
                  "  /" ETC "policies.d/a.yaml: a symbolic link to nothing\n"
                  "c: refused: /" ETC "policies.d/c.yaml, /" ETC "policies.d/c.yaml.d/x.yaml\n"
                  "  /" ETC "policies.d/c.yaml.d/x.yaml: a symbolic link to nothing\n"
                  "d: refused: /" ETC "policies.d/d.yaml, /" ETC "policies.d/d.yaml.d\n"
                  "  /" ETC "policies.d/d.yaml.d: a symbolic link to nothing\n"
                  "loop: refused: /" ETC "policies.d/loop.yaml\n"
                  "  /" ETC "policies.d/loop.yaml: Too many levels of symbolic links\n");
}

static void folders_that_are_none(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    put_link(&root, "etc/pagewarden", "/nope");
    scratch_put(&root, "run/pagewarden", "");
    scratch_put(&root, LOCAL "policies.d", "");
    scratch_put(&root, LIB "policies.d/a.yaml", "");
    scratch_put(&root, LIB "policies.d/a.yaml.d", "");
    expect(&root, "refused: /etc/pagewarden, /run/pagewarden, /" LOCAL "policies.d\n"
                  "  /etc/pagewarden: a symbolic link to nothing\n"
                  "  /run/pagewarden: Not a directory\n"
                  "  /" LOCAL "policies.d: Not a directory\n"
                  "a: refused: /" LIB "policies.d/a.yaml, /" LIB "policies.d/a.yaml.d\n"
                  "  /" LIB "policies.d/a.yaml.d: Not a directory\n");
    expect_settings(&root, "pagewarden: refused: /run/pagewarden/pagewarden.yaml\n"
                           "  /run/pagewarden/pagewarden.yaml: Not a directory\n");
}

/* The place of what is said stays: others are not looked at any more. */
static void drop_ins_behind_a_folder_that_is_none(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, ETC "policies.d/a.yaml", "");
    scratch_put(&root, ETC "policies.d/a.yaml.d/b.yaml", "");
    scratch_put(&root, RUN "policies.d/a.yaml.d", "");
    scratch_put(&root, LIB "policies.d/a.yaml.d/a.yaml", "");
    expect(&root, "a: refused: /" ETC "policies.d/a.yaml, /" ETC "policies.d/a.yaml.d/b.yaml, "
                  "/" RUN "policies.d/a.yaml.d\n"
                  "  /" RUN "policies.d/a.yaml.d: Not a directory\n");
}

/* None of them may block. */
static void what_is_no_regular_file(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, ETC "policies.d/good.yaml", "");
    must(mkfifoat(root.fd, ETC "policies.d/fifo.yaml", 0600));
    must(mkdirat(root.fd, ETC "policies.d/folder.yaml", 0700));
    must(mknodat(root.fd, ETC "policies.d/socket.yaml", S_IFSOCK | 0600, 0));
    must(mkdirat(root.fd, ETC "policies.d/good.yaml.d", 0755));
    must(mkfifoat(root.fd, ETC "policies.d/good.yaml.d/fifo.yaml", 0600));
    expect(&root, "fifo: refused: /" ETC "policies.d/fifo.yaml\n"
                  "  /" ETC "policies.d/fifo.yaml: not a regular file\n"
                  "folder: refused: /" ETC "policies.d/folder.yaml\n"
                  "  /" ETC "policies.d/folder.yaml: a folder, not a file\n"
                  "good: refused: /" ETC "policies.d/good.yaml, "
                  "/" ETC "policies.d/good.yaml.d/fifo.yaml\n"
                  "  /" ETC "policies.d/good.yaml.d/fifo.yaml: not a regular file\n"
                  "socket: refused: /" ETC "policies.d/socket.yaml\n"
                  "  /" ETC "policies.d/socket.yaml: not a regular file\n");
}

static void put_size(const Scratch *root, const char *path, size_t size)
{
    scratch_put(root, path, "");
    int fd = must(openat(root->fd, path, O_WRONLY | O_CLOEXEC));
    must(ftruncate(fd, (off_t)size));
    close(fd);
}

static void as_large_as_is_allowed(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    put_size(&root, ETC "policies.d/a.yaml", READER_TEXT_MAX);
    put_size(&root, ETC "policies.d/b.yaml", READER_TEXT_MAX + 1);
    expect(&root, "a: in force: /" ETC "policies.d/a.yaml\n"
                  "b: refused: /" ETC "policies.d/b.yaml\n"
                  "  /" ETC "policies.d/b.yaml: larger than 1 MiB (a page of text is plenty)\n");
}

/* Runs @check as somebody who may not read everything, and tells whether it ended well: assertions
 * end a child that is not the test program. */
static void run_as_nobody(void (*check)(const Scratch *), const Scratch *root)
{
    int status;

    must(fchmod(root->fd, 0755));
    fflush(NULL);
    pid_t pid = must(fork());
    if (pid == 0) {
        if (geteuid() == 0 && setuid(65534) < 0)
            _exit(98);
        check(root);
        _exit(42);
    }
    must(waitpid(pid, &status, 0));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
}

static void check_unreadable(const Scratch *root)
{
    expect(root, "refused: /" RUN "policies.d, /usr/local/lib/pagewarden\n"
                 "  /" RUN "policies.d: Permission denied\n"
                 "  /usr/local/lib/pagewarden: Permission denied\n"
                 "a: in force: /" ETC "policies.d/a.yaml\n"
                 "dropin: refused: /" ETC "policies.d/dropin.yaml, "
                 "/" ETC "policies.d/dropin.yaml.d/x.yaml\n"
                 "  /" ETC "policies.d/dropin.yaml.d/x.yaml: Permission denied\n"
                 "folder: refused: /" ETC "policies.d/folder.yaml, "
                 "/" ETC "policies.d/folder.yaml.d\n"
                 "  /" ETC "policies.d/folder.yaml.d: Permission denied\n"
                 "secret: refused: /" ETC "policies.d/secret.yaml\n"
                 "  /" ETC "policies.d/secret.yaml: Permission denied\n");
}

static void what_may_not_be_read(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    static const char *const closed[] = {
        ETC "policies.d/secret.yaml",
        ETC "policies.d/dropin.yaml.d/x.yaml",
        ETC "policies.d/folder.yaml.d",
        RUN "policies.d",
    };

    scratch_put(&root, ETC "policies.d/a.yaml", "");
    scratch_put(&root, ETC "policies.d/secret.yaml", "");
    scratch_put(&root, ETC "policies.d/dropin.yaml", "");
    scratch_put(&root, ETC "policies.d/dropin.yaml.d/x.yaml", "");
    scratch_put(&root, ETC "policies.d/folder.yaml", "");
    scratch_put(&root, ETC "policies.d/folder.yaml.d/x.yaml", "");
    scratch_put(&root, RUN "policies.d/x.yaml", "");
    scratch_put(&root, LOCAL "policies.d/x.yaml", "");
    for (size_t i = 0; i < ELEMENTS(closed); i++)
        must(fchmodat(root.fd, closed[i], 0, 0));
    must(fchmodat(root.fd, "usr/local/lib", 0, 0));
    run_as_nobody(check_unreadable, &root);
    must(fchmodat(root.fd, "usr/local/lib", 0755, 0)); /* to be removed by anybody */
    for (size_t i = 0; i < ELEMENTS(closed); i++)
        must(fchmodat(root.fd, closed[i], 0755, 0));
}

static void deleted_before_it_was_read(void **state)
{
    CLEANUP_SCRATCH Scratch dir = scratch_new("/tmp");
    const ConfigPlaces places = image(&dir);
    cleanup(config_root_close) ConfigRoot root;
    cleanup(config_entry_clear) ConfigEntry folders = { 0 };
    cleanup(config_entries_clear) ConfigEntries found;

    scratch_put(&dir, ETC "policies.d/a.yaml", "a");
    scratch_put(&dir, ETC "policies.d/a.yaml.d/x.yaml", "x");
    scratch_put(&dir, ETC "policies.d/a.yaml.d/y.yaml", "yy");
    scratch_put(&dir, ETC "policies.d/b.yaml", "b");
    assert_int_equal(config_root_open(&places, &root), 0);
    assert_int_equal(config_find_policies(&root, &folders, &found), 0);
    must(unlinkat(dir.fd, ETC "policies.d/a.yaml.d/x.yaml", 0));
    must(unlinkat(dir.fd, ETC "policies.d/b.yaml", 0));
    assert_int_equal(config_entry_read(&found.entries[0], &root), 0);
    assert_int_equal(config_entry_read(&found.entries[1], &root), 1);
    expect_told(&dir, &folders, found.entries, found.n_entries,
                "a: in force: /" ETC "policies.d/a.yaml, /" ETC "policies.d/a.yaml.d/y.yaml\n"
                "b: in force:\n");
    assert_string_equal(found.entries[0].sources[0].text, "a");
    assert_int_equal(found.entries[0].sources[0].size, 1);
    assert_string_equal(found.entries[0].sources[1].text, "yy");
    assert_int_equal(found.entries[0].sources[1].size, 2);
}

static void a_root_that_is_none(void **state)
{
    ConfigRoot root;

    assert_int_equal(config_root_open(&(ConfigPlaces){ .root = "/nope" }, &root), -ENOENT);
    assert_int_equal(config_root_open(&(ConfigPlaces){ .root = "/dev/null" }, &root), -ENOTDIR);
}

static void check_without_openat2(const Scratch *root)
{
    const char *const folders[] = { scratch_path(root, "etc/pagewarden"), NULL };
    const ConfigPlaces here = { .folders = folders };

    seccomp_answer(SYS_openat2, ENOSYS);
    /* An image's links could lead out of it. */
#define WHY \
    "links cannot be kept within the image: openat2(2) is missing, or a sandbox forbids it\n"
    expect(root, "refused: /etc/pagewarden, /run/pagewarden, /usr/local/lib/pagewarden, "
                 "/usr/lib/pagewarden\n"
                 "  /etc/pagewarden: " WHY "  /run/pagewarden: " WHY
                 "  /usr/local/lib/pagewarden: " WHY "  /usr/lib/pagewarden: " WHY);
    /* This system does not need it. */
    expect_in(&here, root, "a: in force: /" ETC "policies.d/a.yaml\n");
}

static void without_openat2(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");

    scratch_put(&root, ETC "policies.d/a.yaml", "");
    run_as_nobody(check_without_openat2, &root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_stay_in_the_image),
        cmocka_unit_test(links_to_nothing),
        cmocka_unit_test(folders_that_are_none),
        cmocka_unit_test(drop_ins_behind_a_folder_that_is_none),
        cmocka_unit_test(what_is_no_regular_file),
        cmocka_unit_test(as_large_as_is_allowed),
        cmocka_unit_test(what_may_not_be_read),
        cmocka_unit_test(deleted_before_it_was_read),
        cmocka_unit_test(a_root_that_is_none),
        cmocka_unit_test(without_openat2),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
