/* SPDX-License-Identifier: MIT */
/* Events of the kernel for real folders, and such as it makes only in trouble. */
#include "kernel/watches.h"

#include <string.h>
#include <sys/inotify.h>

#include "unit/kernel/scratch.h"
#include "unit/test.h"

typedef struct World {
    Scratch scratch;
    Watches *watches;
    WatchList list;
    uint64_t moment; /* of the last reading */
} World;

static World a_world(size_t max)
{
    World world = { .scratch = scratch_new("/tmp") };

    must(watches_new(max, &world.watches));
    world.list.watches = world.watches;
    return world;
}

static void world_done(World *world)
{
    watch_list_clear(&world->list);
    watches_free(world->watches);
    scratch_done(&world->scratch);
}

#define CLEANUP_WORLD cleanup(world_done)

static const WatchWish everything = { .content = true };

/* By an O_PATH descriptor, as the walk does. */
static void add(World *world, WatchList *list, const char *folder, const WatchWish *wish)
{
    CLEANUP_CLOSE int fd = must(
        openat(world->scratch.fd, folder, O_PATH | O_DIRECTORY | O_CLOEXEC));

    watch_list_add(list, fd, wish);
}

/* Whether @list heard of what happened since the last call. */
static bool heard(World *world, const WatchList *list)
{
    uint64_t before = world->moment;

    world->moment = watches_read(world->watches);
    return watch_list_changed(list, before);
}

