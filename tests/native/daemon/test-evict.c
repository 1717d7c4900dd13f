/* SPDX-License-Identifier: MIT */
/* Looks at real files that are locked in memory: each is paid for in full, whatever else the
 * machine does, and what was tried on it shows as locked. */
#include "daemon/evict_job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>

#include "native/native.h"
#include "util/io.h"

#define SIZE (256 * KIB)

/* The disk's answer to the next question, told once; and who is abandoned while it is asked. */
static int answer;
static EvictJob *abandoned;

int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
    errno = answer;
    answer = 0;
    if (abandoned)
        (void)job_abandon(&abandoned->job);
    abandoned = NULL;
    return errno == 0 ? 0 : -1;
}

typedef struct World {
    Scratch files, proc;
    sd_event *event;
    Jobs *jobs;
    int root_fd;
    Barred *barred;
    char done[64];
} World;

static void a_world(World *w)
{
    *w = (World){
        .files = scratch_new(SCRATCH_PARENT),
        .proc = scratch_new("/tmp"),
        .root_fd = must(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)),
        .barred = barred_new(),
    };
    scratch_put(&w->proc, "1/maps", "");
    must(mkdirat(w->proc.fd, "1/fd", 0755));
    must(sd_event_new(&w->event));
    assert_int_equal(jobs_new(w->event, &w->jobs), 0);
}

static void world_done(World *w)
{
    jobs_free(w->jobs);
    barred_free(w->barred);
    sd_event_unref(w->event);
    close(w->root_fd);
    scratch_done(&w->proc);
    scratch_done(&w->files);
}

/* A file of SIZE, locked and not written to the disk yet. */
static int make_locked(const World *w, const char *name)
{
    int fd = make_file(&w->files, name, SIZE);

    (void)lock_part(fd, 0, SIZE);
    return fd;
}

static void put_locked(const World *w, const char *name)
{
    CLEANUP_CLOSE int fd = make_locked(w, name);

    must(fsync(fd));
}

/* What one job came to. */
typedef struct Done {
    World *world;
    char name;
    int error;
    uint64_t failed;
    EvictOutcome sum;
    EvictAges ages;
    IdleTable **table; /* to be taken from the job; NULL: not */
    EvictJob *job;
} Done;

static void on_done(Job *job, void *owner)
{
    EvictJob *ej = (EvictJob *)job;
    Done *done = owner;

    if (done->table)
        *done->table = TAKE_PTR(ej->task.table);
    size_t n = strlen(done->world->done);

    done->error = ej->error;
    done->failed = ej->failed;
    done->sum = ej->sum;
    done->ages = ej->ages;
    done->job = NULL;
    done->world->done[n] = done->name;
}

/* A look as @task says at all files that match @glob below the world's. */
static EvictJob *a_job(World *w, const char *glob, EvictTask *task, Done *done)
{
    task->root_fd = w->root_fd;
    task->proc_fd = w->proc.fd;
    task->cgroup_fd = -1;
    if (task->bounds.end == 0)
        task->bounds = EVICT_WHOLE_FILE;
    task->barred = w->barred;
    task->slice_usec = task->slice_usec ?: 100 * USEC_PER_MSEC;
    assert_true(asprintf(&task->path, "%s/%s", w->files.path, glob) > 0);
    EvictJob *ej = evict_job_new(task);
    assert_non_null(ej);
    ej->job.done = on_done;
    ej->job.owner = done;
    done->job = ej;
    return ej;
}

static void submit_task(World *w, const char *glob, EvictTask *task, Done *done)
{
    jobs_submit(w->jobs, &a_job(w, glob, task, done)->job);
}

static void submit(World *w, const char *glob, uint64_t rate, Done *done)
{
    submit_task(w, glob, &(EvictTask){ .rate = rate, .table = idle_table_new() }, done);
}

static void run_until(World *w, const char *done)
{
    for (unsigned i = 0; i < 2000 && strcmp(w->done, done) != 0; i++)
        assert_true(sd_event_run(w->event, 20000) >= 0);
    assert_string_equal(w->done, done);
}

static void others_need_not_wait_for_a_rate(void **state)
{
    World w;
    Done slow = { .world = &w, .name = 's' }, quick = { .world = &w, .name = 'q' };

    a_world(&w);
    must(mkdirat(w.files.fd, "d", 0755));
    must(mkdirat(w.files.fd, "d/e", 0755));
    put_locked(&w, "d.a");
    put_locked(&w, "d/1");
    put_locked(&w, "d/e/1");
    put_locked(&w, "d0");
    put_locked(&w, "q");
    submit(&w, "{d*,d/**}", SIZE, &slow);
    submit(&w, "q", 0, &quick);
    run_until(&w, "qs");

    /* Each of them once, however often it had to begin anew. */
    assert_int_equal(slow.error, 0);
    assert_int_equal(slow.failed, 0);
    assert_int_equal(slow.sum.before, 4 * SIZE);
    assert_int_equal(slow.sum.locked + slow.sum.unknown, 4 * SIZE);
    world_done(&w);
}

