/* SPDX-License-Identifier: MIT */
#include "config/find.h"

#include <sys/syscall.h>
#include <sys/wait.h>

#include "native/seccomp.h"
#include "policy/reader.h"
#include "unit/config/told.h"

#define ETC   "etc/pagewarden/"
#define RUN   "run/pagewarden/"
#define LOCAL "usr/local/lib/pagewarden/"
#define LIB   "usr/lib/pagewarden/"

static ConfigPlaces image(const Scratch *root)
{
    return (ConfigPlaces){ .root = root->path };
}

/* What is found and, of what is in force, can be read. */
static void expect_in(const ConfigPlaces *places, const Scratch *root, const char *expected)
{
    cleanup(config_root_close) ConfigRoot opened;
    cleanup(config_entry_clear) ConfigEntry folders = { 0 };
    cleanup(config_entries_clear) ConfigEntries found;

    assert_int_equal(config_root_open(places, &opened), 0);
    assert_int_equal(config_find_policies(&opened, &folders, &found), 0);
    for (size_t i = 0; i < found.n_entries; i++)
        if (found.entries[i].state == CONFIG_IN_FORCE)
            assert_int_equal(config_entry_read(&found.entries[i], &opened), 0);
    expect_told(root, &folders, found.entries, found.n_entries, expected);
}

static void expect(const Scratch *root, const char *expected)
{
    const ConfigPlaces places = image(root);

    expect_in(&places, root, expected);
}

static void expect_settings(const Scratch *root, const char *expected)
{
    const ConfigPlaces places = image(root);
    cleanup(config_root_close) ConfigRoot opened;
    cleanup(config_entry_clear) ConfigEntry folders = { 0 };
    cleanup(config_entry_clear) ConfigEntry entry;

    assert_int_equal(config_root_open(&places, &opened), 0);
    assert_int_equal(config_find_settings(&opened, &folders, &entry), 0);
    if (entry.state == CONFIG_IN_FORCE)
        assert_in_range(config_entry_read(&entry, &opened), 0, 1);
    expect_told(root, &folders, &entry, 1, expected);
}

static void put_link(const Scratch *root, const char *path, const char *target)
{
    scratch_folders(root, path);
    must(symlinkat(target, root->fd, path));
}

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
        cmocka_unit_test(links_stay_in_the_image),
        cmocka_unit_test(links_to_nothing),
        cmocka_unit_test(folders_that_are_none),
        cmocka_unit_test(drop_ins_behind_a_folder_that_is_none),
        cmocka_unit_test(what_is_no_regular_file),
        cmocka_unit_test(as_large_as_is_allowed),
        cmocka_unit_test(what_may_not_be_read),
        cmocka_unit_test(folders_of_ones_own),
        cmocka_unit_test(relative_folders),
        cmocka_unit_test(the_settings),
        cmocka_unit_test(deleted_before_it_was_read),
        cmocka_unit_test(a_root_that_is_none),
        cmocka_unit_test(without_openat2),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
