/* SPDX-License-Identifier: MIT */
/* A cgroup that is a folder without processes: what is reclaimed is what is written into a file. */
#include "daemon/streamer.h"

#include "control/stream.h"
#include "daemon/pinned.h"
#include "daemon/stream_ask.h"
#include "daemon/stream_job.h"
#include "unit/daemon/job-queue.h"
#include "unit/daemon/log-text.h"
#include "unit/kernel/scratch.h"
#include "util/io.h"

#define UNIT    "/system.slice/a.service"
#define RECLAIM "system.slice/a.service/memory.reclaim"

static bool is_out_of_memory;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
    return is_out_of_memory ? NULL : __real_calloc(n, size);
}

static uint64_t cpu_usec, cpu_at_a_time; /* that passes from one question to the next */

uint64_t __wrap_thread_cpu_usec(void);
uint64_t __wrap_thread_cpu_usec(void)
{
    return cpu_usec += cpu_at_a_time;
}

typedef struct World {
    Scratch cgroups, proc;
    Settings settings;
    Host host;
    Streamer *streamer;
} World;

/* Page cache of the unit, in MiB. */
static void put_cache(const World *w, uint64_t clean, uint64_t mapped, uint64_t dirty)
{
    char text[1024];

    snprintf(text, sizeof text,
             "anon 0\nfile 0\nkernel 0\nshmem 0\nfile_mapped %llu\nfile_dirty %llu\n"
             "file_writeback 0\ninactive_anon 0\nactive_anon 0\ninactive_file %llu\n"
             "active_file 0\nunevictable 0\nslab_reclaimable 0\nslab_unreclaimable 0\npgscan 0\n"
             "pgsteal 0\npgmajfault 0\nworkingset_refault_anon 0\nworkingset_refault_file 0\n"
             "workingset_activate_file 0\n",
             (unsigned long long)(mapped * MIB), (unsigned long long)(dirty * MIB),
             (unsigned long long)((clean + dirty) * MIB));
    scratch_put(&w->cgroups, "system.slice/a.service/memory.stat", text);
}

static World world_new(void)
{
    World w = { .cgroups = scratch_new("/tmp"), .proc = scratch_new("/tmp") };

    scratch_put(&w.cgroups, "system.slice/a.service/memory.current", "0\n");
    scratch_put(&w.cgroups, "system.slice/a.service/cgroup.procs", "");
    scratch_put(&w.cgroups, RECLAIM, "");
    scratch_put(&w.proc, "meminfo",
                "MemTotal: 9 kB\nMemFree: 9 kB\nMemAvailable: 9 kB\nSwapTotal: 9 kB\n");
    put_cache(&w, 0, 0, 0);
    w.host.cgroup_fd = w.cgroups.fd;
    w.host.proc_fd = w.proc.fd;
    must(sd_event_new(&w.host.event));
    log_text[0] = '\0';
    return w;
}

static void begin(World *w)
{
    w->host.settings = &w->settings;
    assert_int_equal(streamer_new(&w->host, "a.service", &w->streamer), 0);
}

static void world_done(World *w)
{
    streamer_free(w->streamer);
    run_queue();
    sd_event_unref(w->host.event);
    scratch_done(&w->cgroups);
    scratch_done(&w->proc);
}

#define CLEANUP_WORLD cleanup(world_done)

static void want(World *w, bool stream, uint64_t rate)
{
    EvictRule rules[] = { { .path = (char *)"/a" }, { .stream = stream, .rate = rate } };
    Policy policy = { .evicts = rules, .n_evicts = stream ? 2 : 1 };

    streamer_want(w->streamer, &policy);
}

/* The next look, which the timer begins; false: there is none. */
static bool look(World *w)
{
    for (int i = 0; i < 50 && n_queued == 0; i++)
        must(sd_event_run(w->host.event, 10 * USEC_PER_MSEC));
    if (n_queued == 0)
        return false;
    run_queue();
    return true;
}

