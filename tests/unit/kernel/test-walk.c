/* SPDX-License-Identifier: MIT */
#include "kernel/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "unit/kernel/scratch.h"
#include "unit/test.h"

/* What a walk told, a line each: "/a/b", and "/a/c: is a FIFO". */
typedef struct Told {
    char text[8192];
    int stop_after; /* handlers' calls; then 42 is returned. 0: never */
    int calls;
} Told;

static int told(Told *t, const char *path, const char *why)
{
    size_t n = strlen(t->text);

    snprintf(t->text + n, sizeof t->text - n, "%s%s%s\n", path, why ? ": " : "", why ? why : "");
    return ++t->calls == t->stop_after ? 42 : 0;
}

static int on_file(const char *path, int path_fd, const struct stat *st, void *userdata)
{
    struct stat again;

    /* The descriptor opens nothing, and is the file that was judged. */
    assert_true(fcntl(path_fd, F_GETFL) & O_PATH);
    assert_int_equal(fstat(path_fd, &again), 0);
    assert_true(S_ISREG(st->st_mode));
    assert_true(again.st_ino == st->st_ino && again.st_dev == st->st_dev);
    assert_true(again.st_size == st->st_size && again.st_mode == st->st_mode &&
                again.st_uid == st->st_uid && again.st_nlink == st->st_nlink &&
                again.st_mtim.tv_nsec == st->st_mtim.tv_nsec && again.st_blocks == st->st_blocks);
    return told(userdata, path, NULL);
}

static int on_passed_over(const char *path, WalkReason reason, const char *why, void *userdata)
{
    return told(userdata, path, why);
}

static void expect_glob(const Scratch *root, const char *pattern, const char *expected)
{
    Told t = { 0 };
    WalkHandler handler = { on_file, on_passed_over, &t };

    assert_int_equal(walk_glob(root->fd, pattern, 0, &handler), 0);
    assert_string_equal(t.text, expected);
}

static Scratch a_shop(void)
{
    Scratch root = scratch_new("/tmp");

    scratch_put(&root, "srv/shop/b.db", "b");
    scratch_put(&root, "srv/shop/a.db", "aa");
    scratch_put(&root, "srv/shop/.hidden.db", "h");
    scratch_put(&root, "srv/shop/notes.txt", "n");
    scratch_put(&root, "srv/shop/deep/er/c.db", "c");
    scratch_put(&root, "srv/shop/deep/d.db", "d");
    scratch_put(&root, "srv/shop/.cache/e.db", "e");
    scratch_put(&root, "srv/shop2/a.db", "2");
    scratch_put(&root, "secret/key.db", "s");
    return root;
}

static void files_named_literally(void **state)
{
    CLEANUP_SCRATCH Scratch root = a_shop();

    expect_glob(&root, "/srv/shop/a.db", "/srv/shop/a.db\n");
    expect_glob(&root, "/srv/shop/.hidden.db", "/srv/shop/.hidden.db\n");
    expect_glob(&root, "/srv/shop/nope.db", "/srv/shop/nope.db: does not exist\n");
    expect_glob(&root, "/srv/nope/a/b/c", "/srv/nope: does not exist\n");
    expect_glob(&root, "/srv/nope/*.db", "/srv/nope: does not exist\n");
    expect_glob(&root, "/srv/shop/a.db/x", "/srv/shop/a.db: is not a directory\n");
    expect_glob(&root, "/srv/shop", "/srv/shop: is a directory\n");
    expect_glob(&root, "/", "/: is a directory\n");
}

static void files_that_match(void **state)
{
    CLEANUP_SCRATCH Scratch root = a_shop();

    expect_glob(&root, "/srv/shop/*.db", "/srv/shop/a.db\n/srv/shop/b.db\n");
    expect_glob(&root, "/srv/*/a.db", "/srv/shop/a.db\n/srv/shop2/a.db\n");
    expect_glob(&root, "/srv/shop/.*.db", "/srv/shop/.hidden.db\n");
    expect_glob(&root, "/srv/shop/[!a].db", "/srv/shop/b.db\n");
    /* Nothing there, and nothing that was named. */
    expect_glob(&root, "/srv/shop/*.sql", "");
    expect_glob(&root, "/srv/*/nope.db", "");
}

