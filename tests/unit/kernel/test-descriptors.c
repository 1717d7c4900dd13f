/* SPDX-License-Identifier: MIT */
#include "kernel/descriptors.h"

#include <errno.h>
#include <string.h>

#include "unit/kernel/scratch.h"
#include "unit/test.h"

#define MOUNTS                                       \
    "20 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n" \
    "21 20 0:40 / /net rw - nfs4 server:/ rw\n"      \
    "23 20 0:42 / /fuse rw - fuse.sshfs a: rw\n"

typedef struct World {
    Scratch proc, files;
    char found[256];
} World;

static void world_done(World *w)
{
    scratch_done(&w->proc);
    scratch_done(&w->files);
}

/* A descriptor of process 7 that leads to the file @name. */
static void put(World *w, int number, const char *info, const char *name)
{
    char path[64], target[PATH_MAX + 64];

    snprintf(path, sizeof path, "7/fdinfo/%d", number);
    scratch_put(&w->proc, path, info);
    snprintf(path, sizeof path, "7/fd/%d", number);
    snprintf(target, sizeof target, "%s/%s", w->files.path, name);
    must(symlinkat(target, w->proc.fd, path));
    scratch_put(&w->files, name, "text");
}

static World world_new(void)
{
    World w = { .proc = scratch_new("/tmp"), .files = scratch_new("/tmp") };
    char locked[4096] = "pos:\t9\nflags:\t02\nmnt_id:\t20\nino:\t8\n";

    for (unsigned i = 0; i < 40; i++)
        strcat(locked, "lock:\t1: POSIX  ADVISORY  WRITE 7 fe:00:9 0 0\n");
    scratch_folders(&w.proc, "7/fd/");
    scratch_put(&w.proc, "7/mountinfo", MOUNTS);
    scratch_put(&w.proc, "1/mountinfo", "30 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
    put(&w, 0, "pos:\t0\nflags:\t0100000\nmnt_id:\t20\nino:\t9\n", "local");
    put(&w, 1, "pos:\t0\nflags:\t0100000\nmnt_id:\t21\nino:\t9\n", "nfs");
    put(&w, 2, "pos:\t0\nflags:\t0100000\nmnt_id:\t23\nino:\t9\n", "fuse");
    put(&w, 3, "pos:\t0\nflags:\t0100000\nmnt_id:\t30\nino:\t9\n", "handed");
    put(&w, 4, "pos:\t0\nflags:\t0100000\nmnt_id:\t31\nino:\t9\n", "nowhere");
    put(&w, 5, "pos:\t0\n", "silent");
    put(&w, 6, locked, "locked");
    return w;
}

static int on_found(const Descriptor *descriptor, void *userdata)
{
    World *w = userdata;

    assert_int_equal(descriptor->pid, 7);
    assert_int_equal(descriptor->size, 4);
    w->found[descriptor->number] = *(strrchr(descriptor->path, '/') + 1);
    return 0;
}

/* The first letters of the files that are told, in the order of the descriptors. */
static const char *find(World *w, DescriptorHandler handler)
{
    memset(w->found, 0, sizeof w->found);
    memset(w->found, '-', 7);
    handler.found = on_found;
    handler.userdata = w;
    assert_int_equal(descriptors_of(w->proc.fd, 7, &handler), 0);
    return w->found;
}

static void servers_are_asked_where_that_is_meant(void **state)
{
    cleanup(world_done) World w = world_new();

    assert_string_equal(find(&w, (DescriptorHandler){ .network = true }), "lnfhnsl");
    assert_string_equal(find(&w, (DescriptorHandler){ .network = false }), "l--h--l");
}

static bool is_locked(const char *path, bool deleted, void *userdata)
{
    return !deleted && strcmp(strrchr(path, '/'), "/locked") == 0;
}

static void what_is_not_wanted(void **state)
{
    cleanup(world_done) World w = world_new();

    assert_string_equal(find(&w, (DescriptorHandler){ .wanted = is_locked }), "------l");
}

static void a_process_that_has_ended(void **state)
{
    cleanup(world_done) World w = world_new();
    const DescriptorHandler handler = { .found = on_found };

    assert_int_equal(descriptors_of(w.proc.fd, 8, &handler), -ESRCH);
}

static void whether_it_is_on_that_mount_still(void **state)
{
    cleanup(world_done) World w = world_new();

    assert_true(descriptor_is_on(w.proc.fd, 7, 0, 20));
    assert_true(descriptor_is_on(w.proc.fd, 7, 6, 20));
    assert_false(descriptor_is_on(w.proc.fd, 7, 1, 20)); /* of another by now */
    assert_false(descriptor_is_on(w.proc.fd, 7, 5, 20)); /* does not tell */
    assert_false(descriptor_is_on(w.proc.fd, 7, 9, 20)); /* closed */
    assert_false(descriptor_is_on(w.proc.fd, 8, 0, 20));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_are_asked_where_that_is_meant),
        cmocka_unit_test(what_is_not_wanted),
        cmocka_unit_test(a_process_that_has_ended),
        cmocka_unit_test(whether_it_is_on_that_mount_still),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