/* What was asked of the kernel since it was asked last: "" is nothing. */
static void expect_reclaimed(const World *w, const char *expected)
{
    char text[64] = "";
    int fd = must(openat(w->cgroups.fd, RECLAIM, O_RDWR | O_CLOEXEC));

    must(read(fd, text, sizeof text - 1));
    must(ftruncate(fd, 0));
    close(fd);
    assert_string_equal(text, expected);
}

static void what_is_more_than_a_stream_needs_is_reclaimed(void **state)
{
    CLEANUP_WORLD World w = world_new();

    begin(&w);
    want(&w, true, UINT64_MAX);
    put_cache(&w, 18, 0, 0);
    assert_int_equal(streamer_follow(w.streamer, UNIT, true), 0);
    assert_true(look(&w));
    expect_reclaimed(&w, "");
    put_cache(&w, 50, 4, 900);
    assert_true(look(&w));
    expect_reclaimed(&w, "31457280 swappiness=0\n");
    /* It brought nothing (this is no kernel): the next look leaves it. */
    assert_true(look(&w));
    expect_reclaimed(&w, "");

    StreamerStatus status = streamer_status(w.streamer);
    assert_true(status.wanted);
    assert_int_equal(status.reclaimed, 0);
    assert_int_equal(status.file, 950 * MIB);
    expect_log("");
}

static void no_more_at_once_than_others_can_wait_for(void **state)
{
    CLEANUP_WORLD World w = world_new();

    begin(&w);
    want(&w, true, UINT64_MAX);
    put_cache(&w, 5000, 0, 0);
    assert_int_equal(streamer_follow(w.streamer, UNIT, true), 0);
    assert_true(look(&w));
    expect_reclaimed(&w, "67108864 swappiness=0\n");
}

/* What was asked of the kernel since it was asked last, bytes. */
static uint64_t reclaimed_since(const World *w)
{
    char text[64] = "";
    int fd = must(openat(w->cgroups.fd, RECLAIM, O_RDWR | O_CLOEXEC));

    must(read(fd, text, sizeof text - 1));
    must(ftruncate(fd, 0));
    close(fd);
    return strtoull(text, NULL, 10);
}

/* By whole folios, and never more than a second's. */
static void at_a_rate_it_is_reclaimed_as_that_comes(void **state)
{
    CLEANUP_WORLD World w = world_new();
    uint64_t began = now_usec(), bytes = 0;

    begin(&w);
    want(&w, true, 20 * MIB);
    put_cache(&w, 500, 0, 0);
    assert_int_equal(streamer_follow(w.streamer, UNIT, true), 0);
    assert_true(look(&w));
    expect_reclaimed(&w, ""); /* nothing has come yet */
    for (unsigned i = 0; i < 100 && bytes == 0; i++) {
        assert_true(look(&w));
        bytes = reclaimed_since(&w);
    }
    assert_true(bytes > 0 && bytes % STREAM_FOLIO_MAX == 0);
    assert_true(bytes <= 20 * MIB * (now_usec() - began) / USEC_PER_SEC);
    assert_true(bytes <= 20 * MIB);
}

static void not_from_who_may_not_be_reclaimed(void **state)
{
    CLEANUP_WORLD World w = world_new();

    begin(&w);
    want(&w, true, UINT64_MAX);
    put_cache(&w, 500, 0, 0);
    assert_int_equal(streamer_follow(w.streamer, UNIT, false), 0);
    assert_true(look(&w));
    expect_reclaimed(&w, "");
}

static void nobody_who_is_not_to_be_followed_is(void **state)
{
    CLEANUP_WORLD World w = world_new();

    begin(&w);
    put_cache(&w, 500, 0, 0);
    want(&w, false, 0);
    assert_int_equal(streamer_follow(w.streamer, UNIT, true), 0);
    assert_false(streamer_status(w.streamer).wanted);
    assert_false(look(&w));

    want(&w, true, UINT64_MAX);
    assert_int_equal(streamer_follow(w.streamer, UNIT, true), 0);
    streamer_leave(w.streamer);
    assert_false(look(&w));
    assert_int_equal(streamer_follow(w.streamer, UNIT, true), 0);
    streamer_want(w.streamer, NULL);
    assert_false(look(&w));
    expect_reclaimed(&w, "");
    expect_log("");
}