static void folders_in_between(void **state)
{
    CLEANUP_SCRATCH Scratch root = a_shop();

    expect_glob(&root, "/srv/shop/**",
                "/srv/shop/a.db\n/srv/shop/b.db\n/srv/shop/deep/d.db\n/srv/shop/deep/er/c.db\n"
                "/srv/shop/notes.txt\n");
    expect_glob(&root, "/srv/**/[ac].db",
                "/srv/shop/a.db\n/srv/shop/deep/er/c.db\n/srv/shop2/a.db\n");
    expect_glob(&root, "/srv/**/deep/**/*.db", "/srv/shop/deep/d.db\n/srv/shop/deep/er/c.db\n");
    expect_glob(&root, "/srv/shop/.cache/**", "/srv/shop/.cache/e.db\n");
}

static void several_readings_tell_a_file_once(void **state)
{
    CLEANUP_SCRATCH Scratch root = a_shop();

    expect_glob(&root, "/srv/{shop,shop,sh*}/{a,a,*,?}.db",
                "/srv/shop/a.db\n/srv/shop/b.db\n/srv/shop2/a.db\n");
    expect_glob(&root, "/srv/shop/{**,**/er}/{*,c.db}",
                "/srv/shop/a.db\n/srv/shop/b.db\n/srv/shop/deep/d.db\n/srv/shop/deep/er/c.db\n"
                "/srv/shop/notes.txt\n");
    expect_glob(&root, "/srv/shop/{a,nope}.db",
                "/srv/shop/a.db\n/srv/shop/nope.db: does not exist\n");
}

#define NOT_FOLLOWED  ": is a symbolic link, which is not followed"
#define NOT_ONLY_ROOT NOT_FOLLOWED ", since others than root can put one there\n"

/* Anybody can write in the folders; those behind a wildcard would be no better if they were root's.
 */
static void links_that_are_not_followed(void **state)
{
    CLEANUP_SCRATCH Scratch root = a_shop();
    Told t = { 0 };
    WalkHandler handler = { on_file, on_passed_over, &t };

    must(fchmodat(root.fd, "srv", 01777, 0));

    must(symlinkat("../../secret/key.db", root.fd, "srv/shop/link.db"));
    must(symlinkat("../secret", root.fd, "srv/linked"));
    must(symlinkat("nowhere", root.fd, "srv/shop/dangling.db"));
    expect_glob(&root, "/srv/shop/link.db", "/srv/shop/link.db" NOT_ONLY_ROOT);
    expect_glob(&root, "/srv/shop/[dl]*.db",
                "/srv/shop/dangling.db" NOT_FOLLOWED "\n/srv/shop/link.db" NOT_FOLLOWED "\n");
    expect_glob(&root, "/srv/linked/key.db", "/srv/linked" NOT_ONLY_ROOT);
    expect_glob(&root, "/srv/linked/*", "/srv/linked" NOT_ONLY_ROOT);
    expect_glob(&root, "/srv/*/key.db", "/srv/linked" NOT_FOLLOWED "\n");
    must(fchmodat(root.fd, "srv", 0755, 0));
    expect_glob(&root, "/srv/*/key.db", "/srv/linked" NOT_FOLLOWED "\n");
    /* As of a path that a walk has told. */
    assert_int_equal(walk_glob(root.fd, "/srv/linked/key.db", WALK_NO_LINKS, &handler), 0);
    assert_string_equal(t.text, "/srv/linked" NOT_FOLLOWED "\n");
    /* Passed by, not meant. */
    expect_glob(&root, "/srv/**/key.db", "");
    expect_glob(&root, "/srv/shop2/**", "/srv/shop2/a.db\n");
}

static void make_odd_files(const Scratch *root)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    must(mkfifoat(root->fd, "srv/shop/f.fifo", 0600));
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/srv/shop/s.sock",
             root->fd);
    CLEANUP_CLOSE int fd = must(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    must(bind(fd, (struct sockaddr *)&address, sizeof address));
}

