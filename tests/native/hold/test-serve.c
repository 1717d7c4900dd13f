/* SPDX-License-Identifier: MIT */
#include <sys/resource.h>
#include <time.h>

#include "native/hold/holder.h"

static void it_says_who_it_is(void **state)
{
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);

    HoldHeader header = ask_hello(c);
    assert_int_equal(header.pid, h.pid);
    assert_int_equal(header.version, HOLD_VERSION);
    assert_int_equal(ask_list(c, NULL, 0), 0);
    /* stdin, stdout, stderr and the connection. */
    assert_int_equal(count_descriptors(h.pid), 4);
}

static void a_file_from_opening_to_release(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);
    CLEANUP_CLOSE int file = make_file(&scratch, "f", 3 * MIB);
    HoldItem item;
    struct stat st;

    must(fstat(file, &st));
    HoldItem m = ask_open(c, file, 3 * MIB);
    assert_int_equal(m.error, 0);
    assert_true(m.dev == st.st_dev && m.ino == st.st_ino);
    assert_int_equal(m.length, 3 * MIB);
    assert_int_equal(m.locked, 0);
    assert_int_equal(locked_in_all(h.pid), 0);

    m = ask_lock(c, &st, 2 * MIB);
    assert_int_equal(m.error, 0);
    assert_true(m.dev == st.st_dev && m.ino == st.st_ino);
    assert_int_equal(m.length, 3 * MIB);
    assert_int_equal(m.locked, 2 * MIB);
    assert_int_equal(locked_in_all(h.pid), 2 * MIB);
    assert_int_equal(mapped_of(h.pid, &st).locked, 2 * MIB);

    assert_int_equal(ask_list(c, &item, 1), 1);
    assert_true(item.dev == st.st_dev && item.ino == st.st_ino);
    assert_int_equal(item.length, 3 * MIB);
    assert_int_equal(item.locked, 2 * MIB);

    m = ask_release(c, &st);
    assert_int_equal(m.error, 0);
    assert_true(m.dev == st.st_dev && m.ino == st.st_ino);
    assert_int_equal(ask_list(c, NULL, 0), 0);
    assert_int_equal(locked_in_all(h.pid), 0);
    assert_int_equal(mapped_of(h.pid, &st).n, 0);
}

/* A file of 2 MiB, half of it locked. */
static struct stat pin_half(const Scratch *scratch, int c, const char *name)
{
    CLEANUP_CLOSE int file = make_file(scratch, name, 2 * MIB);
    struct stat st;

    must(fstat(file, &st));
    assert_int_equal(ask_open(c, file, 2 * MIB).error, 0);
    assert_int_equal(ask_lock(c, &st, MIB).locked, MIB);
    return st;
}

static void assert_holds_half(const Holder *h, const struct stat *st)
{
    assert_int_equal(locked_in_all(h->pid), MIB);
    assert_int_equal(mapped_of(h->pid, st).locked, MIB);
}

static void pins_outlive_the_connection(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int first = holder_connect(&h);
    HoldItem items[2];

    struct stat st = pin_half(&scratch, first, "f");
    first = safe_close(first);
    CLEANUP_CLOSE int second = holder_connect(&h);
    assert_int_equal(ask_hello(second).pid, h.pid);
    assert_holds_half(&h, &st);
    assert_int_equal(ask_list(second, items, 2), 1);
    assert_int_equal(items[0].ino, st.st_ino);
    assert_int_equal(items[0].locked, MIB);
    /* It goes on from there. */
    assert_int_equal(ask_lock(second, &st, 16 * MIB).locked, 2 * MIB);
    assert_int_equal(locked_in_all(h.pid), 2 * MIB);
}

