/* SPDX-License-Identifier: MIT */
/* Real processes, with a library that they load and a static program that they become. LIBRARY and
 * PROGRAM are where these were built. */
#include "kernel/mapped.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "native/native.h"

/* A child, which runs until its leash is let go. */
typedef struct User {
    pid_t pid;
    int leash;
} User;

static void user_done(User *user)
{
    if (user->pid == 0)
        return;
    close(user->leash);
    must(waitpid(user->pid, NULL, 0));
    user->pid = 0;
}

#define CLEANUP_USER cleanup(user_done)

static void say_and_wait(void)
{
    must(write(STDOUT_FILENO, "", 1));
    (void)!read(STDIN_FILENO, &(char){ 0 }, 1);
    _exit(0);
}

/* Runs @body, which ends in say_and_wait() or becomes PROGRAM, and returns when it said so; without
 * a word, pid is 0: it could not, and called _exit(CHILD_SKIPS). */
static User user_new(void (*body)(const Scratch *scratch), const Scratch *scratch)
{
    int leash[2], ready[2], status = 0;

    must(pipe2(leash, O_CLOEXEC));
    must(pipe2(ready, O_CLOEXEC));
    fflush(NULL);
    pid_t pid = must(fork());
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(leash[1]);
        must(dup2(leash[0], STDIN_FILENO));
        must(dup2(ready[1], STDOUT_FILENO));
        body(scratch);
        _exit(97);
    }
    close(leash[0]);
    close(ready[1]);
    ssize_t n = read(ready[0], &(char){ 0 }, 1);
    close(ready[0]);
    if (n == 1)
        return (User){ pid, leash[1] };
    close(leash[1]);
    must(waitpid(pid, &status, 0));
    assert_int_equal(WEXITSTATUS(status), CHILD_SKIPS);
    return (User){ 0 };
}

static void copy(const char *from, const Scratch *scratch, const char *to)
{
    char buffer[65536];
    ssize_t n;

    scratch_folders(scratch, to);
    CLEANUP_CLOSE int in = must(open(from, O_RDONLY | O_CLOEXEC));
    CLEANUP_CLOSE int out = must(
        openat(scratch->fd, to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755));
    while ((n = must(read(in, buffer, sizeof buffer))) > 0)
        must(write(out, buffer, (size_t)n));
}