static void all_that_matters_is_heard(void **state)
{
    CLEANUP_WORLD World world = a_world(10);
    int folder;

    scratch_put(&world.scratch, "a/file", "text");
    add(&world, &world.list, "a", &everything);
    folder = must(openat(world.scratch.fd, "a", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    (void)heard(&world, &world.list);
    assert_false(heard(&world, &world.list));

    scratch_put(&world.scratch, "a/new", ""); /* made */
    assert_true(heard(&world, &world.list));
    CLEANUP_CLOSE int file = must(openat(folder, "file", O_WRONLY | O_APPEND | O_CLOEXEC));
    assert_false(heard(&world, &world.list));
    must(write(file, "more", 4)); /* appended to, and still open */
    assert_true(heard(&world, &world.list));
    must(ftruncate(file, 0));
    assert_true(heard(&world, &world.list));
    must(renameat(folder, "new", folder, "file")); /* exchanged */
    assert_true(heard(&world, &world.list));
    must(write(file, "gone", 4)); /* to what is no longer there */
    assert_false(heard(&world, &world.list));
    must(renameat(folder, "file", world.scratch.fd, "away"));
    assert_true(heard(&world, &world.list));
    must(renameat(world.scratch.fd, "away", folder, "back"));
    assert_true(heard(&world, &world.list));
    must(unlinkat(folder, "back", 0));
    assert_true(heard(&world, &world.list));
    must(fchmod(folder, 0700)); /* nothing that matters */
    assert_false(heard(&world, &world.list));
    must(renameat(world.scratch.fd, "a", world.scratch.fd, "b"));
    assert_true(heard(&world, &world.list));
    close(folder);
}

static void a_folder_that_goes_is_heard_of_and_forgotten(void **state)
{
    CLEANUP_WORLD World world = a_world(10);
    WatchList again = { .watches = world.watches };

    scratch_put(&world.scratch, "a/x", "");
    add(&world, &world.list, "a", &everything);
    must(unlinkat(world.scratch.fd, "a/x", 0));
    must(unlinkat(world.scratch.fd, "a", AT_REMOVEDIR));
    assert_true(heard(&world, &world.list));
    assert_int_equal(watches_count(world.watches), 0);

    /* Another of that name is another folder. */
    scratch_put(&world.scratch, "a/x", "");
    assert_false(heard(&world, &world.list));
    add(&world, &again, "a", &everything);
    watch_list_clear(&world.list);
    scratch_put(&world.scratch, "a/y", "");
    assert_true(heard(&world, &again));
    watch_list_clear(&again);
}

static void names_that_lead_nowhere_are_not_heard(void **state)
{
    CLEANUP_WORLD World world = a_world(10);
    const char *const lib[] = { "lib" }, *const log[] = { "log" };
    WatchList other = { .watches = world.watches };

    scratch_put(&world.scratch, "var/lib", "");
    scratch_put(&world.scratch, "var/syslog", "");
    add(&world, &world.list, "var", &(WatchWish){ .names = lib, .n_names = 1, .content = true });
    (void)heard(&world, &world.list);
    scratch_put(&world.scratch, "var/syslog", "a line");
    scratch_put(&world.scratch, "var/log", "");
    assert_false(heard(&world, &world.list));
    scratch_put(&world.scratch, "var/lib", "text");
    assert_true(heard(&world, &world.list));

    /* Who comes later adds names to the same watch, and takes none. */
    add(&world, &other, "var", &(WatchWish){ .names = log, .n_names = 1 });
    assert_int_equal(watches_count(world.watches), 1);
    scratch_put(&world.scratch, "var/log", "text");
    assert_true(heard(&world, &other));
    scratch_put(&world.scratch, "var/lib", "text");
    assert_true(heard(&world, &world.list));
    watch_list_clear(&other);
    scratch_put(&world.scratch, "var/lib", "more");
    assert_true(heard(&world, &world.list));
}

static void what_files_have_is_not_heard_where_only_folders_matter(void **state)
{
    CLEANUP_WORLD World world = a_world(10);

    scratch_put(&world.scratch, "a/file", "");
    CLEANUP_CLOSE int file = must(
        open(scratch_path(&world.scratch, "a/file"), O_WRONLY | O_CLOEXEC));
    add(&world, &world.list, "a", &(WatchWish){ 0 });
    (void)heard(&world, &world.list);
    must(write(file, "text", 4));
    assert_false(heard(&world, &world.list));
    scratch_put(&world.scratch, "a/new", "");
    assert_true(heard(&world, &world.list));
}

static void many_names_are_all_names(void **state)
{
    CLEANUP_WORLD World world = a_world(10);
    char text[40][8];
    const char *names[40];

    for (size_t i = 0; i < 40; i++) {
        snprintf(text[i], sizeof text[i], "n%zu", i);
        names[i] = text[i];
    }
    scratch_put(&world.scratch, "a/x", "");
    add(&world, &world.list, "a", &(WatchWish){ .names = names, .n_names = 40 });
    (void)heard(&world, &world.list);
    scratch_put(&world.scratch, "a/n39", "");
    assert_true(heard(&world, &world.list));
}

static void no_more_than_allowed_are_watched(void **state)
{
    CLEANUP_WORLD World world = a_world(2);
    WatchList other = { .watches = world.watches };

    scratch_put(&world.scratch, "a/x", "");
    scratch_put(&world.scratch, "b/x", "");
    scratch_put(&world.scratch, "c/x", "");
    add(&world, &world.list, "a", &everything);
    add(&world, &world.list, "b", &everything);
    add(&world, &world.list, "c", &everything);
    assert_int_equal(world.list.n, 2);
    assert_int_equal(world.list.n_unwatched, 1);
    add(&world, &other, "a", &everything); /* is watched already */
    assert_int_equal(other.n, 1);
    assert_int_equal(watches_count(world.watches), 2);

    (void)heard(&world, &world.list);
    scratch_put(&world.scratch, "c/y", "");
    assert_false(heard(&world, &world.list));
    /* Once there is room again. */
    watch_list_clear(&world.list);
    assert_int_equal(watches_count(world.watches), 1);
    add(&world, &world.list, "c", &everything);
    assert_int_equal(world.list.n, 1);
    watch_list_clear(&other);
}

static void without_inotify_folders_are_counted(void **state)
{
    WatchList list = { 0 };

    watch_list_add(&list, -1, &everything);
    watch_list_add_unwatched(&list);
    assert_int_equal(list.n, 0);
    assert_int_equal(list.n_unwatched, 2);
    assert_false(watch_list_changed(&list, 0));
    watch_list_clear(&list);
    assert_int_equal(list.n_unwatched, 0);
}

static void after_an_overflow_everything_may_have_changed(void **state)
{
    CLEANUP_WORLD World world = a_world(10);
    struct inotify_event event = { .wd = -1, .mask = IN_Q_OVERFLOW };
    WatchList other = { .watches = world.watches };

    scratch_put(&world.scratch, "a/x", "");
    add(&world, &world.list, "a", &everything);
    (void)heard(&world, &world.list);
    assert_false(heard(&world, &world.list));
    uint64_t moment = watches_take(world.watches, (const char *)&event, sizeof event);
    assert_true(watch_list_changed(&world.list, moment - 1));
    assert_false(watch_list_changed(&world.list, moment));
    assert_true(watch_list_changed(&other, moment - 1)); /* whatever it watches */
    assert_int_equal(watches_overflows(world.watches), 1);
}

/* What a kernel never sends ends the reading, and nothing behind the end is looked at. */
static void half_an_event_is_none(void **state)
{
    CLEANUP_WORLD World world = a_world(10);
    struct inotify_event event = { .wd = 1, .mask = IN_Q_OVERFLOW, .len = 4096 };

    for (size_t size = 0; size <= sizeof event; size++) {
        char *exact = malloc(size + 1);
        memcpy(exact, &event, size);
        (void)watches_take(world.watches, exact, size);
        free(exact);
    }
    assert_int_equal(watches_overflows(world.watches), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_matters_is_heard),
        cmocka_unit_test(a_folder_that_goes_is_heard_of_and_forgotten),
        cmocka_unit_test(names_that_lead_nowhere_are_not_heard),
        cmocka_unit_test(what_files_have_is_not_heard_where_only_folders_matter),
        cmocka_unit_test(many_names_are_all_names),
        cmocka_unit_test(no_more_than_allowed_are_watched),
        cmocka_unit_test(without_inotify_folders_are_counted),
        cmocka_unit_test(after_an_overflow_everything_may_have_changed),
        cmocka_unit_test(half_an_event_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
