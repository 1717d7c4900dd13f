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
    assert_int_equal(ask_hello(c).pid, h.pid); /* the socket is there before its program is */
    uint64_t own = own_memory_locked(h.pid);
    assert_in_range(own, 256 * KIB, 16 * MIB);
    assert_int_equal(ask_open(c, file, 64 * MIB).error, 0);
    assert_int_equal(locked_in_all(h.pid), 0);
    assert_int_equal(mapped_of(h.pid, &st).rss, 0);
    assert_int_equal(own_memory_locked(h.pid), own);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_who_it_is),
        cmocka_unit_test(the_next_controller_takes_the_place_of_the_first),
        cmocka_unit_test(a_controller_that_does_not_read_is_hung_up_on),
        cmocka_unit_test(other_users_are_not_heard),
        cmocka_unit_test(without_descriptors_it_waits),
        cmocka_unit_test(too_much_at_once_is_refused),
        cmocka_unit_test(it_takes_the_score_it_is_told),
        cmocka_unit_test(its_own_memory_is_locked),
        cmocka_unit_test(nonsense_ends_the_connection),
        cmocka_unit_test(no_descriptor_is_kept),
        cmocka_unit_test(a_burst_is_answered_in_order),
        cmocka_unit_test(it_is_not_run_by_hand),
        cmocka_unit_test(without_its_socket_it_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
