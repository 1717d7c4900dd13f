/* SPDX-License-Identifier: MIT */
/* A process of our own reads and writes as it is told, and is followed; what is left in memory is
 * asked of the kernel. */
#include "evict/follower.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include "control/stream.h"
#include "kernel/residency.h"
#include "native/native.h"

#define SIZE (32 * MIB)

/* The clock of the follower. */
static uint64_t ahead_usec;

uint64_t __real_now_usec(void);
uint64_t __wrap_now_usec(void);

uint64_t __wrap_now_usec(void)
{
    return __real_now_usec() + ahead_usec;
}

static char buffer[MIB];

/* A process that has a file open, and does with it what comes by the pipe. */
typedef struct Worker {
    pid_t pid;
    int to, from;
} Worker;

typedef struct Order {
    enum { READ, WRITE, SEEK, PREAD, DUP, MAP, TRUNCATE } what;
    uint64_t bytes;
} Order;

static void obey(int fd, const Order *order)
{
    uint64_t done = 0;

    switch (order->what) {
    case READ:
    case WRITE:
        for (; done < order->bytes; done += sizeof buffer)
            check((order->what == READ ? read(fd, buffer, sizeof buffer)
                                       : write(fd, buffer, sizeof buffer)) == sizeof buffer);
        break;
    case SEEK:
        check(lseek(fd, (off_t)order->bytes, SEEK_SET) >= 0);
        break;
    case PREAD:
        for (; done < order->bytes; done += sizeof buffer)
            check(pread(fd, buffer, sizeof buffer, (off_t)done) == sizeof buffer);
        break;
    case DUP:
        check(dup(fd) >= 0);
        break;
    case MAP:
        check(mmap(NULL, order->bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0) != MAP_FAILED);
        check(close(fd) == 0);
        break;
    case TRUNCATE:
        check(ftruncate(fd, (off_t)order->bytes) == 0);
        break;
    }
}

static void await(const Worker *worker)
{
    char answer;

    assert_int_equal(must(read(worker->from, &answer, 1)), 1);
}

static Worker worker_new(const Scratch *scratch, const char *name, int flags)
{
    int to[2], from[2];
    Order order;

    must(pipe2(to, O_CLOEXEC));
    must(pipe2(from, O_CLOEXEC));
    Worker worker = { must(fork()), to[1], from[0] };
    if (worker.pid == 0) {
        close_range(3, (unsigned)to[0] - 1, 0);
        check(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
        close(to[1]);
        int folder = open(scratch->path, O_PATH | O_DIRECTORY);
        int fd = openat(folder, name, flags | O_CREAT, 0644);
        check(fd >= 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM) == 0); /* reads nothing ahead */
        check(write(from[1], "", 1) == 1);
        while (read(to[0], &order, sizeof order) == sizeof order) {
            obey(fd, &order);
            check(write(from[1], "", 1) == 1);
        }
        _exit(0);
    }
    close(to[0]);
    close(from[1]);
    await(&worker);
    return worker;
}

static void tell(const Worker *worker, int what, uint64_t bytes)
{
    Order order = { what, bytes };

    must(write(worker->to, &order, sizeof order));
    await(worker);
}

static void worker_end(Worker *worker)
{
    close(worker->to);
    close(worker->from);
    must(waitpid(worker->pid, NULL, 0));
}

/* A follower of one worker, and a /proc that has no others but those put there. */
typedef struct World {
    Scratch files, proc;
    Follower *follower;
    FollowerOptions options;
    FollowerOutcome sum;
    Pids pids;
    pid_t own[2];
    int fd; /* of the file "f" */
} World;

static void show(World *w, const Worker *worker, bool own)
{
    char name[16], target[32];

    snprintf(name, sizeof name, "%d", worker->pid);
    snprintf(target, sizeof target, "/proc/%d", worker->pid);
    must(symlinkat(target, w->proc.fd, name));
    if (own)
        w->own[w->pids.n_pids++] = worker->pid;
}

static uint64_t resident(int fd, uint64_t begin, uint64_t end)
{
    Residency r;

    assert_int_equal(residency_of_range(fd, begin, end - begin, &r), 0);
    return r.resident;
}