/* A FIFO that is opened blocks: this test ends. */
static void only_regular_files(void **state)
{
    CLEANUP_SCRATCH Scratch root = a_shop();

    make_odd_files(&root);
    expect_glob(&root, "/srv/shop/f.fifo", "/srv/shop/f.fifo: is a FIFO\n");
    expect_glob(&root, "/srv/shop/{[fs].*,d*}",
                "/srv/shop/deep: is a directory\n/srv/shop/f.fifo: is a FIFO\n"
                "/srv/shop/s.sock: is a socket\n");
    expect_glob(&root, "/srv/shop/f.fifo/x", "/srv/shop/f.fifo: is not a directory\n");
    expect_glob(&root, "/srv/*/a.db/x", "");
}

static void devices(void **state)
{
    CLEANUP_CLOSE int dev = must(open("/dev", O_PATH | O_DIRECTORY));
    Told t = { 0 };
    WalkHandler handler = { on_file, on_passed_over, &t };

    assert_int_equal(walk_glob(dev, "/{null,zer?}", 0, &handler), 0);
    assert_string_equal(t.text, "/null: is a device\n/zero: is a device\n");
}

static void kernel_file_systems_are_for_the_literal_only(void **state)
{
    CLEANUP_CLOSE int root = must(open("/", O_PATH | O_DIRECTORY));
    Told t = { 0 };
    WalkHandler handler = { on_file, on_passed_over, &t };

    assert_int_equal(walk_glob(root, "/proc/version", 0, &handler), 0);
    assert_string_equal(t.text, "/proc/version\n");
    t.text[0] = '\0';
    assert_int_equal(walk_glob(root, "/pro?/version", 0, &handler), 0);
    assert_string_equal(t.text, "/proc: is on a kernel file system (proc), which is passed over\n");
}

static void a_handler_stops_the_walk(void **state)
{
    CLEANUP_SCRATCH Scratch root = a_shop();
    Told t = { .stop_after = 2 };
    WalkHandler handler = { on_file, on_passed_over, &t };

    assert_int_equal(walk_glob(root.fd, "/srv/**", 0, &handler), 42);
    assert_string_equal(t.text, "/srv/shop/a.db\n/srv/shop/b.db\n");
    t = (Told){ .stop_after = 1 };
    assert_int_equal(walk_glob(root.fd, "/{a,b}", 0, &handler), 42);
    assert_string_equal(t.text, "/a: does not exist\n");
    handler.passed_over = NULL;
    assert_int_equal(walk_glob(root.fd, "/{a,b}", 0, &handler), 0);
}

static void patterns_that_are_refused(void **state)
{
    CLEANUP_SCRATCH Scratch root = a_shop();
    Told t = { 0 };
    WalkHandler handler = { on_file, on_passed_over, &t };

    assert_int_equal(walk_glob(root.fd, "srv/*", 0, &handler), -EINVAL);
    assert_int_equal(walk_glob(root.fd, "/srv/../secret/*", 0, &handler), -EINVAL);
    assert_int_equal(walk_glob(root.fd, "/srv/{a", 0, &handler), -EINVAL);
    assert_int_equal(t.calls, 0);
}