static uint64_t wall_clock(void)
{
    struct timespec now;

    must(clock_gettime(CLOCK_REALTIME, &now));
    return (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / NSEC_PER_USEC;
}

/* Since it was opened first, whatever is done with it later. */
static void it_knows_since_when(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int fd = holder_connect(&h);
    CLEANUP_CLOSE int file = make_file(&scratch, "f", 8 * 4096);
    struct stat st;
    HoldItem listed;

    must(fstat(file, &st));
    uint64_t before = wall_clock(), since = ask_open(fd, file, 4096).since;
    assert_in_range(since, before, wall_clock());
    assert_int_equal(ask_open(fd, file, 8 * 4096).since, since);
    assert_int_equal(ask_lock(fd, &st, 4096).since, since);
    assert_int_equal(ask_list(fd, &listed, 1), 1);
    assert_int_equal(listed.since, since);
    assert_int_equal(ask_release(fd, &st).since, 0);
    assert_true(ask_open(fd, file, 4096).since > since);
}

static void the_next_controller_takes_the_place_of_the_first(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int first = holder_connect(&h);

    struct stat st = pin_half(&scratch, first, "f");
    CLEANUP_CLOSE int second = holder_connect(&h);
    assert_int_equal(ask_hello(second).pid, h.pid);
    assert_hung_up(first);
    assert_int_equal(hold_send(first, &(HoldPacket){ .header.type = HOLD_LIST }, NULL, 0), -EPIPE);
    assert_int_equal(ask_list(second, NULL, 0), 1);
    assert_holds_half(&h, &st);
    assert_int_equal(count_descriptors(h.pid), 4);
}

static void a_controller_that_does_not_read_is_hung_up_on(void **state)
{
    enum { FILES = 8000 };
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int first = holder_connect(&h);
    HoldPacket m = { 0 };

    for (unsigned i = 0; i < FILES; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%u", i);
        CLEANUP_CLOSE int file = make_file(&scratch, name, 1);
        assert_int_equal(ask_open(first, file, 1).error, 0);
    }
    /* More than a socket holds, and nobody takes it out. */
    assert_int_equal(hold_send(first, &(HoldPacket){ .header.type = HOLD_LIST }, NULL, 0), 0);
    CLEANUP_CLOSE int second = holder_connect(&h);
    assert_int_equal(hold_send(second, &(HoldPacket){ .header.type = HOLD_HELLO }, NULL, 0), 0);
    /* After its 5 s of patience; it has no more for the answer that would end the list. */
    assert_true(comes_within(second, ANSWER_MS));
    assert_int_equal(hold_receive(second, &m, NULL), 1);
    assert_int_equal(m.header.pid, h.pid);
    assert_int_equal(ask_list(second, NULL, 0), FILES);
}

static void other_users_are_not_heard(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);

    struct stat st = pin_half(&scratch, c, "f");
    fflush(NULL);
    pid_t pid = must(fork());
    if (pid == 0) {
        HoldPacket m;
        must(setgid(65534));
        must(setuid(65534));
        for (int i = 0; i < 3; i++) {
            int fd = holder_connect(&h);
            check(try_ask(fd, HOLD_RELEASE, item_of(&st), -1, &m) < 0);
            check(try_ask(fd, HOLD_HELLO, (HoldItem){ 0 }, -1, &m) < 0);
            close(fd);
        }
        _exit(0);
    }
    int status;
    must(waitpid(pid, &status, 0));
    assert_int_equal(status, 0);
    /* And they do not push out the one who is served. */
    assert_int_equal(ask_list(c, NULL, 0), 1);
    assert_holds_half(&h, &st);
    assert_int_equal(count_descriptors(h.pid), 4);
}

/* Of the process, in milliseconds. */
static uint64_t cpu_ms(pid_t pid)
{
    struct timespec used;
    clockid_t clock;

    assert_int_equal(clock_getcpuclockid(pid, &clock), 0);
    must(clock_gettime(clock, &used));
    return (uint64_t)used.tv_sec * 1000 + (uint64_t)used.tv_nsec / 1000000;
}

static void without_descriptors_it_waits(void **state)
{
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int first = holder_connect(&h);
    struct rlimit usual, four;
    HoldPacket answer;

    assert_int_equal(ask_list(first, NULL, 0), 0);
    must(prlimit(h.pid, RLIMIT_NOFILE, NULL, &usual));
    four = (struct rlimit){ .rlim_cur = 4, .rlim_max = usual.rlim_max };
    must(prlimit(h.pid, RLIMIT_NOFILE, &four, NULL));
    CLEANUP_CLOSE int second = holder_connect(&h);
    uint64_t before = cpu_ms(h.pid);
    assert_int_equal(hold_send(second, &(HoldPacket){ .header.type = HOLD_HELLO }, NULL, 0), 0);
    assert_false(comes_within(second, 1200));
    assert_in_range(cpu_ms(h.pid) - before, 0, 200);
    /* Who is served already still is. */
    assert_int_equal(ask_hello(first).pid, h.pid);

    must(prlimit(h.pid, RLIMIT_NOFILE, &usual, NULL));
    assert_true(comes_within(second, ANSWER_MS));
    assert_int_equal(hold_receive(second, &answer, NULL), 1);
    assert_int_equal(answer.header.pid, h.pid);
    assert_hung_up(first);
}