/* With a file of @size that is on the disk and not in memory. */
static World world_new(uint64_t size)
{
    World w = { .files = scratch_new(SCRATCH_PARENT), .proc = scratch_new(SCRATCH_PARENT) };

    w.fd = make_file(&w.files, "f", size);
    make_cold(w.fd, size);
    scratch_folders(&w.proc, "1/fd/"); /* the first process, without which others may be hidden */
    scratch_put(&w.proc, "1/maps", "");
    w.follower = follower_new();
    w.options = (FollowerOptions){
        .proc_fd = w.proc.fd, .write_back = true, .may_write = UINT64_MAX, .may_drop = UINT64_MAX
    };
    return w;
}

static void world_done(World *w)
{
    follower_free(w->follower);
    close(w->fd);
    scratch_done(&w->files);
    scratch_done(&w->proc);
}

#define CLEANUP_WORLD cleanup(world_done)

static FollowerOutcome look_once(World *w)
{
    FollowerOutcome out;

    w->pids.pids = w->own;
    w->options.pids = &w->pids;
    assert_int_equal(follower_look(w->follower, &w->options, &out), 0);
    w->sum.passed += out.passed;
    w->sum.dropped += out.dropped;
    w->sum.written += out.written;
    return out;
}

static OpenSet *others_of(const World *w)
{
    OpenSet *others;

    assert_int_equal(open_set_scan_others(w->proc.fd, getpid(), &w->pids, &others), 0);
    return others;
}

static FollowerOutcome look(World *w)
{
    FollowerOutcome out = look_once(w);

    if (!out.asks)
        return out;
    follower_note_others(w->follower, others_of(w), 0);
    return look_once(w);
}

/* Has @worker do @what in steps of @step, with a look at each. */
static void go(World *w, const Worker *worker, int what, uint64_t bytes, uint64_t step)
{
    for (uint64_t done = 0; done < bytes; done += step) {
        tell(worker, what, step);
        look(w);
    }
}

/* True when we were who evicted it, and not others before us. */
static bool follow_a_reader(void)
{
    CLEANUP_WORLD World w = world_new(SIZE);
    Worker reader = worker_new(&w.files, "f", O_RDONLY);

    show(&w, &reader, true);
    assert_int_equal(look(&w).followed, 1);
    go(&w, &reader, READ, 24 * MIB, 2 * MIB);
    /* But for the tail, and for what is not worth a call yet. */
    assert_int_equal(resident(w.fd, 0, 24 * MIB - STREAM_TAIL - STREAM_STEP), 0);
    bool all = w.sum.dropped >= 24 * MIB - STREAM_TAIL - STREAM_STEP - MIB;
    assert_int_equal(w.sum.passed, 24 * MIB);
    assert_int_equal(w.sum.written, 0);

    /* Deleted, and still read. */
    must(unlinkat(w.files.fd, "f", 0));
    go(&w, &reader, READ, 8 * MIB, 2 * MIB);
    assert_int_equal(resident(w.fd, 0, SIZE - STREAM_TAIL - STREAM_STEP), 0);
    worker_end(&reader);
    assert_int_equal(look(&w).followed, 0);
    return all;
}

static void what_was_read_goes(void **state)
{
    assert_true(in_one_of_some_tries(follow_a_reader()));
}

/* True when it stayed: others may evict it. */
static bool follow_a_barred_file(void)
{
    CLEANUP_WORLD World w = world_new(SIZE);
    cleanup(barred_freep) Barred *barred = barred_new();
    Worker reader = worker_new(&w.files, "f", O_RDONLY);

    w.options.barred = barred;
    must(pread(w.fd, buffer, 1, (off_t)(SIZE - 1))); /* what is not in memory at all is not */
    barred_add(barred, w.fd);
    show(&w, &reader, true);
    go(&w, &reader, READ, 24 * MIB, 2 * MIB);
    worker_end(&reader);
    assert_int_equal(w.sum.dropped, 0);
    return resident(w.fd, 0, 24 * MIB) >= 24 * MIB;
}

static void what_the_disk_refused_stays(void **state)
{
    assert_true(in_one_of_some_tries(follow_a_barred_file()));
}

