/* SPDX-License-Identifier: MIT */
/* Real changes, the real loop, and scans that only count: how many there are, and whether the last
 * one saw all. */
#include <fcntl.h>
#include <systemd/sd-event.h>

#include "daemon/pin_follow.h"
#include "native/native.h"
#include "util/io.h"

#define CHANGES 10000u

typedef struct World {
    Scratch scratch;
    Host host;
    PinFollow follow;
    bool busy; /* with what a scan found */
    unsigned scans;
    size_t seen; /* names in the folder, by the last scan */
} World;

static size_t count_names(const World *world)
{
    size_t n = 0;
    cleanup(closedirp) DIR *dir = fdopendir(
        must(openat(world->scratch.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)));

    while (readdir(dir))
        n++;
    return n;
}

static void scan(void *userdata)
{
    World *world = userdata;

    if (world->busy)
        return;
    WatchList list = pin_follow_begin(&world->follow);
    watch_list_add(&list, world->scratch.fd, &(WatchWish){ .content = true });
    world->seen = count_names(world);
    world->scans++;
    pin_follow_scanned(&world->follow, &list);
    pin_follow_settled(&world->follow, true, false);
}

/* A world whose folder was scanned once. */
static void a_world(World *world)
{
    *world = (World){ .scratch = scratch_new(SCRATCH_PARENT) };
    world->host.proc_fd = must(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
    must(sd_event_new(&world->host.event));
    must(pin_watch_new(world->host.event, world->host.proc_fd, &world->host.watch));
    must(pin_follow_init(&world->follow, &world->host, scan, world));
    scan(world);
}

static void world_done(World *world)
{
    pin_follow_done(&world->follow);
    pin_watch_free(world->host.watch);
    sd_event_unref(world->host.event);
    close(world->host.proc_fd);
    scratch_done(&world->scratch);
}

/* The loop, for @usec. */
static void run(const World *world, uint64_t usec)
{
    for (uint64_t end = now_usec() + usec, now; (now = now_usec()) < end;)
        must(sd_event_run(world->host.event, end - now));
}

/* Until a scan has seen so many names, however long it takes on a busy machine: what a scan costs
 * decides when the next one is. */
static void run_until_seen(const World *world, size_t names)
{
    for (uint64_t end = now_usec() + 60 * USEC_PER_SEC; now_usec() < end && world->seen != names;)
        must(sd_event_run(world->host.event, USEC_PER_SEC));
    assert_int_equal(world->seen, names);
}

static void make(const World *world, unsigned i)
{
    char name[16];

    snprintf(name, sizeof name, "%u", i);
    close(must(openat(world->scratch.fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)));
}

static void a_burst_is_a_few_scans(void **state)
{
    World world;

    a_world(&world);
    uint64_t began = now_usec();
    for (unsigned i = 0; i < CHANGES; i++) {
        make(&world, i);
        if (i % 100 == 0) /* the loop turns meanwhile */
            must(sd_event_run(world.host.event, 0));
    }
    uint64_t took = now_usec() - began;
    run_until_seen(&world, CHANGES + 2);
    print_message("%u changes in %ju ms: %u scans, %ju lost, waited at most %ju ms\n", CHANGES,
                  (uintmax_t)(took / USEC_PER_MSEC), world.scans - 1,
                  (uintmax_t)pin_follow_status(&world.follow).overflows,
                  (uintmax_t)(pin_follow_status(&world.follow).max_usec / USEC_PER_MSEC));
    /* Two, and a further one for each of the shortest pauses meanwhile. */
    assert_in_range(world.scans - 1, 1, 2 + took / (200 * USEC_PER_MSEC));
    assert_int_equal(pin_follow_status(&world.follow).changes, world.scans - 1);
    world_done(&world);
}

/* More than the kernel queues, while nobody reads: some are lost, and yet all is seen. */
static void lost_events_make_a_scan(void **state)
{
    World world;

    a_world(&world);
    for (unsigned i = 0; i < 40000; i++) { /* in turn, so that the kernel cannot merge them */
        make(&world, i % 2);
        must(unlinkat(world.scratch.fd, i % 2 ? "1" : "0", 0));
    }
    make(&world, 7);
    run_until_seen(&world, 3);
    assert_true(pin_follow_status(&world.follow).overflows > 0);
    world_done(&world);
}

static void a_change_while_scanning_is_not_lost(void **state)
{
    World world;

    a_world(&world);
    WatchList list = pin_follow_begin(&world.follow);
    watch_list_add(&list, world.scratch.fd, &(WatchWish){ .content = true });
    unsigned before = world.scans;
    make(&world, 1);
    run(&world, 20 * USEC_PER_MSEC); /* it is read before the scan has ended */
    assert_int_equal(world.scans, before);
    pin_follow_scanned(&world.follow, &list);
    pin_follow_settled(&world.follow, false, false);
    run_until_seen(&world, 3);
    assert_int_equal(world.scans, before + 1);

    /* Nor is one while what was found is carried out. */
    list = pin_follow_begin(&world.follow);
    watch_list_add(&list, world.scratch.fd, &(WatchWish){ .content = true });
    pin_follow_scanned(&world.follow, &list);
    world.busy = true;
    make(&world, 2);
    run(&world, 200 * USEC_PER_MSEC);
    assert_int_equal(world.seen, 3);
    world.busy = false;
    pin_follow_settled(&world.follow, false, true); /* with files to lock, which cost nothing */
    run_until_seen(&world, 4);
    world_done(&world);
}

/* From its arrival until all is done; and the longest stays. */
static void how_long_a_change_waits(void **state)
{
    World world;
    uint64_t longest = 0, before = now_usec(), began = before;

    a_world(&world);
    world.busy = true; /* so that nobody else scans */
    for (unsigned i = 0; i < 3; i++) {
        before = TAKE(began,
                      now_usec()); /* what a scan may have missed counts from its beginning */
        make(&world, i);
        run(&world, i == 1 ? 60 * USEC_PER_MSEC : USEC_PER_MSEC);
        WatchList list = pin_follow_begin(&world.follow);
        watch_list_add(&list, world.scratch.fd, &(WatchWish){ .content = true });
        pin_follow_scanned(&world.follow, &list);
        pin_follow_settled(&world.follow, true, true);
        PinFollowStatus status = pin_follow_status(&world.follow);
        assert_int_equal(status.changes, i + 1);
        assert_in_range(status.last_usec, 1, now_usec() - before);
        longest = max_u64(longest, status.last_usec);
        assert_int_equal(status.max_usec, longest);
    }
    world_done(&world);
}

static void a_scan_that_failed_leaves_all_watched(void **state)
{
    World world;

    a_world(&world);
    make(&world, 1);
    run(&world, 10 * USEC_PER_MSEC);
    (void)pin_follow_begin(&world.follow);
    pin_follow_scanned(&world.follow, NULL);
    pin_follow_settled(&world.follow, false, false);
    unsigned before = world.scans;
    make(&world, 2);
    run_until_seen(&world, 4);
    assert_true(world.scans > before);
    world_done(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_is_a_few_scans),
        cmocka_unit_test(lost_events_make_a_scan),
        cmocka_unit_test(a_change_while_scanning_is_not_lost),
        cmocka_unit_test(how_long_a_change_waits),
        cmocka_unit_test(a_scan_that_failed_leaves_all_watched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