static void too_much_at_once_is_refused(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);
    CLEANUP_CLOSE int file = make_file(&scratch, "f", 20 * MIB);
    struct stat st;

    must(fstat(file, &st));
    assert_int_equal(ask_open(c, file, 20 * MIB).error, 0);
    assert_int_equal(ask_lock(c, &st, HOLD_SLICE_MAX + 1).error, -E2BIG);
    assert_int_equal(ask_lock(c, &st, UINT64_MAX).error, -E2BIG);
    assert_int_equal(locked_in_all(h.pid), 0);
    assert_int_equal(ask_lock(c, &st, HOLD_SLICE_MAX).locked, 16 * MIB);
    assert_int_equal(locked_in_all(h.pid), 16 * MIB);
}

static int score_of(int pid)
{
    char path[64];
    int score;

    snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &score), 1);
    fclose(file);
    return score;
}

static int ask_score(int c, int score)
{
    HoldPacket packet = { .header = { .type = HOLD_SCORE, .score = score } };
    HoldPacket answer = { 0 };

    assert_int_equal(try_ask_packet(c, &packet, NULL, 0, &answer), 0);
    assert_int_equal(answer.header.type, HOLD_DONE);
    assert_int_equal(answer.header.n_items, 0);
    return answer.header.error;
}

static void it_takes_the_score_it_is_told(void **state)
{
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);
    int lowest = score_of(h.pid);

    assert_int_equal(ask_score(c, 700), 0);
    assert_int_equal(score_of(h.pid), 700);
    assert_int_equal(ask_score(c, lowest), 0);
    assert_int_equal(score_of(h.pid), lowest);
    assert_int_equal(ask_score(c, 1001), -EINVAL);
    assert_int_equal(score_of(h.pid), lowest);
}

/* Its program and its data; and what it maps later is not read by that. */
static void its_own_memory_is_locked(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);
    CLEANUP_CLOSE int file = make_file(&scratch, "f", 64 * MIB);
    struct stat st;

    must(fstat(file, &st));
    uint64_t own = own_memory_locked(h.pid);
    assert_in_range(own, 256 * KIB, 16 * MIB);
    assert_int_equal(ask_open(c, file, 64 * MIB).error, 0);
    assert_int_equal(locked_in_all(h.pid), 0);
    assert_int_equal(mapped_of(h.pid, &st).rss, 0);
    assert_int_equal(own_memory_locked(h.pid), own);
}