/* True when some of it stayed: others may evict it. */
static bool follow_over_what_is_there(void)
{
    CLEANUP_WORLD World w = world_new(SIZE);
    Worker reader = worker_new(&w.files, "f", O_RDONLY);

    must(posix_fadvise(w.fd, 0, 0, POSIX_FADV_RANDOM));
    must(pread(w.fd, buffer, MIB, 8 * MIB));
    show(&w, &reader, true);
    look(&w);
    go(&w, &reader, READ, 24 * MIB, 2 * MIB);
    bool stays = resident(w.fd, 8 * MIB, 9 * MIB) > 0;
    assert_int_equal(resident(w.fd, 0, 8 * MIB), 0);
    assert_int_equal(resident(w.fd, 9 * MIB, 16 * MIB), 0);
    worker_end(&reader);
    return stays;
}

static bool follow_from_the_middle(void)
{
    CLEANUP_WORLD World w = world_new(SIZE);
    Worker reader = worker_new(&w.files, "f", O_RDONLY);

    show(&w, &reader, true);
    tell(&reader, READ, 8 * MIB);
    look(&w);
    go(&w, &reader, READ, 18 * MIB, 2 * MIB);
    bool stays = resident(w.fd, 0, 8 * MIB) > 0;
    assert_int_equal(resident(w.fd, 8 * MIB, 16 * MIB), 0);
    worker_end(&reader);
    return stays;
}

static void what_was_in_memory_before_stays(void **state)
{
    assert_true(in_one_of_some_tries(follow_over_what_is_there()));
    /* And what it had passed when it was found. */
    assert_true(in_one_of_some_tries(follow_from_the_middle()));
}

/* True when all of it stayed. */
static bool follow_to_what_is_far_ahead(void)
{
    enum { FIRST = 280, MANY = 40 };
    CLEANUP_WORLD World w = world_new(MIB);
    Worker reader = worker_new(&w.files, "f", O_RDONLY);
    bool stays = true;

    must(ftruncate(w.fd, 330 * MIB));
    must(posix_fadvise(w.fd, 0, 0, POSIX_FADV_RANDOM));
    for (uint64_t i = 0; i < MANY; i++)
        must(pread(w.fd, buffer, 1, (off_t)(FIRST * MIB + i * MIB / 2)));
    show(&w, &reader, true);
    tell(&reader, SEEK, 100 * MIB);
    look(&w);
    go(&w, &reader, READ, 230 * MIB, 10 * MIB);
    assert_int_equal(resident(w.fd, 100 * MIB, FIRST * MIB), 0);
    for (uint64_t i = 0; i < MANY; i++)
        stays &= resident(w.fd, FIRST * MIB + i * MIB / 2, FIRST * MIB + i * MIB / 2 + 1) > 0;
    stays &= resident(w.fd, 300 * MIB, 330 * MIB) == 30 * MIB;
    worker_end(&reader);
    return stays;
}

/* Beyond a hole of more than one window, and where there are too many of them to be remembered. */
static void what_was_in_memory_far_ahead_stays(void **state)
{
    assert_true(in_one_of_some_tries(follow_to_what_is_far_ahead()));
}

/* Nothing is dropped of what @change makes of it. */
static void expect_kept(void (*change)(World *w, const Worker *reader))
{
    CLEANUP_WORLD World w = world_new(SIZE);
    Worker reader = worker_new(&w.files, "f", O_RDWR);

    show(&w, &reader, true);
    look(&w);
    change(&w, &reader);
    look(&w);
    assert_int_equal(w.sum.dropped, 0);
    worker_end(&reader);
}

static void seeks(World *w, const Worker *reader)
{
    go(w, reader, READ, 4 * MIB, 2 * MIB);
    tell(reader, SEEK, 0);
    look(w);
    go(w, reader, READ, 24 * MIB, 2 * MIB);
}

static void skips(World *w, const Worker *reader)
{
    for (uint64_t at = 0; at < 28 * MIB; at += 7 * MIB) {
        must(posix_fadvise(w->fd, 0, 0, POSIX_FADV_DONTNEED));
        tell(reader, SEEK, at);
        tell(reader, READ, MIB);
        look(w);
    }
}