static int open_proc(void)
{
    return must(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static void on_passed_over(const char *path, const char *why, void *userdata)
{
    size_t n = strlen(userdata);

    snprintf((char *)userdata + n, 512 - n, "%s %s\n", path, why);
}

/* Nothing is passed over. */
static MappedFiles look(const pid_t *pids, size_t n)
{
    CLEANUP_CLOSE int proc = open_proc();
    MappedFiles list;
    char passed_over[512] = "";

    assert_int_equal(mapped_files(
                         &(MappedScope){
                             .proc_fd = proc,
                             .pids = pids,
                             .n_pids = n,
                             .kinds = 1u << MAPPED_EXECUTABLE | 1u << MAPPED_LIBRARY,
                             .passed_over = on_passed_over,
                             .userdata = passed_over,
                         },
                         &list),
                     0);
    assert_string_equal(passed_over, "");
    return list;
}

/* By the end of its path. */
static const MappedFile *find(const MappedFiles *list, const char *name)
{
    const MappedFile *found = NULL;

    for (size_t i = 0; i < list->n_files; i++) {
        const char *path = list->files[i].path;
        size_t n = strlen(path), m = strlen(name);
        if (n >= m && strcmp(path + n - m, name) == 0) {
            assert_null(found);
            found = &list->files[i];
        }
    }
    return found;
}

static bool same_content(int a, const char *path)
{
    CLEANUP_CLOSE int b = must(open(path, O_RDONLY | O_CLOEXEC));
    char x[65536], y[65536];
    ssize_t n;

    do {
        n = must(read(a, x, sizeof x));
        if (must(read(b, y, sizeof y)) != n || memcmp(x, y, (size_t)n) != 0)
            return false;
    } while (n > 0);
    return true;
}

/* It is what @original has, told and opened as the file that it is. */
static void expect_file(const MappedFile *file, MappedKind kind, bool deleted, const char *original)
{
    CLEANUP_CLOSE int proc = open_proc();
    struct stat st;

    assert_non_null(file);
    assert_int_equal(file->kind, kind);
    assert_int_equal(file->deleted, deleted);
    CLEANUP_CLOSE int fd = must(mapped_open(proc, &file->place, file->st.st_dev, file->st.st_ino));
    must(fstat(fd, &st));
    assert_int_equal(file->st.st_size, st.st_size);
    assert_true(same_content(fd, original));
}

static void load_library(const Scratch *scratch)
{
    must(dlopen(scratch_path(scratch, "lib/answer.so"), RTLD_NOW) ? 0 : -1);
    say_and_wait();
}

static void a_library_that_is_loaded(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(mapped_files_clear) MappedFiles list = { 0 }, later = { 0 };
    struct stat st;

    copy(LIBRARY, &scratch, "lib/answer.so");
    CLEANUP_USER User user = user_new(load_library, &scratch);
    list = look(&user.pid, 1);
    expect_file(find(&list, "lib/answer.so"), MAPPED_LIBRARY, false, LIBRARY);
    expect_file(&list.files[0], MAPPED_EXECUTABLE, false, "/proc/self/exe");
    assert_non_null(find(&list, "/libc.so.6"));
    must(fstatat(scratch.fd, "lib/answer.so", &st, 0));
    assert_int_equal(find(&list, "lib/answer.so")->st.st_ino, st.st_ino);
    assert_int_equal(find(&list, "lib/answer.so")->st.st_dev, st.st_dev);
    for (size_t i = 1; i < list.n_files; i++)
        assert_int_equal(list.files[i].kind, MAPPED_LIBRARY);

    pid_t gone = user.pid;
    user_done(&user);
    later = look(&gone, 1);
    assert_int_equal(later.n_files, 0);
    CLEANUP_CLOSE int proc = open_proc();
    const MappedFile *file = find(&list, "lib/answer.so");
    assert_int_equal(mapped_open(proc, &file->place, file->st.st_dev, file->st.st_ino), -ENOENT);
}

/* An upgrade: who was started before has the old one, who starts now the new one. */
static void a_library_that_is_replaced(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(mapped_files_clear) MappedFiles old = { 0 }, both = { 0 };

    copy(LIBRARY, &scratch, "lib/answer.so");
    copy(LIBRARY, &scratch, "lib/new");
    CLEANUP_CLOSE int fd = must(openat(scratch.fd, "lib/new", O_WRONLY | O_APPEND | O_CLOEXEC));
    must(write(fd, "new", 3));
    CLEANUP_USER User before = user_new(load_library, &scratch);
    must(renameat(scratch.fd, "lib/new", scratch.fd, "lib/answer.so"));
    CLEANUP_USER User after = user_new(load_library, &scratch);

    old = look(&before.pid, 1);
    expect_file(find(&old, "lib/answer.so"), MAPPED_LIBRARY, true, LIBRARY);
    both = look((pid_t[]){ before.pid, after.pid }, 2);
    assert_int_equal(both.n_files, old.n_files + 1);
    unsigned seen = 0;
    for (size_t i = 0; i < both.n_files; i++) {
        const MappedFile *file = &both.files[i];
        if (!strstr(file->path, "lib/answer.so"))
            continue;
        expect_file(file, MAPPED_LIBRARY, file->deleted,
                    file->deleted ? LIBRARY : scratch_path(&scratch, "lib/answer.so"));
        seen |= 1u << file->deleted;
    }
    assert_int_equal(seen, 3);
}

static void shared_libraries_count_once(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(mapped_files_clear) MappedFiles one = { 0 }, two = { 0 };

    copy(LIBRARY, &scratch, "lib/answer.so");
    CLEANUP_USER User a = user_new(load_library, &scratch);
    CLEANUP_USER User b = user_new(load_library, &scratch);
    one = look(&a.pid, 1);
    two = look((pid_t[]){ a.pid, b.pid, a.pid }, 3);
    assert_int_equal(two.n_files, one.n_files);
    for (size_t i = 0; i < one.n_files; i++)
        assert_string_equal(one.files[i].path, two.files[i].path);
}

static void run_program(const Scratch *scratch)
{
    must(execl(scratch_path(scratch, "program"), "program", NULL));
}

static void a_static_executable(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(mapped_files_clear) MappedFiles list = { 0 }, later = { 0 };

    copy(PROGRAM, &scratch, "program");
    CLEANUP_USER User user = user_new(run_program, &scratch);
    list = look(&user.pid, 1);
    assert_int_equal(list.n_files, 1);
    assert_string_equal(list.files[0].path, scratch_path(&scratch, "program"));
    expect_file(&list.files[0], MAPPED_EXECUTABLE, false, PROGRAM);
    must(unlinkat(scratch.fd, "program", 0));
    later = look(&user.pid, 1);
    assert_int_equal(later.n_files, 1);
    assert_string_equal(later.files[0].path, scratch_path(&scratch, "program"));
    expect_file(&later.files[0], MAPPED_EXECUTABLE, true, PROGRAM);
}

/* Left out: what is no file of any file system, and data. */
static void map_other_things(const Scratch *scratch)
{
    const int executable = PROT_READ | PROT_EXEC;
    int memory = must(memfd_create("code", MFD_CLOEXEC));
    int data = must(openat(scratch->fd, "data", O_RDONLY | O_CLOEXEC));

    must(ftruncate(memory, 4096));
    must(mmap(NULL, 4096, executable, MAP_SHARED, memory, 0) == MAP_FAILED ? -1 : 0);
    must(mmap(NULL, 4096, executable, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
    must(mmap(NULL, 4096, PROT_READ, MAP_SHARED, data, 0) == MAP_FAILED ? -1 : 0);
    must(dlopen(scratch_path(scratch, "lib/answer.so"), RTLD_NOW) ? 0 : -1);
    say_and_wait();
}

static void other_mappings_are_left_out(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(mapped_files_clear) MappedFiles list = { 0 }, plain = { 0 };

    copy(LIBRARY, &scratch, "lib/answer.so");
    scratch_put(&scratch, "data", "data");
    CLEANUP_USER User a = user_new(load_library, &scratch);
    CLEANUP_USER User b = user_new(map_other_things, &scratch);
    plain = look(&a.pid, 1);
    list = look(&b.pid, 1);
    assert_int_equal(list.n_files, plain.n_files);
    assert_non_null(find(&list, "lib/answer.so"));
}

static void run_in_chroot(const Scratch *scratch)
{
    must(chroot(scratch_path(scratch, "root")));
    must(execl("/bin/program", "program", NULL));
}

static void in_a_chroot(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(mapped_files_clear) MappedFiles list = { 0 };

    copy(PROGRAM, &scratch, "root/bin/program");
    CLEANUP_USER User user = user_new(run_in_chroot, &scratch);
    list = look(&user.pid, 1);
    assert_int_equal(list.n_files, 1);
    assert_string_equal(list.files[0].path, scratch_path(&scratch, "root/bin/program"));
    expect_file(&list.files[0], MAPPED_EXECUTABLE, false, PROGRAM);
}

static void unshare_mounts(void)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        _exit(CHILD_SKIPS);
}

/* A container: mounts of its own, and a root that nobody else has. */
static void run_in_container(const Scratch *scratch)
{
    Scratch inside = *scratch;

    unshare_mounts();
    must(snprintf(inside.path, sizeof inside.path, "%s/root", scratch->path));
    if (mount("tmpfs", inside.path, "tmpfs", 0, NULL) < 0)
        _exit(CHILD_SKIPS);
    inside.fd = must(open(inside.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    copy(PROGRAM, &inside, "bin/program");
    must(mkdirat(inside.fd, "old", 0755));
    must(chdir(inside.path));
    must((int)syscall(SYS_pivot_root, ".", "old"));
    must(umount2("/old", MNT_DETACH));
    must(execl("/bin/program", "program", NULL));
}

static void in_a_container(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(mapped_files_clear) MappedFiles list = { 0 };

    scratch_folders(&scratch, "root/");
    CLEANUP_USER User user = user_new(run_in_container, &scratch);
    if (user.pid == 0)
        skip();
    list = look(&user.pid, 1);
    assert_int_equal(list.n_files, 1);
    assert_string_equal(list.files[0].path, "/bin/program");
    expect_file(&list.files[0], MAPPED_EXECUTABLE, false, PROGRAM);
}

static void run_on_overlay(const Scratch *scratch)
{
    char options[4 * PATH_MAX];

    unshare_mounts();
    snprintf(options, sizeof options, "lowerdir=%s/lower:%s/lower-too", scratch->path,
             scratch->path);
    if (mount("overlay", scratch_path(scratch, "merged"), "overlay", MS_RDONLY, options) < 0)
        _exit(CHILD_SKIPS);
    must(execl(scratch_path(scratch, "merged/program"), "program", NULL));
}

/* Where maps and stat tell different devices. */
static void on_overlayfs(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    cleanup(mapped_files_clear) MappedFiles list = { 0 };

    copy(PROGRAM, &scratch, "lower/program");
    scratch_folders(&scratch, "lower-too/");
    scratch_folders(&scratch, "merged/");
    CLEANUP_USER User user = user_new(run_on_overlay, &scratch);
    if (user.pid == 0)
        skip();
    list = look(&user.pid, 1);
    assert_int_equal(list.n_files, 1);
    expect_file(&list.files[0], MAPPED_EXECUTABLE, false, PROGRAM);
}

static void drop_all_but(uint64_t kept)
{
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct data[2] = {
        { (uint32_t)kept, (uint32_t)kept, 0 },
        { (uint32_t)(kept >> 32), (uint32_t)(kept >> 32), 0 },
    };

    must((int)syscall(SYS_capset, &header, data));
}

static size_t look_as(pid_t pid, char passed_over[512])
{
    CLEANUP_CLOSE int proc = open_proc();
    cleanup(mapped_files_clear) MappedFiles list = { 0 };

    check(mapped_files(
              &(MappedScope){
                  .proc_fd = proc,
                  .pids = &pid,
                  .n_pids = 1,
                  .kinds = 1u << MAPPED_EXECUTABLE | 1u << MAPPED_LIBRARY,
                  .passed_over = on_passed_over,
                  .userdata = passed_over,
              },
              &list) == 0);
    for (size_t i = 0; i < list.n_files; i++) {
        const MappedFile *file = &list.files[i];
        int fd = mapped_open(proc, &file->place, file->st.st_dev, file->st.st_ino);
        check(fd >= 0);
        close(fd);
    }
    return list.n_files;
}

#define CAP(name) (UINT64_C(1) << (name))

static void look_with_two_capabilities(void *argument)
{
    char passed_over[512] = "";

    drop_all_but(CAP(CAP_SYS_PTRACE) | CAP(CAP_CHECKPOINT_RESTORE) | CAP(CAP_DAC_READ_SEARCH));
    check(look_as(*(pid_t *)argument, passed_over) >= 2);
    check(strcmp(passed_over, "") == 0);
}

static void look_without_checkpoint_restore(void *argument)
{
    char passed_over[512] = "", expected[512];
    pid_t pid = *(pid_t *)argument;

    drop_all_but(CAP(CAP_SYS_PTRACE) | CAP(CAP_DAC_READ_SEARCH));
    check(look_as(pid, passed_over) == 0);
    snprintf(expected, sizeof expected,
             "/proc/%d/map_files cannot be followed: that needs CAP_CHECKPOINT_RESTORE, so that no "
             "mapped files are found\n",
             pid);
    check(strcmp(passed_over, expected) == 0);
}

static void the_capabilities_that_it_needs(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);

    copy(LIBRARY, &scratch, "lib/answer.so");
    CLEANUP_USER User user = user_new(load_library, &scratch);
    assert_int_equal(run_child(look_with_two_capabilities, &user.pid), 0);
    assert_int_equal(run_child(look_without_checkpoint_restore, &user.pid), 0);
}

#define LIVES 16

static pid_t
    *lives; /* children of short_lives(), shared with it: the youngest in place of the oldest */

static void short_lives(const Scratch *scratch)
{
    const pid_t self = getpid();

    for (unsigned i = 0;; i++) {
        pid_t oldest = lives[i % LIVES], pid = must(fork());
        if (pid == 0) {
            must(prctl(PR_SET_PDEATHSIG, SIGKILL));
            while (getppid() == self) /* it may have been killed before */
                pause();
            _exit(0);
        }
        lives[i % LIVES] = pid;
        if (i == LIVES - 1)
            must(write(STDOUT_FILENO, "", 1));
        if (oldest > 0) {
            must(kill(oldest, SIGKILL));
            must(waitpid(oldest, NULL, 0));
        }
    }
}

/* Processes come and go under the scan: our own, since others may be such as nobody looks into. */
static void processes_that_end_meanwhile(void **state)
{
    pid_t pids[LIVES];
    unsigned ended = 0;

    lives = mmap(NULL, sizeof pids, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(lives != MAP_FAILED);
    CLEANUP_USER User user = user_new(short_lives, NULL);
    for (unsigned i = 0; i < 20 || (ended == 0 && i < 2000); i++) {
        memcpy(pids, lives, sizeof pids);
        pids[0] = user.pid;
        cleanup(mapped_files_clear) MappedFiles list = look(pids, LIVES);
        assert_true(list.n_files > 0);
        for (unsigned j = 0; j < LIVES; j++)
            ended += kill(pids[j], 0) < 0;
    }
    print_message("%u ended meanwhile\n", ended);
    assert_true(ended > 0);
    must(kill(user.pid, SIGKILL));
    must(munmap(lives, sizeof pids));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_library_that_is_loaded),
        cmocka_unit_test(a_library_that_is_replaced),
        cmocka_unit_test(shared_libraries_count_once),
        cmocka_unit_test(a_static_executable),
        cmocka_unit_test(other_mappings_are_left_out),
        cmocka_unit_test(in_a_chroot),
        cmocka_unit_test(in_a_container),
        cmocka_unit_test(on_overlayfs),
        cmocka_unit_test(the_capabilities_that_it_needs),
        cmocka_unit_test(processes_that_end_meanwhile),
    };

    if (geteuid() != 0) {
        fprintf(stderr, "map_files is root's to follow\n");
        return CHILD_SKIPS;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