static void what_cannot_be_done_is_answered(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);
    CLEANUP_CLOSE int file = make_file(&scratch, "g", 100);
    const struct {
        unsigned type;
        HoldItem item;
        int file;
        int expected;
    } cases[] = {
        { 0, { 0 }, -1, -EPROTO },
        { HOLD_SCORE + 1, { 0 }, -1, -EPROTO },
        { HOLD_ITEMS, { 0 }, -1, -EPROTO },
        { HOLD_DONE, { 0 }, -1, -EPROTO },
        { HOLD_GONE, { 0 }, -1, -EPROTO },
        { UINT16_MAX, { 0 }, -1, -EPROTO },
        { HOLD_PIN, { .length = 100 }, -1, -ENOENT },
        { HOLD_PIN, { .length = 100, .lock = HOLD_LOCK_NONE }, -1, -EBADF },
        { HOLD_PIN, { .length = 101 }, file, -EINVAL },
        { HOLD_PIN, { .length = 0 }, file, -EINVAL },
        { HOLD_PIN, { .length = UINT64_MAX }, file, -EINVAL },
        { HOLD_PIN, { .length = 1, .offset = 1 }, file, -EINVAL },
        { HOLD_PIN, { .length = 1, .offset = 4096 }, file, -EINVAL },
        { HOLD_PIN, { .length = 1, .offset = UINT64_MAX }, file, -EINVAL },
        { HOLD_PIN, { .length = 1, .lock = HOLD_LOCK_NONE + 1 }, file, -EINVAL },
        { HOLD_PIN, { .length = 101, .lock = HOLD_LOCK_NONE }, file, -EINVAL },
        { HOLD_PIN, { .length = 1, .offset = 1, .lock = HOLD_LOCK_NONE }, file, -EINVAL },
        { HOLD_PIN, { .length = 1 }, scratch.fd, -EINVAL },
        { HOLD_PIN, { .length = 1 }, c, -EINVAL },
        { HOLD_PIN, { .dev = 1, .ino = 2, .locked = 4096 }, -1, -ENOENT },
        { HOLD_REFRESH, { .dev = 1, .ino = 2 }, -1, -ENOENT },
        { HOLD_RELEASE, { .dev = 1, .ino = 2 }, -1, -ENOENT },
        { HOLD_RELEASE, { .dev = UINT64_MAX, .ino = UINT64_MAX }, -1, -ENOENT },
        /* A descriptor that nobody asked for. */
        { HOLD_RELEASE, { 0 }, file, -ENOENT },
    };

    struct stat st = pin_half(&scratch, c, "f");
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        HoldItem m = ask(c, (HoldType)cases[i].type, cases[i].item, cases[i].file);
        if (m.error != cases[i].expected || m.locked != 0)
            fail_msg("case %zu: %d", i, m.error);
    }
    assert_int_equal(ask_list(c, NULL, 0), 1);
    assert_holds_half(&h, &st);
    assert_int_equal(count_descriptors(h.pid), 4);
}

/* Truncated and filled while it is mapped, locked, locked again and let go, in either way: whatever
 * the answers, the holder lives, and in the end holds all of it. */
static void truncated_at_any_moment(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);
    CLEANUP_CLOSE int file = make_file(&scratch, "f", 4 * MIB);
    struct stat st;
    unsigned failed = 0;

    must(fstat(file, &st));
    pid_t writer = must(fork());
    for (unsigned i = 0; writer == 0; i++)
        if (ftruncate(file, (off_t)(i % 3 * 4096)) < 0 || ftruncate(file, (off_t)(4 * MIB)) < 0)
            _exit(1);
    for (unsigned i = 0; i < 500; i++) {
        HoldItem item = { .length = 4 * MIB, .lock = i % 2 ? HOLD_LOCK_ON_FAULT : HOLD_LOCK_NOW };
        HoldItem resident = item_of(&st);
        failed += ask(c, HOLD_PIN, item, file).error < 0;
        resident.length = resident.locked = 4 * MIB;
        resident.lock = item.lock;
        failed += ask(c, HOLD_PIN, resident, -1).error < 0;
        failed += ask(c, HOLD_REFRESH, item_of(&st), -1).error < 0;
        item.lock = HOLD_LOCK_NONE;
        failed += ask(c, HOLD_PIN, item, file).error < 0;
        (void)ask_release(c, &st);
    }
    must(kill(writer, SIGKILL));
    must(waitpid(writer, NULL, 0));
    assert_true(failed > 0);
    must(ftruncate(file, (off_t)(4 * MIB)));
    assert_int_equal(ask_open(c, file, 4 * MIB).error, 0);
    assert_int_equal(ask_lock(c, &st, 4 * MIB).locked, 4 * MIB);
    assert_int_equal(mapped_of(h.pid, &st).locked, 4 * MIB);
    assert_int_equal(ask_hello(c).pid, h.pid);
}

static void a_truncated_file_is_told_with_what_holds(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);
    CLEANUP_CLOSE int file = make_file(&scratch, "f", 4 * MIB);
    struct stat st;

    must(fstat(file, &st));
    assert_int_equal(ask_open(c, file, 4 * MIB).error, 0);
    assert_int_equal(ask_lock(c, &st, MIB).locked, MIB);
    must(ftruncate(file, (off_t)(2 * MIB)));
    HoldItem m = ask_lock(c, &st, 3 * MIB);
    assert_int_equal(m.error, -EFAULT);
    assert_int_equal(m.locked, MIB);
    assert_int_equal(locked_in_all(h.pid), MIB);
}