static PinId *copy_of(PinId id)
{
    PinId *copy = malloc(sizeof(PinId));

    assert_non_null(copy);
    *copy = id;
    return copy;
}

static size_t followed_at_next_look(World *w)
{
    assert_true(look(w));
    return streamer_status(w->streamer).followed;
}

/* As told last; nor is any while that is not known. */
static void what_is_pinned_is_not_followed(void **state)
{
    CLEANUP_WORLD World w = world_new();
    char pid[16], target[32];
    struct stat st;
    Pinned pinned;

    CLEANUP_SCRATCH Scratch files = scratch_new("/var/tmp"); /* no tmpfs */
    scratch_put(&files, "f", "");
    CLEANUP_CLOSE int fd = must(openat(files.fd, "f", O_RDWR | O_CLOEXEC));
    must(ftruncate(fd, 2 * STREAM_STEP));
    must(fstat(fd, &st));
    snprintf(pid, sizeof pid, "%d", getpid());
    scratch_put(&w.cgroups, "system.slice/a.service/cgroup.procs", pid);
    snprintf(target, sizeof target, "/proc/%s", pid);
    must(symlinkat(target, w.proc.fd, pid));
    pinned_init(&pinned);
    w.host.pinned = &pinned;
    begin(&w);
    want(&w, true, UINT64_MAX);
    assert_int_equal(streamer_follow(w.streamer, UNIT, true), 0);
    assert_int_equal(followed_at_next_look(&w), 0);
    pinned_tell(&pinned, NULL, 0);
    size_t n = followed_at_next_look(&w); /* maybe of what the test has inherited, too */
    assert_true(n >= 1);
    pinned_tell(&pinned, copy_of((PinId){ .dev = st.st_dev, .ino = st.st_ino }), 1);
    assert_int_equal(followed_at_next_look(&w), n - 1);
    streamer_leave(w.streamer);
    pinned_clear(&pinned);
}

/* The outcome of a job, as if there had been one. */
static void finish_with(FollowerOutcome followed, uint64_t reclaimed)
{
    StreamJob *sj = (StreamJob *)queue[0];

    sj->followed = followed;
    sj->reclaimed = reclaimed;
    sj->interval_usec = USEC_PER_MSEC;
    Job *job = queue[0];
    n_queued = 0;
    job->done(job, job->owner);
    job->destroy(job);
}

static void what_was_done_is_told_at_the_end(void **state)
{
    CLEANUP_WORLD World w = world_new();

    begin(&w);
    want(&w, true, 5 * MIB);
    assert_int_equal(streamer_follow(w.streamer, UNIT, true), 0);
    must(sd_event_run(w.host.event, USEC_PER_SEC));
    assert_int_equal(n_queued, 1);
    const StreamTask *task = &((StreamJob *)queue[0])->task;
    assert_int_equal(task->rate, 5 * MIB);
    assert_false(task->write_back);
    assert_false(task->network == w.settings.refuse_network_filesystems);

    finish_with((FollowerOutcome){ .dropped = 3 * MIB, .written = MIB, .files = 1, .followed = 2 },
                5 * MIB);
    StreamerStatus status = streamer_status(w.streamer);
    assert_int_equal(status.dropped, 3 * MIB);
    assert_int_equal(status.written, MIB);
    assert_int_equal(status.reclaimed, 5 * MIB);
    assert_int_equal(status.files, 1);
    assert_int_equal(status.followed, 2);
    expect_log("");
    streamer_leave(w.streamer);
    expect_log("info: a.service: evicted 8M behind what it reads and writes\n");
    streamer_leave(w.streamer);
    expect_log("");
    assert_int_equal(streamer_status(w.streamer).followed, 0);
    assert_int_equal(streamer_status(w.streamer).dropped, 3 * MIB);
}