/* More than wait for others together. */
static void none_is_left_out(void **state)
{
    const unsigned n = 3 * LADDER_BATCH / 2;
    char name[16];
    World w;
    Done slow = { .world = &w, .name = 's' };

    a_world(&w);
    for (unsigned i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%u", i);
        put_locked(&w, name);
    }
    submit(&w, "*", 32 * SIZE, &slow);
    run_until(&w, "s");
    assert_int_equal(slow.error, 0);
    assert_int_equal(slow.sum.before, n * SIZE);
    assert_int_equal(slow.sum.locked + slow.sum.unknown, n * SIZE);
    world_done(&w);
}

/* /proc/1/fd/3 of the world. */
static void open_in_process(const World *w, const char *name)
{
    char path[PATH_MAX + 16];

    snprintf(path, sizeof path, "%s/%s", w->files.path, name);
    must(symlinkat(path, w->proc.fd, "1/fd/3"));
}

static void what_is_opened_meanwhile_is_spared(void **state)
{
    World w;
    Done done = { .world = &w, .name = 'd' };

    a_world(&w);
    put_locked(&w, "a");
    put_locked(&w, "b");
    submit(&w, "*", SIZE, &done);
    assert_true(sd_event_run(w.event, 300000) >= 0); /* "a" has a second */
    open_in_process(&w, "b");
    run_until(&w, "d");
    assert_int_equal(done.error, 0);
    assert_int_equal(done.sum.before, SIZE);
    world_done(&w);
}

static void what_is_opened_while_it_goes_is_spared(void **state)
{
    World w;
    Done done = { .world = &w, .name = 'd' };

    a_world(&w);
    put_locked(&w, "a");
    submit(&w, "*", SIZE / 2, &done);
    assert_true(sd_event_run(w.event, 300000) >= 0);
    open_in_process(&w, "a");
    run_until(&w, "d");
    assert_int_equal(done.error, 0);
    assert_int_equal(done.sum.before, 0);
    world_done(&w);
}

static PinId *id_of(const World *w, const char *name)
{
    PinId *id = malloc(sizeof(PinId));
    struct stat st;

    assert_non_null(id);
    must(fstatat(w->files.fd, name, &st, 0));
    *id = (PinId){ st.st_dev, st.st_ino };
    return id;
}

/* It is not what the look began with. */
static void what_is_pinned_meanwhile_is_spared(void **state)
{
    World w;
    Pinned pinned;
    Done done = { .world = &w, .name = 'd' };

    a_world(&w);
    pinned_init(&pinned);
    put_locked(&w, "a");
    put_locked(&w, "b");
    put_locked(&w, "c");
    pinned_tell(&pinned, id_of(&w, "c"), 1);
    submit_task(&w, "*", &(EvictTask){ .rate = SIZE, .pinned = &pinned, .table = idle_table_new() },
                &done);
    assert_true(sd_event_run(w.event, 300000) >= 0); /* "a" has a second */
    pinned_tell(&pinned, id_of(&w, "b"), 1);
    run_until(&w, "d");
    assert_int_equal(done.error, 0);
    assert_int_equal(done.sum.before, 2 * SIZE);

    /* Where that is not known, all may be. */
    pinned_tell_unknown(&pinned);
    w.done[0] = '\0';
    submit_task(&w, "*", &(EvictTask){ .pinned = &pinned, .table = idle_table_new() }, &done);
    run_until(&w, "d");
    assert_int_equal(done.sum.before, 0);
    world_done(&w);
    pinned_clear(&pinned);
}

static void what_is_pinned_while_it_goes_is_spared(void **state)
{
    World w;
    Pinned pinned;
    Done done = { .world = &w, .name = 'd' };

    a_world(&w);
    pinned_init(&pinned);
    pinned_tell(&pinned, NULL, 0);
    put_locked(&w, "a");
    submit_task(&w, "*",
                &(EvictTask){ .rate = SIZE / 2, .pinned = &pinned, .table = idle_table_new() },
                &done);
    assert_true(sd_event_run(w.event, 300000) >= 0);
    pinned_tell(&pinned, id_of(&w, "a"), 1);
    run_until(&w, "d");
    assert_int_equal(done.error, 0);
    assert_int_equal(done.sum.before, 0);
    world_done(&w);
    pinned_clear(&pinned);
}