static void preads(World *w, const Worker *reader)
{
    go(w, reader, PREAD, 24 * MIB, 8 * MIB);
}

static bool is_file_of(uint64_t dev, uint64_t ino, void *userdata)
{
    const World *w = userdata;
    struct stat st;

    must(fstat(w->fd, &st));
    return dev == st.st_dev && ino == st.st_ino;
}

static void is_spared(World *w, const Worker *reader)
{
    w->options.spares = is_file_of;
    w->options.userdata = w;
    go(w, reader, READ, 24 * MIB, 2 * MIB);
}

static void has_no_budget(World *w, const Worker *reader)
{
    w->options.may_write = w->options.may_drop = 0;
    go(w, reader, READ, 24 * MIB, 2 * MIB);
}

/* Less than a folio, of which nothing would go. */
static void has_little_budget(World *w, const Worker *reader)
{
    w->options.may_drop = MIB;
    go(w, reader, READ, 24 * MIB, 2 * MIB);
}

/* Somebody else has it open, or mapped. */
static void beside(World *w, const Worker *reader, int what)
{
    Worker other = worker_new(&w->files, "f", O_RDONLY);

    show(w, &other, false);
    tell(&other, what, what == SEEK ? 0 : SIZE);
    go(w, reader, READ, 24 * MIB, 2 * MIB);
    worker_end(&other);
}

static void is_open_elsewhere(World *w, const Worker *reader)
{
    beside(w, reader, SEEK);
}

static void is_mapped_elsewhere(World *w, const Worker *reader)
{
    beside(w, reader, MAP);
}

/* A second process of the service, which has read nothing yet. */
static void is_read_twice(World *w, const Worker *reader)
{
    Worker other = worker_new(&w->files, "f", O_RDONLY);

    show(w, &other, true);
    go(w, reader, READ, 24 * MIB, 2 * MIB);
    worker_end(&other);
}

static void what_may_be_read_again_stays(void **state)
{
    expect_kept(seeks);
    expect_kept(skips);
    expect_kept(preads);
    expect_kept(is_spared);
    expect_kept(has_no_budget);
    expect_kept(has_little_budget);
    expect_kept(is_open_elsewhere);
    expect_kept(is_mapped_elsewhere);
    expect_kept(is_read_twice);
}

/* Reads on, and looks without telling who else has it, @after_usec after the last time. What was
 * dropped then. */
static uint64_t dropped_after(World *w, const Worker *reader, uint64_t after_usec)
{
    uint64_t before = w->sum.dropped;

    ahead_usec += after_usec;
    tell(reader, READ, 4 * MIB);
    look_once(w);
    return w->sum.dropped - before;
}

/* True when something was dropped whenever it was known that nobody else has it. */
static bool follow_with_pauses(void)
{
    CLEANUP_WORLD World w = world_new(SIZE);
    Worker reader = worker_new(&w.files, "f", O_RDONLY);

    show(&w, &reader, true);
    look(&w);
    go(&w, &reader, READ, 12 * MIB, 4 * MIB);
    bool dropped = w.sum.dropped > 0;
    /* Too old, and no less by the time at which it is told. */
    assert_int_equal(dropped_after(&w, &reader, 3600 * USEC_PER_SEC), 0);
    assert_true(look_once(&w).asks);
    OpenSet *others = others_of(&w);
    ahead_usec += 3600 * USEC_PER_SEC;
    follower_note_others(w.follower, others, 0);
    assert_int_equal(dropped_after(&w, &reader, 0), 0);

    /* What takes a second of a core to find out holds for 100. */
    follower_note_others(w.follower, others_of(&w), USEC_PER_SEC);
    dropped &= dropped_after(&w, &reader, 0) > 0;
    dropped &= dropped_after(&w, &reader, 60 * USEC_PER_SEC) > 0;
    assert_int_equal(dropped_after(&w, &reader, 60 * USEC_PER_SEC), 0);
    worker_end(&reader);
    return dropped;
}

static void who_else_has_it_is_not_believed_for_long(void **state)
{
    assert_true(in_one_of_some_tries(follow_with_pauses()));
}

/* What the follower asks of the kernel, which passes it on. Advice on dirty pages writes them. */
static uint64_t dirty_advised;
static unsigned n_writes;