/* The files that it had open are looked at again, until nothing is left to do. */
static void at_the_end_there_is_a_last_look(void **state)
{
    CLEANUP_WORLD World w = world_new();

    begin(&w);
    want(&w, true, UINT64_MAX);
    streamer_end(w.streamer); /* it was not followed */
    assert_false(streamer_is_ending(w.streamer));
    assert_int_equal(streamer_follow(w.streamer, UNIT, true), 0);
    must(sd_event_run(w.host.event, USEC_PER_SEC));
    assert_int_equal(n_queued, 1);
    streamer_end(w.streamer); /* in the middle of a look */
    assert_true(streamer_is_ending(w.streamer));
    finish_with((FollowerOutcome){ .dropped = MIB, .asks = true }, 0);
    must(sd_event_run(w.host.event, USEC_PER_SEC));
    assert_int_equal(n_queued, 1);
    assert_true(((StreamJob *)queue[0])->task.last);
    finish_with((FollowerOutcome){ .dropped = 2 * MIB }, 0); /* more is on its way to the disk */
    assert_true(streamer_is_ending(w.streamer));
    must(sd_event_run(w.host.event, 2 * USEC_PER_SEC));
    assert_int_equal(n_queued, 1);
    ((StreamJob *)queue[0])->done = true;
    finish_with((FollowerOutcome){ .dropped = 4 * MIB }, 0);
    assert_false(streamer_is_ending(w.streamer));
    expect_log("info: a.service: evicted 7M behind what it reads and writes\n");
    assert_false(look(&w));

    /* Between two looks; and it runs again. */
    assert_int_equal(streamer_follow(w.streamer, UNIT, true), 0);
    assert_true(look(&w));
    streamer_end(w.streamer);
    assert_int_equal(streamer_follow(w.streamer, UNIT, true), 0);
    assert_false(streamer_is_ending(w.streamer));
    must(sd_event_run(w.host.event, 2 * USEC_PER_SEC));
    assert_false(((StreamJob *)queue[0])->task.last);
    run_queue();

    /* A disk that takes nothing is not waited for without end. */
    unsigned looks = 0;
    streamer_end(w.streamer);
    while (streamer_is_ending(w.streamer)) {
        must(sd_event_run(w.host.event, 2 * USEC_PER_SEC));
        assert_int_equal(n_queued, 1);
        looks++;
        finish_with((FollowerOutcome){ 0 }, 0);
    }
    assert_in_range(looks, 2, 100);
}

/* Each looks into all processes. */
static void last_looks_come_as_rarely_as_they_cost(void **state)
{
    CLEANUP_WORLD World w = world_new();

    scratch_folders(&w.proc, "1/fd/");
    scratch_put(&w.proc, "1/maps", "");
    begin(&w);
    want(&w, true, UINT64_MAX);
    assert_int_equal(streamer_follow(w.streamer, UNIT, true), 0);
    assert_true(look(&w));
    streamer_end(w.streamer);
    must(sd_event_run(w.host.event, 2 * USEC_PER_SEC));
    assert_int_equal(n_queued, 1);
    StreamJob *last = (StreamJob *)queue[--n_queued];
    cpu_at_a_time = 200 * USEC_PER_MSEC;
    last->job.run(&last->job);
    cpu_at_a_time = 0;
    assert_int_equal(last->error, 0);
    assert_int_equal(last->interval_usec, 10 * USEC_PER_SEC);
    last->done = false;
    last->job.done(&last->job, last->job.owner);
    last->job.destroy(&last->job);
    assert_true(streamer_is_ending(w.streamer));
    assert_false(look(&w));
}