/* A process of the world that maps the file @name. */
static pid_t start_mapper(const World *w, const char *name)
{
    char pid[16], path[32];
    int started[2];
    char byte;

    CLEANUP_CLOSE int fd = make_file(&w->files, name, SIZE);
    must(fsync(fd));
    must(pipe2(started, O_CLOEXEC));
    fflush(NULL);
    pid_t child = must(fork());
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        check(mmap(NULL, SIZE, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0) != MAP_FAILED);
        close(fd);
        check(write(started[1], "", 1) == 1);
        for (;;)
            pause();
    }
    assert_int_equal(read(started[0], &byte, 1), 1);
    close(started[0]);
    close(started[1]);
    snprintf(pid, sizeof pid, "%d", (int)child);
    snprintf(path, sizeof path, "/proc/%d", (int)child);
    must(symlinkat(path, w->proc.fd, pid));
    return child;
}

/* Until all were judged, what others have mapped waits. */
static void what_is_pinned_while_it_waits_is_spared(void **state)
{
    World w;
    Pinned pinned;
    Done done = { .world = &w, .name = 'd' };
    Residency residency;

    a_world(&w);
    pinned_init(&pinned);
    pinned_tell(&pinned, NULL, 0);
    pid_t mapper = start_mapper(&w, "a");
    for (char name[2] = "b"; *name <= 'i'; ++*name)
        put_locked(&w, name);
    submit_task(&w, "*",
                &(EvictTask){
                    .rate = 8 * SIZE,
                    .slice_usec = 60 * USEC_PER_SEC,
                    .allowed.page_out = true,
                    .pinned = &pinned,
                    .table = idle_table_new(),
                },
                &done);
    for (uint64_t end = now_usec() + USEC_PER_SEC / 2; now_usec() < end;)
        assert_true(sd_event_run(w.event, 50000) >= 0);
    pinned_tell(&pinned, id_of(&w, "a"), 1);
    run_until(&w, "d");
    assert_int_equal(done.error, 0);
    CLEANUP_CLOSE int fd = must(openat(w.files.fd, "a", O_RDONLY | O_CLOEXEC));
    assert_int_equal(residency_of(fd, SIZE, &residency), 0);
    assert_int_equal(residency.resident, SIZE);
    kill(mapper, SIGKILL);
    must(waitpid(mapper, NULL, 0));
    world_done(&w);
    pinned_clear(&pinned);
}

static void abandoned_at_any_time(void **state)
{
    World w;
    Done done = { .world = &w, .name = 'd' };

    a_world(&w);
    for (char name[2] = "a"; *name <= 'e'; ++*name)
        put_locked(&w, name);
    for (unsigned i = 0; i < 5; i++) {
        submit(&w, "*", SIZE / 8, &done);
        assert_true(sd_event_run(w.event, 90000 * i) >= 0);
        job_abandon(&done.job->job);
    }
    submit(&w, "*", 0, &done);
    run_until(&w, "d");
    world_done(&w);
}

/* Bytes that a look finds which could go, and evicts none of. */
static uint64_t counted(World *w, EvictAllowed allowed)
{
    IdleTable *table = idle_table_new();
    Done done = { .world = w, .name = 'd' };
    EvictAges sum = { 0 };

    w->done[0] = '\0';
    submit_task(w, "*", &(EvictTask){ .allowed = allowed, .look_only = true, .table = table },
                &done);
    run_until(w, "d");
    assert_int_equal(done.error, 0);
    assert_int_equal(done.sum.before, 0);
    return evict_ages_sum(&sum, &done.ages);
}

static void what_could_go_is_counted(void **state)
{
    Residency residency;
    World w;

    a_world(&w);
    put_locked(&w, "clean");
    CLEANUP_CLOSE int refused = make_locked(&w, "refused");
    must(fsync(refused));
    barred_add(w.barred, refused);
    assert_int_equal(counted(&w, (EvictAllowed){ 0 }), SIZE);

    CLEANUP_CLOSE int dirty = make_locked(&w, "dirty");
    assert_int_equal(residency_of(dirty, SIZE, &residency), 0);
    if (residency.has_counters) {
        assert_int_equal(counted(&w, (EvictAllowed){ 0 }), SIZE);
        assert_int_equal(counted(&w, (EvictAllowed){ .write_back = true }), 2 * SIZE);
    }
    world_done(&w);
}

/* Be it outside of what is to go: it would be waited for anew. */
static void what_is_stuck_stays_while_any_of_it_is_dirty(void **state)
{
    EvictTask task = { .bounds = { .begin = SIZE / 2, .end = UINT64_MAX } };
    Residency residency;
    struct stat st;
    World w;
    Done done = { .world = &w, .name = 'd', .table = &task.table };

    a_world(&w);
    CLEANUP_CLOSE int fd = make_locked(&w, "f");
    must(fsync(fd));
    must(pwrite(fd, "x", 1, 0));
    must(fstat(fd, &st));
    assert_int_equal(residency_of(fd, SIZE, &residency), 0);
    task.table = idle_table_new();
    idle_table_note_stuck(task.table, &st, true);
    submit_task(&w, "f", &task, &done);
    run_until(&w, "d");
    if (residency.has_counters)
        assert_int_equal(done.sum.before, 0);

    must(fsync(fd));
    w.done[0] = '\0';
    submit_task(&w, "f", &task, &done);
    run_until(&w, "d");
    assert_int_equal(done.sum.before, SIZE / 2);
    idle_table_free(task.table);
    world_done(&w);
}

