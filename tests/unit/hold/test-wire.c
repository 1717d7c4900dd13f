/* SPDX-License-Identifier: MIT */
#include "hold/wire.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "unit/hold/descriptors.h"
#include "unit/test.h"

typedef struct Pair {
    int a, b;
} Pair;

static Pair a_pair(int flags)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0, fds), 0);
    return (Pair){ fds[0], fds[1] };
}

static void pair_done(Pair *pair)
{
    safe_close(pair->a);
    safe_close(pair->b);
}

#define CLEANUP_PAIR cleanup(pair_done)

static int a_file(void)
{
    int fd = memfd_create("wire", MFD_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static const HoldMessage message = {
    .version = HOLD_VERSION,
    .type = HOLD_OPEN,
    .error = -ENOENT,
    .dev = UINT64_MAX,
    .ino = UINT64_C(0x0123456789abcdef),
    .length = 1,
    .locked = UINT64_MAX - 1,
};

/* What hold_receive() must leave as it is when it takes nothing. */
static void assert_refused(int fd, bool descriptors, int expected)
{
    HoldMessage before, m;
    int received = -42;

    memset(&before, 0xa5, sizeof(before));
    m = before;
    assert_int_equal(hold_receive(fd, &m, descriptors ? &received : NULL), expected);
    assert_memory_equal(&m, &before, sizeof(m));
    assert_int_equal(received, -42);
}

static void a_message_arrives_as_it_was(void **state)
{
    CLEANUP_PAIR Pair pair = a_pair(0);
    HoldMessage sent = message, m;
    int fd = -42;

    /* Whatever the caller says of the version, it is this one. */
    sent.version = 77;
    assert_int_equal(hold_send(pair.a, &sent, -1), 0);
    assert_int_equal(sent.version, 77);
    assert_int_equal(hold_receive(pair.b, &m, &fd), 1);
    assert_memory_equal(&m, &message, sizeof(m));
    assert_int_equal(fd, -1);

    /* Both ways, and where no descriptor is asked for. */
    assert_int_equal(hold_send(pair.b, &sent, -1), 0);
    assert_int_equal(hold_receive(pair.a, &m, NULL), 1);
    assert_memory_equal(&m, &message, sizeof(m));
}

static void the_layout_is_fixed(void **state)
{
    /* A controller and a holder of different builds talk to each other after an upgrade. */
    assert_int_equal(sizeof(HoldMessage), 40);
    assert_int_equal(offsetof(HoldMessage, type), 2);
    assert_int_equal(offsetof(HoldMessage, error), 4);
    assert_int_equal(offsetof(HoldMessage, dev), 8);
    assert_int_equal(offsetof(HoldMessage, ino), 16);
    assert_int_equal(offsetof(HoldMessage, length), 24);
    assert_int_equal(offsetof(HoldMessage, locked), 32);
    assert_int_equal(HOLD_VERSION, 1);
    assert_int_equal(HOLD_OPEN, 3);
    assert_int_equal(HOLD_DONE, 65);
}

static void messages_keep_their_order(void **state)
{
    CLEANUP_PAIR Pair pair = a_pair(0);
    HoldMessage m = { .type = HOLD_ITEM };

    for (m.ino = 0; m.ino < 50; m.ino++)
        assert_int_equal(hold_send(pair.a, &m, -1), 0);
    for (uint64_t i = 0; i < 50; i++) {
        assert_int_equal(hold_receive(pair.b, &m, NULL), 1);
        assert_int_equal(m.ino, i);
    }
}

static void a_descriptor_is_passed(void **state)
{
    CLEANUP_PAIR Pair pair = a_pair(0);
    CLEANUP_CLOSE int file = a_file();
    struct stat before, after;
    HoldMessage m;
    int fd = -1;

    assert_int_equal(hold_send(pair.a, &message, file), 0);
    assert_int_equal(hold_receive(pair.b, &m, &fd), 1);
    assert_int_equal(m.type, HOLD_OPEN);
    assert_true(fd >= 0 && fd != file);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(fstat(file, &before), 0);
    assert_int_equal(fstat(fd, &after), 0);
    assert_true(before.st_ino == after.st_ino && before.st_dev == after.st_dev);
    /* The sender's is still the sender's. */
    assert_true(fcntl(file, F_GETFD) >= 0);
    safe_close(fd);
}

static void surplus_descriptors_are_closed(void **state)
{
    CLEANUP_PAIR Pair pair = a_pair(0);
    CLEANUP_CLOSE int file = a_file();
    int fds[64];
    size_t before = count_descriptors(0);

    for (size_t i = 0; i < ELEMENTS(fds); i++)
        fds[i] = file;
    for (size_t n = 1; n <= ELEMENTS(fds); n++) {
        /* Where none is wanted, one is too many. */
        assert_int_equal(send_raw(pair.a, &message, sizeof(message), fds, n), 0);
        assert_refused(pair.b, n > 1, -EPROTO);
        assert_int_equal(count_descriptors(0), before);
    }
    /* The connection goes on all the same. */
    HoldMessage m;
    assert_int_equal(hold_send(pair.a, &message, -1), 0);
    assert_int_equal(hold_receive(pair.b, &m, NULL), 1);
}

static void other_sizes_are_refused(void **state)
{
    CLEANUP_PAIR Pair pair = a_pair(0);
    CLEANUP_CLOSE int file = a_file();
    char bytes[4 * sizeof(HoldMessage)] = { 0 };
    size_t before = count_descriptors(0);

    memcpy(bytes, &message, sizeof(message));
    for (size_t size = 1; size <= sizeof(bytes); size++) {
        if (size == sizeof(message))
            continue;
        assert_int_equal(send_raw(pair.a, bytes, size, &file, size % 2), 0);
        assert_refused(pair.b, true, -EPROTO);
    }
    assert_int_equal(count_descriptors(0), before);
}

static void an_empty_packet_is_no_message(void **state)
{
    CLEANUP_PAIR Pair pair = a_pair(0);
    CLEANUP_CLOSE int file = a_file();
    size_t before = count_descriptors(0);

    assert_int_equal(send_raw(pair.a, "", 0, &file, 1), 0);
    assert_refused(pair.b, true, -EPROTO);
    /* It looks like the end, and it is as good a reason to hang up. */
    assert_int_equal(send_raw(pair.a, "", 0, NULL, 0), 0);
    assert_refused(pair.b, true, 0);
    assert_int_equal(count_descriptors(0), before);
}

static void other_versions_are_refused(void **state)
{
    CLEANUP_PAIR Pair pair = a_pair(0);
    static const uint16_t versions[] = { 0, HOLD_VERSION + 1, HOLD_VERSION << 8, UINT16_MAX };

    for (size_t i = 0; i < ELEMENTS(versions); i++) {
        HoldMessage m = message;
        m.version = versions[i];
        assert_int_equal(send_raw(pair.a, &m, sizeof(m), NULL, 0), 0);
        assert_refused(pair.b, true, -EPROTO);
    }
}

static void the_other_end_is_gone(void **state)
{
    CLEANUP_PAIR Pair pair = a_pair(0);
    HoldMessage m;

    /* What was sent before is still there. */
    assert_int_equal(hold_send(pair.a, &message, -1), 0);
    pair.a = safe_close(pair.a);
    assert_int_equal(hold_receive(pair.b, &m, NULL), 1);
    assert_refused(pair.b, true, 0);
    /* No SIGPIPE. */
    assert_int_equal(hold_send(pair.b, &message, -1), -EPIPE);
}

static void unread_messages_reset_the_connection(void **state)
{
    CLEANUP_PAIR Pair pair = a_pair(0);

    assert_int_equal(hold_send(pair.b, &message, -1), 0);
    pair.a = safe_close(pair.a);
    assert_refused(pair.b, true, -ECONNRESET);
}

static void without_blocking(void **state)
{
    CLEANUP_PAIR Pair pair = a_pair(SOCK_NONBLOCK);
    HoldMessage m;
    int r = 0, sent = 0;

    assert_refused(pair.b, true, -EAGAIN);
    while ((r = hold_send(pair.a, &message, -1)) == 0)
        sent++;
    assert_int_equal(r, -EAGAIN);
    assert_true(sent > 10);
    for (int i = 0; i < sent; i++)
        assert_int_equal(hold_receive(pair.b, &m, NULL), 1);
    assert_refused(pair.b, true, -EAGAIN);
}

static void bad_descriptors_are_errors(void **state)
{
    CLEANUP_PAIR Pair pair = a_pair(0);

    assert_int_equal(hold_send(pair.a, &message, 987654), -EBADF);
    assert_int_equal(hold_send(987654, &message, -1), -EBADF);
    assert_refused(987654, true, -EBADF);
}

/* In a child: no descriptor can be received where there is no room for it. */
static int receive_without_room(void)
{
    CLEANUP_PAIR Pair pair = a_pair(0);
    int file = a_file();
    struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };
    HoldMessage m;
    int fd = -42;

    if (hold_send(pair.a, &message, file) < 0 || hold_send(pair.a, &message, -1) < 0)
        return 1;
    if (setrlimit(RLIMIT_NOFILE, &none) < 0)
        return 2;
    if (hold_receive(pair.b, &m, &fd) != -EPROTO || fd != -42)
        return 3;
    return hold_receive(pair.b, &m, &fd) == 1 && fd == -1 ? 0 : 4;
}

static void no_room_for_a_descriptor(void **state)
{
    int status;

    pid_t pid = fork();
    if (pid == 0)
        _exit(receive_without_room());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_arrives_as_it_was),
        cmocka_unit_test(the_layout_is_fixed),
        cmocka_unit_test(messages_keep_their_order),
        cmocka_unit_test(a_descriptor_is_passed),
        cmocka_unit_test(surplus_descriptors_are_closed),
        cmocka_unit_test(other_sizes_are_refused),
        cmocka_unit_test(an_empty_packet_is_no_message),
        cmocka_unit_test(other_versions_are_refused),
        cmocka_unit_test(the_other_end_is_gone),
        cmocka_unit_test(unread_messages_reset_the_connection),
        cmocka_unit_test(without_blocking),
        cmocka_unit_test(bad_descriptors_are_errors),
        cmocka_unit_test(no_room_for_a_descriptor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