static void too_deep(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    Told t = { 0 };
    WalkHandler handler = { on_file, on_passed_over, &t };
    int dir = dup(root.fd);

    scratch_put(&root, "d/here", "");
    /* Longer than PATH_MAX in the end, as no path can name it. */
    for (int i = 0; i < 200; i++) {
        must(mkdirat(dir, i ? "a-name-of-thirty-characters-xx" : "e", 0755));
        int next = must(openat(dir, i ? "a-name-of-thirty-characters-xx" : "e",
                               O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        close(dir);
        dir = next;
    }
    close(dir);

    assert_int_equal(walk_glob(root.fd, "/**", 0, &handler), 0);
    assert_non_null(strstr(t.text, "/d/here\n"));
    assert_non_null(strstr(t.text, "xx: is too deep\n"));
    assert_int_equal(t.calls, 2);
}

/* Whoever writes a glob need not know how long a name may be. */
static void a_name_longer_than_any(void **state)
{
    CLEANUP_SCRATCH Scratch root = scratch_new("/tmp");
    Told t = { 0 };
    WalkHandler handler = { on_file, on_passed_over, &t };
    char pattern[3 * PATH_MAX] = "/{a,";

    memset(pattern + strlen(pattern), 'x', sizeof pattern - strlen(pattern) - 2);
    pattern[sizeof pattern - 2] = '}';
    assert_int_equal(walk_glob(root.fd, pattern, 0, &handler), -ENAMETOOLONG);
    assert_int_equal(walk_glob(root.fd, pattern, WALK_NO_LINKS, &handler), 0);
    assert_string_equal(t.text, "/a: does not exist\n/: is too deep\n");
}

static void a_tree(void **state)
{
    CLEANUP_SCRATCH Scratch root = a_shop();
    CLEANUP_CLOSE int srv = must(openat(root.fd, "srv", O_PATH | O_DIRECTORY));
    CLEANUP_CLOSE int file = must(openat(root.fd, "srv/shop/a.db", O_PATH));
    CLEANUP_CLOSE int fifo = -1;
    Told t = { 0 };
    WalkHandler handler = { on_file, on_passed_over, &t };

    must(symlinkat("../secret", root.fd, "srv/linked"));
    assert_int_equal(walk_tree(srv, "./srv/", 0, &handler), 0);
    assert_string_equal(t.text, "./srv/linked: is a symbolic link, which is not followed\n"
                                "./srv/shop/.cache/e.db\n./srv/shop/.hidden.db\n"
                                "./srv/shop/a.db\n./srv/shop/b.db\n./srv/shop/deep/d.db\n"
                                "./srv/shop/deep/er/c.db\n./srv/shop/notes.txt\n"
                                "./srv/shop2/a.db\n");
    t = (Told){ 0 };
    assert_int_equal(walk_tree(file, "its own name", 0, &handler), 0);
    assert_string_equal(t.text, "its own name\n");

    make_odd_files(&root);
    fifo = must(openat(root.fd, "srv/shop/f.fifo", O_PATH));
    t = (Told){ 0 };
    assert_int_equal(walk_tree(fifo, "f", 0, &handler), 0);
    assert_string_equal(t.text, "f: is a FIFO\n");
}

static void reopening(void **state)
{
    CLEANUP_SCRATCH Scratch root = a_shop();
    CLEANUP_CLOSE int path_fd = must(openat(root.fd, "srv/shop/a.db", O_PATH | O_NOFOLLOW));
    CLEANUP_CLOSE int folder = must(openat(root.fd, "srv", O_PATH));
    char text[8] = "";

    /* By descriptor: what has the name by now does not matter. */
    must(unlinkat(root.fd, "srv/shop/a.db", 0));
    must(symlinkat("../../secret/key.db", root.fd, "srv/shop/a.db"));
    CLEANUP_CLOSE int fd = walk_reopen(path_fd, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, text, sizeof text), 2);
    assert_string_equal(text, "aa");
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);

    make_odd_files(&root);
    CLEANUP_CLOSE int fifo = must(openat(root.fd, "srv/shop/f.fifo", O_PATH));
    CLEANUP_CLOSE int device = must(open("/dev/null", O_PATH));
    CLEANUP_CLOSE int link = must(openat(root.fd, "srv/shop/a.db", O_PATH | O_NOFOLLOW));
    assert_int_equal(walk_reopen(fifo, O_RDONLY), -EINVAL);
    assert_int_equal(walk_reopen(device, O_RDONLY), -EINVAL);
    assert_int_equal(walk_reopen(folder, O_RDONLY), -EINVAL);
    assert_int_equal(walk_reopen(link, O_RDONLY), -EINVAL);
    assert_int_equal(walk_reopen(-1, O_RDONLY), -EBADF);
}

static int on_folder(const WalkFolder *folder, void *userdata)
{
    Told *t = userdata;
    size_t n = strlen(t->text);
    struct stat st;

    assert_int_equal(fstat(folder->path_fd, &st), 0);
    assert_true(S_ISDIR(st.st_mode) && folder->local);
    n += (size_t)snprintf(t->text + n, sizeof t->text - n, "%s/ %s:", folder->path,
                          folder->files ? "files" : "folders");
    for (size_t i = 0; i < folder->n_names && folder->names; i++)
        n += (size_t)snprintf(t->text + n, sizeof t->text - n, " %s", folder->names[i]);
    snprintf(t->text + n, sizeof t->text - n, "%s\n", folder->names ? "" : " all");
    return ++t->calls == t->stop_after ? 42 : 0;
}