/* It is not begun anew, and nobody waits for it. */
static void without_memory_there_is_no_last_look(void **state)
{
    CLEANUP_WORLD World w = world_new();

    begin(&w);
    want(&w, true, UINT64_MAX);
    assert_int_equal(streamer_follow(w.streamer, UNIT, true), 0);
    assert_true(look(&w));
    streamer_end(w.streamer);
    is_out_of_memory = true;
    must(sd_event_run(w.host.event, 2 * USEC_PER_SEC));
    is_out_of_memory = false;
    assert_int_equal(n_queued, 0);
    assert_false(streamer_is_ending(w.streamer));

    /* Where it runs, it is. */
    assert_int_equal(streamer_follow(w.streamer, UNIT, true), 0);
    is_out_of_memory = true;
    must(sd_event_run(w.host.event, 2 * USEC_PER_SEC));
    is_out_of_memory = false;
    assert_int_equal(n_queued, 0);
    assert_int_equal(streamer_follow(w.streamer, UNIT, true), 0);
    assert_true(look(&w));
}

/* A look into all processes is for another worker, one at a time, and its outcome for the look that
 * comes then. */
static void who_else_has_files_is_asked_beside(void **state)
{
    CLEANUP_WORLD World w = world_new();

    scratch_folders(&w.proc, "1/fd/");
    scratch_put(&w.proc, "1/maps", "");
    begin(&w);
    want(&w, true, UINT64_MAX);
    assert_int_equal(streamer_follow(w.streamer, UNIT, true), 0);
    must(sd_event_run(w.host.event, USEC_PER_SEC));
    finish_with((FollowerOutcome){ .asks = true }, 0);
    assert_int_equal(n_queued, 1);
    Job *ask = queue[0];
    n_queued = 0;

    while (n_queued == 0) /* the next look does not wait for it */
        must(sd_event_run(w.host.event, 2 * USEC_PER_SEC));
    finish_with((FollowerOutcome){ .asks = true }, 0);
    assert_int_equal(n_queued, 0); /* one at a time */

    ask->run(ask);
    assert_non_null(((StreamAsk *)ask)->others);
    ask->done(ask, ask->owner);
    assert_null(((StreamAsk *)ask)->others); /* handed over */
    ask->destroy(ask);
    must(sd_event_run(w.host.event, 2 * USEC_PER_SEC));
    assert_int_equal(n_queued, 1);
    finish_with((FollowerOutcome){ .asks = true }, 0);
    assert_int_equal(n_queued, 1); /* and then anew */
    streamer_leave(w.streamer);
    assert_true(atomic_load(&queue[0]->cancelled));
}

static void ask_again(World *w)
{
    finish_with((FollowerOutcome){ .asks = true }, 0);
    assert_int_equal(n_queued, 1);
    Job *ask = queue[--n_queued];
    ask->run(ask);
    ask->done(ask, ask->owner);
    ask->destroy(ask);
    must(sd_event_run(w->host.event, 2 * USEC_PER_SEC));
}

static void who_cannot_be_asked_is_told_once(void **state)
{
    CLEANUP_WORLD World w = world_new();

    scratch_folders(&w.proc, "1/fd/");
    must(mkdirat(w.proc.fd, "1/maps", 0755)); /* not to be read */
    begin(&w);
    want(&w, true, UINT64_MAX);
    assert_int_equal(streamer_follow(w.streamer, UNIT, true), 0);
    must(sd_event_run(w.host.event, USEC_PER_SEC));
    expect_log("");
    ask_again(&w);
    expect_log("warning: a.service: some processes (1) cannot be looked into, so nobody knows who "
               "else has "
               "its files open: nothing is dropped behind its positions\n");
    ask_again(&w);
    expect_log("");
    assert_int_equal(streamer_status(w.streamer).unreadable, 1);
    must(unlinkat(w.proc.fd, "1/maps", AT_REMOVEDIR));
    scratch_put(&w.proc, "1/maps", "");
    ask_again(&w);
    expect_log("info: a.service: what its open files have passed is dropped again\n");
    assert_int_equal(streamer_status(w.streamer).unreadable, 0);
    streamer_leave(w.streamer);
}