/* The kernel tells once, and by then it is nobody's look any more: all others know it all the same,
 * whichever rule they are of, and whatever was written to the file since. */
static void what_the_disk_refused_no_look_takes(void **state)
{
    World w;
    Done done = { .world = &w, .name = 'd' };

    a_world(&w);
    CLEANUP_CLOSE int fd = make_locked(&w, "f");
    must(fsync(fd));
    answer = EIO;
    submit(&w, "f", 0, &done);
    run_until(&w, "d");
    assert_int_equal(done.failed, 1);

    w.done[0] = '\0';
    must(pwrite(fd, "x", 1, 0));
    must(fsync(fd));
    submit(&w, "*", 0, &done);
    run_until(&w, "d");
    assert_int_equal(done.failed, 0);
    assert_int_equal(done.sum.before, 0);
    world_done(&w);
}

static void nor_what_an_abandoned_one_was_told(void **state)
{
    World w;
    Done done = { .world = &w, .name = 'd' };

    a_world(&w);
    CLEANUP_CLOSE int fd = make_locked(&w, "f");
    must(fsync(fd));
    answer = EIO;
    abandoned = a_job(&w, "f", &(EvictTask){ .table = idle_table_new() }, &done);
    jobs_submit(w.jobs, &abandoned->job);
    submit(&w, "f", 0, &done);
    run_until(&w, "d");
    assert_null(abandoned);
    assert_int_equal(done.failed, 0);
    assert_int_equal(done.sum.before, 0);
    world_done(&w);
}

/* True unless others brought some of it back. */
static bool look_at_what_is_gone(void)
{
    World w;
    Done done = { .world = &w, .name = 'd' };

    a_world(&w);
    CLEANUP_CLOSE int fd = make_file(&w.files, "f", SIZE);
    barred_add(w.barred, fd);
    make_cold(fd, SIZE);
    submit(&w, "f", 0, &done);
    run_until(&w, "d");
    assert_true(file_is_whole(fd, SIZE));
    bool holds = barred_holds(w.barred, fd);
    world_done(&w);
    return !holds;
}

/* Then what is read anew is what the disk has. */
static void what_is_not_in_memory_at_a_look_is_free(void **state)
{
    assert_true(in_one_of_some_tries(look_at_what_is_gone()));
}

/* µs for which the file has been waiting by then. */
static uint64_t waited(IdleTable *table, const World *w, const char *name, uint64_t usec)
{
    struct stat st;

    must(fstatat(w->files.fd, name, &st, 0));
    idle_table_go_on(table, usec);
    return idle_table_note(table, &st, false);
}

/* Else a million files would wait for those that went long ago. */
static void what_went_waits_no_more(void **state)
{
    IdleTable *table = NULL;
    World w;
    Done done = { .world = &w, .name = 'd', .table = &table };

    a_world(&w);
    CLEANUP_CLOSE int gone = make_file(&w.files, "gone", SIZE);
    must(fsync(gone));
    put_locked(&w, "stays");
    submit(&w, "*", 0, &done);
    run_until(&w, "d");
    uint64_t later = now_usec() + USEC_PER_SEC;
    assert_int_equal(waited(table, &w, "gone", later), 0);
    assert_true(waited(table, &w, "stays", later) >= USEC_PER_SEC);
    idle_table_free(table);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_need_not_wait_for_a_rate),
        cmocka_unit_test(none_is_left_out),
        cmocka_unit_test(what_is_opened_meanwhile_is_spared),
        cmocka_unit_test(what_is_opened_while_it_goes_is_spared),
        cmocka_unit_test(what_is_pinned_meanwhile_is_spared),
        cmocka_unit_test(what_is_pinned_while_it_goes_is_spared),
        cmocka_unit_test(what_is_pinned_while_it_waits_is_spared),
        cmocka_unit_test(abandoned_at_any_time),
        cmocka_unit_test(what_could_go_is_counted),
        cmocka_unit_test(what_is_stuck_stays_while_any_of_it_is_dirty),
        cmocka_unit_test(what_the_disk_refused_no_look_takes),
        cmocka_unit_test(nor_what_an_abandoned_one_was_told),
        cmocka_unit_test(what_is_not_in_memory_at_a_look_is_free),
        cmocka_unit_test(what_went_waits_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