static void folders_are_told_before_they_are_listed(void **state)
{
    CLEANUP_SCRATCH Scratch root = a_shop();
    Told t = { 0 };
    WalkHandler handler = { .file = on_file, .folder = on_folder, .userdata = &t };

    assert_int_equal(walk_glob(root.fd, "/srv/{shop/*.db,shop/deep/d.db,missing/x}", 0, &handler),
                     0);
    assert_string_equal(t.text, "/ folders: srv srv srv\n"
                                "/srv/ folders: shop shop missing\n"
                                "/srv/shop/ files: all\n"
                                "/srv/shop/a.db\n"
                                "/srv/shop/b.db\n"
                                "/srv/shop/deep/ files: d.db\n"
                                "/srv/shop/deep/d.db\n");
    Told stopped = { .stop_after = 2 };
    handler.userdata = &stopped;
    assert_int_equal(walk_glob(root.fd, "/srv/**", 0, &handler), 42);
    assert_int_equal(stopped.calls, 2);
}

static void what_is_to_be_avoided_is_not_opened(void **state)
{
    CLEANUP_SCRATCH Scratch root = a_shop();
    const char *const avoid[] = { "/srv/shop/deep", "/srv/shop/a.db", "/srv/sho", NULL };
    Told t = { 0 };
    WalkHandler handler = {
        .file = on_file, .passed_over = on_passed_over, .avoid = avoid, .userdata = &t
    };

    assert_int_equal(walk_glob(root.fd, "/srv/**/*.db", 0, &handler), 0);
    assert_string_equal(t.text, "/srv/shop/b.db\n/srv/shop2/a.db\n");
}

static int on_opened(const char *path, int *fd, const struct stat *st, void *userdata)
{
    struct stat again;
    char byte;

    assert_false(fcntl(*fd, F_GETFL) & O_PATH);
    assert_int_equal(fcntl(*fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(read(*fd, &byte, 1), 1);
    assert_int_equal(fstat(*fd, &again), 0);
    assert_true(again.st_ino == st->st_ino && again.st_dev == st->st_dev);
    close(TAKE_FD(*fd)); /* may be taken */
    return told(userdata, path, "opened");
}

/* What is not a file that a folder lists goes the careful way. */
static void files_that_are_opened_at_once(void **state)
{
    CLEANUP_SCRATCH Scratch root = a_shop();
    Told t = { 0 }, literally = { 0 }, stopped = { .stop_after = 1 };
    WalkHandler handler = { on_file, on_passed_over, &t, .opened = on_opened };

    must(mkfifoat(root.fd, "srv/shop/pipe.db", 0600));
    assert_int_equal(walk_glob(root.fd, "/srv/shop/*.db", 0, &handler), 0);
    assert_string_equal(t.text, "/srv/shop/a.db: opened\n/srv/shop/b.db: opened\n"
                                "/srv/shop/pipe.db: is a FIFO\n");
    handler.userdata = &literally;
    assert_int_equal(walk_glob(root.fd, "/srv/shop/a.db", 0, &handler), 0);
    assert_string_equal(literally.text, "/srv/shop/a.db\n");
    handler.userdata = &stopped;
    assert_int_equal(walk_glob(root.fd, "/srv/shop/*.db", 0, &handler), 42);
    assert_int_equal(stopped.calls, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_that_are_opened_at_once),
        cmocka_unit_test(files_named_literally),
        cmocka_unit_test(files_that_match),
        cmocka_unit_test(folders_in_between),
        cmocka_unit_test(several_readings_tell_a_file_once),
        cmocka_unit_test(links_that_are_not_followed),
        cmocka_unit_test(only_regular_files),
        cmocka_unit_test(devices),
        cmocka_unit_test(kernel_file_systems_are_for_the_literal_only),
        cmocka_unit_test(a_handler_stops_the_walk),
        cmocka_unit_test(patterns_that_are_refused),
        cmocka_unit_test(too_deep),
        cmocka_unit_test(a_name_longer_than_any),
        cmocka_unit_test(a_tree),
        cmocka_unit_test(reopening),
        cmocka_unit_test(folders_are_told_before_they_are_listed),
        cmocka_unit_test(what_is_to_be_avoided_is_not_opened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