int __real_posix_fadvise64(int fd, off_t begin, off_t length, int advice);
int __wrap_posix_fadvise64(int fd, off_t begin, off_t length, int advice);
int __real_sync_file_range(int fd, off_t begin, off_t length, unsigned flags);
int __wrap_sync_file_range(int fd, off_t begin, off_t length, unsigned flags);

int __wrap_posix_fadvise64(int fd, off_t begin, off_t length, int advice)
{
    Residency r;

    if (advice == POSIX_FADV_DONTNEED &&
        residency_of_range(fd, (uint64_t)begin, (uint64_t)length, &r) >= 0)
        dirty_advised += r.dirty;
    return __real_posix_fadvise64(fd, begin, length, advice);
}

int __wrap_sync_file_range(int fd, off_t begin, off_t length, unsigned flags)
{
    n_writes++;
    return __real_sync_file_range(fd, begin, length, flags);
}

/* True when we were who wrote and evicted. */
static bool follow_a_writer(void)
{
    CLEANUP_WORLD World w = world_new(MIB);
    Worker writer = worker_new(&w.files, "new", O_WRONLY);
    int fd = must(openat(w.files.fd, "new", O_RDONLY | O_CLOEXEC));

    memset(buffer, 'x', sizeof buffer);
    show(&w, &writer, true);
    tell(&writer, DUP, 0); /* shares the position */
    tell(&writer, WRITE, 4 * MIB);
    look(&w);
    go(&w, &writer, WRITE, 24 * MIB, 2 * MIB);
    for (int i = 0; i < 100 && w.sum.dropped < 12 * MIB; i++) { /* the disk takes its time */
        usleep(20000);
        tell(&writer, WRITE, MIB);
        look(&w);
    }
    bool ours = w.sum.written >= 12 * MIB && w.sum.dropped >= 12 * MIB;
    if (ours)
        assert_int_equal(resident(fd, 4 * MIB, 12 * MIB), 0);
    for (uint64_t at = 0; at < 24 * MIB; at += MIB) {
        char back[1];
        must(pread(fd, back, 1, (off_t)at));
        assert_int_equal(back[0], '\0'); /* the worker's buffer */
    }
    close(fd);
    worker_end(&writer);
    return ours;
}

static void what_is_written_goes_to_the_disk_first(void **state)
{
    assert_true(in_one_of_some_tries(follow_a_writer()));
}

static void what_is_dirty_stays_if_it_is_to(void **state)
{
    CLEANUP_WORLD World w = world_new(MIB);
    Worker writer = worker_new(&w.files, "new", O_WRONLY);
    int fd = must(openat(w.files.fd, "new", O_RDONLY | O_CLOEXEC));

    w.options.write_back = false;
    show(&w, &writer, true);
    tell(&writer, WRITE, 4 * MIB);
    look(&w);
    tell(&writer, WRITE, 4 * MIB);
    must(fsync(fd)); /* clean pages beside dirty ones */
    dirty_advised = 0;
    n_writes = 0;
    go(&w, &writer, WRITE, 20 * MIB, 2 * MIB);
    assert_int_equal(w.sum.written, 0);
    assert_int_equal(n_writes, 0);
    assert_int_equal(dirty_advised, 0);
    /* Written by somebody, it goes. */
    must(fsync(fd));
    go(&w, &writer, WRITE, 4 * MIB, 2 * MIB);
    assert_int_equal(resident(fd, 4 * MIB, 24 * MIB), 0);
    close(fd);
    worker_end(&writer);
}

static bool follow_over_a_truncation(void)
{
    CLEANUP_WORLD World w = world_new(SIZE);
    Worker writer = worker_new(&w.files, "f", O_RDWR);

    show(&w, &writer, true);
    look(&w);
    go(&w, &writer, READ, 16 * MIB, 2 * MIB);
    tell(&writer, TRUNCATE, 0);
    tell(&writer, SEEK, 0);
    look(&w); /* too small to be followed */
    uint64_t before = w.sum.dropped;
    tell(&writer, WRITE, 5 * MIB);
    look(&w);
    go(&w, &writer, WRITE, 16 * MIB, 2 * MIB);
    must(fsync(w.fd));
    go(&w, &writer, WRITE, 4 * MIB, 2 * MIB);
    bool dropped = w.sum.dropped > before;
    assert_int_equal(resident(w.fd, 5 * MIB, 16 * MIB), 0);
    worker_end(&writer);
    return dropped;
}