static void a_kernel_that_cannot_is_told_once(void **state)
{
    CLEANUP_WORLD World w = world_new();

    must(unlinkat(w.cgroups.fd, RECLAIM, 0));
    begin(&w);
    want(&w, true, UINT64_MAX);
    put_cache(&w, 500, 0, 0);
    assert_int_equal(streamer_follow(w.streamer, UNIT, true), 0);
    assert_true(look(&w));
    expect_log("warning: a.service: its page cache cannot be reclaimed alone (Operation not "
               "supported): only what its open files have passed is dropped\n");
    assert_int_equal(streamer_status(w.streamer).reclaim_error, -EOPNOTSUPP);
    assert_int_equal(streamer_follow(w.streamer, UNIT, true), 0);
    assert_true(look(&w));
    expect_log("");
}

/* Nor is it the kernel's that could not be reclaimed from it. */
static void a_unit_that_goes_meanwhile_is_no_trouble(void **state)
{
    CLEANUP_WORLD World w = world_new();

    begin(&w);
    want(&w, true, UINT64_MAX);
    assert_int_equal(streamer_follow(w.streamer, UNIT, true), 0);
    assert_true(look(&w)); /* has it open */
    put_cache(&w, 500, 0, 0);
    must(unlinkat(w.cgroups.fd, RECLAIM, 0));
    must(unlinkat(w.cgroups.fd, "system.slice/a.service/memory.stat", 0));
    assert_true(look(&w));
    expect_log("");

    streamer_leave(w.streamer);
    put_cache(&w, 500, 0, 0);
    scratch_put(&w.cgroups, RECLAIM, "");
    assert_int_equal(streamer_follow(w.streamer, UNIT, true), 0);
    assert_true(look(&w));
    expect_reclaimed(&w, "67108864 swappiness=0\n");
}

static void a_unit_that_has_gone_is_no_trouble(void **state)
{
    CLEANUP_WORLD World w = world_new();

    begin(&w);
    want(&w, true, UINT64_MAX);
    assert_int_equal(streamer_follow(w.streamer, "/system.slice/b.service", true), 0);
    assert_true(look(&w));
    expect_log("");

    /* Other trouble is told once. */
    streamer_leave(w.streamer);
    put_cache(&w, 500, 0, 0);
    scratch_put(&w.cgroups, "system.slice/a.service/memory.stat", "file 1\n");
    assert_int_equal(streamer_follow(w.streamer, UNIT, true), 0);
    assert_true(look(&w));
    expect_log("warning: a.service: following its streams: Bad message\n");
    assert_true(look(&w));
    expect_log("");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_more_than_a_stream_needs_is_reclaimed),
        cmocka_unit_test(no_more_at_once_than_others_can_wait_for),
        cmocka_unit_test(at_a_rate_it_is_reclaimed_as_that_comes),
        cmocka_unit_test(not_from_who_may_not_be_reclaimed),
        cmocka_unit_test(nobody_who_is_not_to_be_followed_is),
        cmocka_unit_test(what_is_pinned_is_not_followed),
        cmocka_unit_test(what_was_done_is_told_at_the_end),
        cmocka_unit_test(at_the_end_there_is_a_last_look),
        cmocka_unit_test(last_looks_come_as_rarely_as_they_cost),
        cmocka_unit_test(without_memory_there_is_no_last_look),
        cmocka_unit_test(who_else_has_files_is_asked_beside),
        cmocka_unit_test(who_cannot_be_asked_is_told_once),
        cmocka_unit_test(a_kernel_that_cannot_is_told_once),
        cmocka_unit_test(a_unit_that_goes_meanwhile_is_no_trouble),
        cmocka_unit_test(a_unit_that_has_gone_is_no_trouble),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
