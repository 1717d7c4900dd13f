/* SPDX-License-Identifier: MIT */
/* Mappings told by a made-up /proc, whose links in map_files may not be followed. */
#include "kernel/proc_files.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "native/native.h"
#include "native/seccomp.h"

typedef struct World {
    Scratch proc, files;
    unsigned major, minor;
    uint64_t ino;
} World;

/* The file that maps tells, as what @w says. */
static void put_maps(const World *w)
{
    char text[2 * PATH_MAX];

    snprintf(text, sizeof text,
             "7f0000000000-7f0000001000 r--s 00000000 %02x:%02x %" PRIu64 " %s/f\n", w->major,
             w->minor, w->ino, w->files.path);
    scratch_put(&w->proc, "7/maps", text);
}

static size_t scan(const World *w)
{
    const pid_t pid = 7;
    ProcFiles list;

    check(proc_files_scan(w->proc.fd, &pid, 1, &list) == 0);
    size_t n = list.n_files;
    proc_files_clear(&list);
    return n;
}

/* Of the process' folder the link is asked for; it gets the lowest number that is free. */
static void look_without_the_right(void *argument)
{
    World w = *(World *)argument;
    int next = open("/", O_PATH | O_CLOEXEC);

    close(next);
    seccomp_answer_if(__NR_statx, 0, (unsigned)next, EPERM);
    put_maps(&w);
    check(scan(&w) == 1);

    World other = w;
    other.ino++;
    put_maps(&other);
    check(scan(&other) == 0);
    other = w;
    other.minor++;
    put_maps(&other);
    check(scan(&other) == (w.major == 0)); /* without a disk, numbers differ anyway */
    other = w;
    other.major = w.major == 0 ? 8 : 0;
    put_maps(&other);
    check(scan(&other) == 0);
}

static void a_path_is_believed_of_the_same_file_only(void **state)
{
    World w = { .proc = scratch_new(SCRATCH_PARENT), .files = scratch_new(SCRATCH_PARENT) };
    struct stat st;

    scratch_folders(&w.proc, "7/fd/");
    CLEANUP_CLOSE int fd = make_file(&w.files, "f", 4096);
    must(fstat(fd, &st));
    w.major = major(st.st_dev);
    w.minor = minor(st.st_dev);
    w.ino = st.st_ino;
    assert_int_equal(run_child(look_without_the_right, &w), 0);
    scratch_done(&w.proc);
    scratch_done(&w.files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_believed_of_the_same_file_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