static void begins_anew_after_truncation(void **state)
{
    assert_true(in_one_of_some_tries(follow_over_a_truncation()));
}

/* As when the service has ended. False: there is more to do. */
static bool finish(World *w)
{
    cleanup(open_set_freep) OpenSet *others = others_of(w);
    FollowerOutcome out;
    bool done;

    CLEANUP_CLOSE int root_fd = must(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    w->options.root_fd = root_fd;
    assert_int_equal(follower_finish(w->follower, &w->options, others, &out, &done), 0);
    w->sum.dropped += out.dropped;
    w->sum.written += out.written;
    return done;
}

/* Of 32 MiB 27 were read, the last of them unseen, and another has a part further on. */
static World read_and_ended(void)
{
    World w = world_new(SIZE);
    Worker reader = worker_new(&w.files, "f", O_RDONLY);

    show(&w, &reader, true);
    look(&w);
    go(&w, &reader, READ, 24 * MIB, 2 * MIB);
    tell(&reader, READ, 3 * MIB);
    for (uint64_t at = 30 * MIB; at < 31 * MIB; at += sizeof buffer)
        assert_int_equal(pread(w.fd, buffer, sizeof buffer, (off_t)at), sizeof buffer);
    worker_end(&reader);
    return w;
}

static void at_the_end_the_rest_goes_too(void **state)
{
    CLEANUP_WORLD World w = read_and_ended();

    assert_true(resident(w.fd, 0, 27 * MIB) > 0);
    assert_true(finish(&w));
    assert_int_equal(resident(w.fd, 0, 27 * MIB), 0);
    assert_int_equal(resident(w.fd, 30 * MIB, 31 * MIB), MIB);
    assert_true(finish(&w)); /* and nothing is left to do */
    assert_int_equal(resident(w.fd, 30 * MIB, 31 * MIB), MIB);
}

/* Also when a look has seen before that it was closed. */
static void of_what_was_closed_before_the_end(void **state)
{
    CLEANUP_WORLD World w = read_and_ended();

    look(&w);
    look(&w);
    assert_true(finish(&w));
    assert_int_equal(resident(w.fd, 0, 27 * MIB), 0);
}

/* What is there of it long after that may be anybody's. */
static void not_of_what_was_closed_long_before(void **state)
{
    CLEANUP_WORLD World w = read_and_ended();

    look(&w);
    uint64_t left = resident(w.fd, 0, 27 * MIB);
    ahead_usec += 3600 * USEC_PER_SEC;
    assert_true(finish(&w));
    assert_int_equal(resident(w.fd, 0, 27 * MIB), left);
}

/* True when what others read once it was closed stayed, but for what may have been its own. */
static bool finish_what_others_read_on(void)
{
    const uint64_t position = 24 * MIB, end = position + STREAM_READ_ON + 16 * MIB;
    CLEANUP_WORLD World w = world_new(MIB);
    Worker reader = worker_new(&w.files, "f", O_RDONLY);

    must(ftruncate(w.fd, (off_t)end));
    show(&w, &reader, true);
    look(&w);
    go(&w, &reader, READ, position, 2 * MIB);
    worker_end(&reader);
    look(&w);
    for (uint64_t at = position; at < end; at += sizeof buffer)
        assert_int_equal(pread(w.fd, buffer, sizeof buffer, (off_t)at), sizeof buffer);
    finish(&w);
    finish(&w);
    assert_int_equal(resident(w.fd, position, position + STREAM_READ_ON), 0);
    return resident(w.fd, position + STREAM_READ_ON, end) == 16 * MIB;
}

static void not_what_others_read_on(void **state)
{
    assert_true(in_one_of_some_tries(finish_what_others_read_on()));
}

/* What was known of it before no longer counts. */
static void not_of_what_was_opened_again(void **state)
{
    CLEANUP_WORLD World w = read_and_ended();
    Worker again = worker_new(&w.files, "f", O_RDONLY);

    look(&w);
    uint64_t left = resident(w.fd, 0, 27 * MIB);
    show(&w, &again, true);
    look(&w);
    worker_end(&again);
    assert_true(finish(&w));
    assert_int_equal(resident(w.fd, 0, 27 * MIB), left);
}

static void not_if_others_have_it_by_then(void **state)
{
    CLEANUP_WORLD World w = read_and_ended();
    Worker other = worker_new(&w.files, "f", O_RDONLY);

    uint64_t left = resident(w.fd, 0, 27 * MIB);
    show(&w, &other, false);
    assert_true(finish(&w));
    assert_int_equal(resident(w.fd, 0, 27 * MIB), left);
    worker_end(&other);

    w.options.spares = is_file_of;
    w.options.userdata = &w;
    assert_true(finish(&w));
    assert_int_equal(resident(w.fd, 0, 27 * MIB), left);
}

/* What its disk has refused is the only good copy. */
static void not_if_its_disk_refused_it(void **state)
{
    CLEANUP_WORLD World w = read_and_ended();
    cleanup(barred_freep) Barred *barred = barred_new();

    assert_non_null(barred);
    uint64_t left = resident(w.fd, 0, 27 * MIB);
    w.options.barred = barred;
    barred_add(barred, w.fd);
    assert_true(finish(&w));
    assert_int_equal(resident(w.fd, 0, 27 * MIB), left);
}

/* It is known by name only. */
static void not_of_another_file_of_that_name(void **state)
{
    CLEANUP_WORLD World w = read_and_ended();

    uint64_t left = resident(w.fd, 0, 27 * MIB);
    must(renameat(w.files.fd, "f", w.files.fd, "g"));
    assert_true(finish(&w));
    CLEANUP_CLOSE int other = make_file(&w.files, "f", SIZE);
    must(fsync(other));
    assert_true(finish(&w));
    must(unlinkat(w.files.fd, "f", 0));
    must(symlinkat("g", w.files.fd, "f"));
    assert_true(finish(&w));
    assert_int_equal(resident(w.fd, 0, 27 * MIB), left);
    assert_int_equal(resident(other, 0, SIZE), SIZE);
}

/* Which takes as long as its disk does. */
static void what_it_wrote_last_goes_once_it_is_written(void **state)
{
    CLEANUP_WORLD World w = world_new(SIZE);
    Worker writer = worker_new(&w.files, "f", O_WRONLY | O_TRUNC);
    unsigned tries = 0;

    show(&w, &writer, true);
    go(&w, &writer, WRITE, 24 * MIB, 2 * MIB);
    tell(&writer, WRITE, 3 * MIB);
    worker_end(&writer);
    while (!finish(&w) && tries++ < 600)
        usleep(100000);
    assert_true(tries < 600);
    /* Before it was large enough to be followed. */
    assert_int_equal(resident(w.fd, STREAM_STEP, 27 * MIB), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_disk_refused_stays),
        cmocka_unit_test(what_was_read_goes),
        cmocka_unit_test(what_was_in_memory_before_stays),
        cmocka_unit_test(what_was_in_memory_far_ahead_stays),
        cmocka_unit_test(what_may_be_read_again_stays),
        cmocka_unit_test(who_else_has_it_is_not_believed_for_long),
        cmocka_unit_test(what_is_written_goes_to_the_disk_first),
        cmocka_unit_test(what_is_dirty_stays_if_it_is_to),
        cmocka_unit_test(at_the_end_the_rest_goes_too),
        cmocka_unit_test(of_what_was_closed_before_the_end),
        cmocka_unit_test(not_of_what_was_closed_long_before),
        cmocka_unit_test(not_what_others_read_on),
        cmocka_unit_test(not_of_what_was_opened_again),
        cmocka_unit_test(not_if_others_have_it_by_then),
        cmocka_unit_test(not_if_its_disk_refused_it),
        cmocka_unit_test(not_of_another_file_of_that_name),
        cmocka_unit_test(what_it_wrote_last_goes_once_it_is_written),
        cmocka_unit_test(begins_anew_after_truncation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