static void a_rewritten_file_is_locked_again(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);
    CLEANUP_CLOSE int file = make_file(&scratch, "f", 4 * MIB);
    struct stat st;

    must(fstat(file, &st));
    assert_int_equal(ask_open(c, file, 4 * MIB).error, 0);
    assert_int_equal(ask_lock(c, &st, 3 * MIB).locked, 3 * MIB);
    must(ftruncate(file, 0));
    must(ftruncate(file, (off_t)(4 * MIB)));
    assert_int_equal(mapped_of(h.pid, &st).locked, 0);
    HoldItem m = ask(c, HOLD_REFRESH, item_of(&st), -1);
    assert_int_equal(m.error, 0);
    assert_int_equal(m.locked, 3 * MIB);
    assert_int_equal(mapped_of(h.pid, &st).locked, 3 * MIB);
    assert_int_equal(locked_in_all(h.pid), 3 * MIB);
}

/* Each is reason to hang up; the pins stay, and the next one is served. */
static void nonsense_ends_the_connection(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    int c = holder_connect(&h);
    char bytes[sizeof(HoldPacket) + 1] = { 0 };
    HoldHeader good = { .version = HOLD_VERSION, .type = HOLD_LIST };
    HoldHeader many = { .version = HOLD_VERSION, .type = HOLD_LIST, .n_items = 1 };
    HoldHeader old = { .version = HOLD_VERSION - 1, .type = HOLD_LIST };
    int fds[8] = { 0 };
    const struct {
        const void *bytes;
        size_t size, n_fds;
    } cases[] = {
        { bytes, 0, 0 },
        { bytes, 1, 0 },
        { bytes, sizeof(good), 0 },
        { &many, sizeof(many), 0 },
        { &good, sizeof(good) - 1, 0 },
        { bytes, sizeof(bytes), 0 },
        { &old, sizeof(old), 0 },
        { &good, sizeof(good), 2 },
        { &good, sizeof(good), 8 },
        { bytes, 0, 1 },
        { bytes, 1, 5 },
    };

    struct stat st = pin_half(&scratch, c, "f");
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        close(c);
        c = holder_connect(&h);
        assert_int_equal(send_raw(c, cases[i].bytes, cases[i].size, fds, cases[i].n_fds), 0);
        assert_hung_up(c);
    }
    close(c);
    c = holder_connect(&h);
    assert_int_equal(ask_list(c, NULL, 0), 1);
    assert_holds_half(&h, &st);
    assert_int_equal(count_descriptors(h.pid), 4);
    close(c);
}

static void no_descriptor_is_kept(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);

    for (unsigned i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%u", i);
        CLEANUP_CLOSE int file = make_file(&scratch, name, 5000);
        struct stat st;
        must(fstat(file, &st));
        assert_int_equal(ask_open(c, file, i % 3 ? 5000 : 5001).error, i % 3 ? 0 : -EINVAL);
        assert_int_equal(ask_lock(c, &st, 8192).error, i % 3 ? 0 : -ENOENT);
        if (i % 2)
            assert_int_equal(ask_release(c, &st).error, i % 3 ? 0 : -ENOENT);
    }
    assert_int_equal(count_descriptors(h.pid), 4);
    assert_int_equal(ask_list(c, NULL, 0), 100);
    assert_int_equal(locked_in_all(h.pid), 100 * 8192);
}

static void a_burst_is_answered_in_order(void **state)
{
    CLEANUP_SCRATCH Scratch scratch = scratch_new(SCRATCH_PARENT);
    CLEANUP_HOLDER Holder h = holder_start(-1);
    CLEANUP_CLOSE int c = holder_connect(&h);
    CLEANUP_CLOSE int file = make_file(&scratch, "f", 64 * 4096);
    HoldPacket m;
    struct stat st;

    must(fstat(file, &st));
    m = a_request(HOLD_PIN, (HoldItem){ .length = 64 * 4096 }, file);
    assert_int_equal(hold_send(c, &m, &file, 1), 0);
    m = a_request(HOLD_PIN, item_of(&st), -1);
    m.items[0].locked = 4096;
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(hold_send(c, &m, NULL, 0), 0);
    for (unsigned i = 0; i <= 64; i++) {
        assert_true(comes_within(c, ANSWER_MS));
        assert_int_equal(hold_receive(c, &m, NULL), 1);
        assert_int_equal(m.items[0].locked, i * 4096);
    }
}

/* Runs the program with that standard input; its exit status and what it says. */
static int run_program(int input, const char *argument, char *text, size_t size)
{
    char *argv[] = { (char *)"pagewarden-hold", (char *)argument, NULL };
    int output[2], status;

    must(pipe2(output, O_CLOEXEC));
    pid_t pid = spawn_holder(input, output[1], argv);
    close(output[1]);
    size_t n = 0;
    for (ssize_t r; (r = must(read(output[0], text + n, size - 1 - n))) > 0;)
        n += (size_t)r;
    text[n] = '\0';
    close(output[0]);
    must(waitpid(pid, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void it_is_not_run_by_hand(void **state)
{
    CLEANUP_CLOSE int null = must(open("/dev/null", O_RDWR | O_CLOEXEC));
    CLEANUP_CLOSE int deaf = must(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    CLEANUP_CLOSE int stream = must(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    struct sockaddr_un any = { .sun_family = AF_UNIX };
    char text[4096];

    must(bind(stream, (struct sockaddr *)&any, sizeof(sa_family_t)));
    must(listen(stream, 1));
    const int inputs[] = { null, deaf, stream };
    for (size_t i = 0; i < ELEMENTS(inputs); i++) {
        assert_int_equal(run_program(inputs[i], NULL, text, sizeof(text)), 2);
        assert_non_null(strstr(text, "standard input is not a listening socket"));
    }
    assert_int_equal(run_program(null, "--nonsense", text, sizeof(text)), 2);
    assert_non_null(strstr(text, "Usage: pagewarden-hold"));
    assert_int_equal(run_program(null, "--help", text, sizeof(text)), 0);
    assert_non_null(strstr(text, "Usage: pagewarden-hold"));
    assert_int_equal(run_program(null, "--version", text, sizeof(text)), 0);
    assert_int_equal(strncmp(text, "pagewarden-hold ", 16), 0);
}

static void without_its_socket_it_ends(void **state)
{
    char *argv[] = { (char *)"pagewarden-hold", NULL };
    Holder h;
    int output[2], status;
    char text[256] = "";

    must(pipe2(output, O_CLOEXEC));
    int fd = listening_socket(&h);
    h.pid = spawn_holder(fd, output[1], argv);
    close(output[1]);
    CLEANUP_CLOSE int c = holder_connect(&h);
    assert_int_equal(ask_hello(c).pid, h.pid);
    must(shutdown(fd, SHUT_RDWR));
    must(waitpid(h.pid, &status, 0));
    assert_int_equal(status, 1 << 8);
    must(read(output[0], text, sizeof(text) - 1));
    assert_string_equal(text, "pagewarden-hold: Invalid argument\n");
    close(output[0]);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_who_it_is),
        cmocka_unit_test(a_file_from_opening_to_release),
        cmocka_unit_test(pins_outlive_the_connection),
        cmocka_unit_test(it_knows_since_when),
        cmocka_unit_test(the_next_controller_takes_the_place_of_the_first),
        cmocka_unit_test(a_controller_that_does_not_read_is_hung_up_on),
        cmocka_unit_test(other_users_are_not_heard),
        cmocka_unit_test(without_descriptors_it_waits),
        cmocka_unit_test(too_much_at_once_is_refused),
        cmocka_unit_test(what_cannot_be_done_is_answered),
        cmocka_unit_test(it_takes_the_score_it_is_told),
        cmocka_unit_test(its_own_memory_is_locked),
        cmocka_unit_test(truncated_at_any_moment),
        cmocka_unit_test(a_truncated_file_is_told_with_what_holds),
        cmocka_unit_test(a_rewritten_file_is_locked_again),
        cmocka_unit_test(nonsense_ends_the_connection),
        cmocka_unit_test(no_descriptor_is_kept),
        cmocka_unit_test(a_burst_is_answered_in_order),
        cmocka_unit_test(it_is_not_run_by_hand),
        cmocka_unit_test(without_its_socket_it_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
