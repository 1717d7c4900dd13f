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

/* With two items, neither of which has a descriptor. */
static const HoldPacket message = {
    .header = {
        .version = HOLD_VERSION,
        .type = HOLD_PIN,
        .error = -ENOENT,
        .n_items = 2,
        .room = 7,
        .pid = UINT64_C(0x0123456789abcdef),
    },
    .items = {
        { .dev = UINT64_MAX, .ino = 1, .length = 2, .locked = UINT64_MAX - 1, .error = -EIO },
        { .dev = 3, .ino = 4, .offset = 4096, .length = 5, .lock = HOLD_LOCK_NONE },
    },
};

#define MESSAGE_SIZE (sizeof(HoldHeader) + 2 * sizeof(HoldItem))

/* So many items, each with a descriptor. */
static HoldPacket a_batch(size_t n)
{
    HoldPacket packet = { .header = { .version = HOLD_VERSION, .type = HOLD_PIN } };

    packet.header.n_items = (uint32_t)n;
    for (size_t i = 0; i < n && i < HOLD_BATCH_MAX; i++)
        packet.items[i] = (HoldItem){ .ino = i, .flags = HOLD_WITH_FD };
    return packet;
}

static void assert_is_message(const HoldPacket *packet)
{
    assert_memory_equal(packet, &message, MESSAGE_SIZE);
}

/* What hold_receive() must leave as it is when it takes nothing. */
static void assert_refused(int fd, bool descriptors, int expected)
{
    HoldPacket before, m;
    HoldFds fds = { .n = 42 };

    memset(&before, 0xa5, sizeof(before));
    m = before;
    assert_int_equal(hold_receive(fd, &m, descriptors ? &fds : NULL), expected);
    assert_memory_equal(&m, &before, sizeof(m));
    assert_int_equal(fds.n, 42);
}

static void a_message_arrives_as_it_was(void **state)
{
    CLEANUP_PAIR Pair pair = a_pair(0);
    HoldPacket sent = message, m;
    HoldFds fds = { .n = 42 };

    /* Whatever the caller says of the version, it is this one. */
    sent.header.version = 77;
    assert_int_equal(hold_send(pair.a, &sent, NULL, 0), 0);
    assert_int_equal(sent.header.version, 77);
    assert_int_equal(hold_receive(pair.b, &m, &fds), 1);
    assert_is_message(&m);
    assert_int_equal(fds.n, 0);

    /* Both ways, and where no descriptor is asked for. */
    assert_int_equal(hold_send(pair.b, &sent, NULL, 0), 0);
    assert_int_equal(hold_receive(pair.a, &m, NULL), 1);
    assert_is_message(&m);
}

static void the_layout_is_fixed(void **state)
{
    /* A controller and a holder of different builds talk to each other after an upgrade. */
    assert_int_equal(sizeof(HoldHeader), 24);
    assert_int_equal(offsetof(HoldHeader, type), 2);
    assert_int_equal(offsetof(HoldHeader, error), 4);
    assert_int_equal(offsetof(HoldHeader, n_items), 8);
    assert_int_equal(offsetof(HoldHeader, room), 12);
    assert_int_equal(offsetof(HoldHeader, pid), 16);
    assert_int_equal(offsetof(HoldPacket, items), 24);
    assert_int_equal(sizeof(HoldItem), 56);
    assert_int_equal(offsetof(HoldItem, ino), 8);
    assert_int_equal(offsetof(HoldItem, offset), 16);
    assert_int_equal(offsetof(HoldItem, length), 24);
    assert_int_equal(offsetof(HoldItem, locked), 32);
    assert_int_equal(offsetof(HoldItem, error), 40);
    assert_int_equal(offsetof(HoldItem, lock), 44);
    assert_int_equal(offsetof(HoldItem, flags), 46);
    assert_int_equal(offsetof(HoldItem, since), 48);
    assert_int_equal(HOLD_VERSION, 3);
    assert_int_equal(HOLD_HELLO, 1);
    assert_int_equal(HOLD_RELEASE, 5);
    assert_int_equal(HOLD_DONE, 65);
    assert_int_equal(HOLD_GONE, 66);
    assert_int_equal(HOLD_LOCK_NONE, 2);
    assert_int_equal(HOLD_BATCH_MAX, 128);
}

static void messages_keep_their_order(void **state)
{
    CLEANUP_PAIR Pair pair = a_pair(0);
    HoldPacket m = { .header.type = HOLD_DONE };

    for (m.header.pid = 0; m.header.pid < 50; m.header.pid++)
        assert_int_equal(hold_send(pair.a, &m, NULL, 0), 0);
    for (uint64_t i = 0; i < 50; i++) {
        assert_int_equal(hold_receive(pair.b, &m, NULL), 1);
        assert_int_equal(m.header.pid, i);
    }
}

static void a_full_batch_with_its_descriptors(void **state)
{
    CLEANUP_PAIR Pair pair = a_pair(0);
    HoldPacket sent = a_batch(HOLD_BATCH_MAX), m;
    int files[HOLD_BATCH_MAX];
    HoldFds fds;
    struct stat before, after;
    size_t count = count_descriptors(0);

    for (size_t i = 0; i < HOLD_BATCH_MAX; i++)
        files[i] = a_file();
    assert_int_equal(hold_send(pair.a, &sent, files, HOLD_BATCH_MAX), 0);
    assert_int_equal(hold_receive(pair.b, &m, &fds), 1);
    assert_memory_equal(&m, &sent, sizeof(m));
    assert_int_equal(fds.n, HOLD_BATCH_MAX);
    /* In their order, closed on exec; the sender's are still the sender's. */
    for (size_t i = 0; i < HOLD_BATCH_MAX; i++) {
        assert_int_equal(fstat(files[i], &before), 0);
        assert_int_equal(fstat(fds.fds[i], &after), 0);
        assert_true(before.st_ino == after.st_ino && before.st_dev == after.st_dev);
        assert_true(fcntl(fds.fds[i], F_GETFD) & FD_CLOEXEC);
        assert_int_equal(close(files[i]), 0);
    }
    hold_fds_close(&fds);
    assert_int_equal(fds.n, 0);
    assert_int_equal(count_descriptors(0), count);
}

static void some_items_have_a_descriptor(void **state)
{
    CLEANUP_PAIR Pair pair = a_pair(0);
    CLEANUP_CLOSE int file = a_file();
    HoldPacket sent = message, m;
    cleanup(hold_fds_close) HoldFds fds = { .n = 0 };

    sent.items[1].flags = HOLD_WITH_FD;
    assert_int_equal(hold_send(pair.a, &sent, &file, 1), 0);
    assert_int_equal(hold_receive(pair.b, &m, &fds), 1);
    assert_int_equal(fds.n, 1);
    assert_int_equal(m.items[0].flags, 0);
    assert_int_equal(m.items[1].flags, HOLD_WITH_FD);
}

static void as_many_descriptors_as_items_say(void **state)
{
    CLEANUP_PAIR Pair pair = a_pair(0);
    CLEANUP_CLOSE int file = a_file();
    HoldPacket packet = a_batch(3), m;
    int files[SEND_FDS_MAX];
    size_t before = count_descriptors(0), size = sizeof(HoldHeader) + 3 * sizeof(HoldItem);

    for (size_t i = 0; i < SEND_FDS_MAX; i++)
        files[i] = file;
    for (size_t n = 0; n <= SEND_FDS_MAX; n++) {
        if (n == 3)
            continue;
        assert_int_equal(send_raw(pair.a, &packet, size, files, n), 0);
        assert_refused(pair.b, true, -EPROTO);
        assert_int_equal(count_descriptors(0), before);
    }
    /* Where none is wanted, each is one too many. */
    assert_int_equal(send_raw(pair.a, &packet, size, files, 3), 0);
    assert_refused(pair.b, false, -EPROTO);
    assert_int_equal(count_descriptors(0), before);
    /* The connection goes on all the same. */
    assert_int_equal(hold_send(pair.a, &message, NULL, 0), 0);
    assert_int_equal(hold_receive(pair.b, &m, NULL), 1);
}

static void too_many_are_not_sent(void **state)
{
    CLEANUP_PAIR Pair pair = a_pair(SOCK_NONBLOCK);
    HoldPacket packet = a_batch(HOLD_BATCH_MAX + 1);
    int files[HOLD_BATCH_MAX + 1] = { 0 };

    assert_int_equal(hold_send(pair.a, &packet, NULL, 0), -EINVAL);
    assert_int_equal(hold_send(pair.a, &message, files, HOLD_BATCH_MAX + 1), -EINVAL);
    assert_refused(pair.b, true, -EAGAIN);
}

static void other_sizes_are_refused(void **state)
{
    CLEANUP_PAIR Pair pair = a_pair(0);
    static char bytes[sizeof(HoldPacket) + 100];
    HoldHeader header = { .version = HOLD_VERSION, .type = HOLD_PIN };

    memcpy(bytes, &message, MESSAGE_SIZE);
    for (size_t size = 1; size <= sizeof(bytes); size++) {
        if (size == MESSAGE_SIZE)
            continue;
        assert_int_equal(send_raw(pair.a, bytes, size, NULL, 0), 0);
        assert_refused(pair.b, true, -EPROTO);
    }
    /* A number of items that no packet can have, in one that is as long as it can be. */
    static const uint32_t numbers[] = { HOLD_BATCH_MAX + 1, UINT32_MAX, UINT32_MAX / 48 + 1 };
    for (size_t i = 0; i < ELEMENTS(numbers); i++) {
        header.n_items = numbers[i];
        memcpy(bytes, &header, sizeof(header));
        assert_int_equal(send_raw(pair.a, bytes, sizeof(HoldPacket), NULL, 0), 0);
        assert_refused(pair.b, true, -EPROTO);
        assert_int_equal(send_raw(pair.a, bytes, sizeof(HoldPacket) + 48, NULL, 0), 0);
        assert_refused(pair.b, true, -EPROTO);
        assert_int_equal(send_raw(pair.a, bytes, sizeof(header), NULL, 0), 0);
        assert_refused(pair.b, true, -EPROTO);
    }
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

static void other_versions_are_refused_and_greeted(void **state)
{
    CLEANUP_PAIR Pair pair = a_pair(0);
    CLEANUP_CLOSE int file = a_file();
    static const uint16_t versions[] = { 0, 1, HOLD_VERSION + 1, HOLD_VERSION << 8, UINT16_MAX };
    static char bytes[sizeof(HoldPacket) + 100];
    size_t before = count_descriptors(0);

    for (size_t i = 0; i < ELEMENTS(versions); i++) {
        HoldPacket m = message;
        m.header.version = versions[i];
        assert_int_equal(send_raw(pair.a, &m, MESSAGE_SIZE, NULL, 0), 0);
        assert_refused(pair.b, true, -EPROTONOSUPPORT);
        m.header.type = HOLD_DONE;
        assert_int_equal(send_raw(pair.a, &m, MESSAGE_SIZE, &file, 1), 0);
        assert_refused(pair.b, true, -EPROTONOSUPPORT);

        /* A greeting is understood, whatever comes behind. */
        m.header.type = HOLD_HELLO;
        memcpy(bytes, &m.header, sizeof(m.header));
        static const size_t sizes[] = { sizeof(HoldHeader), 40, sizeof(bytes) };
        for (size_t j = 0; j < ELEMENTS(sizes); j++) {
            assert_int_equal(send_raw(pair.a, bytes, sizes[j], NULL, 0), 0);
            memset(&m, 0xa5, sizeof(m));
            assert_int_equal(hold_receive(pair.b, &m, NULL), 1);
            assert_int_equal(m.header.type, HOLD_HELLO);
            assert_int_equal(m.header.version, versions[i]);
            assert_int_equal(m.header.n_items, 0);
        }
        assert_int_equal(send_raw(pair.a, bytes, sizeof(HoldHeader), &file, 1), 0);
        assert_refused(pair.b, true, -EPROTO);
        assert_int_equal(send_raw(pair.a, bytes, sizeof(HoldHeader) - 1, NULL, 0), 0);
        assert_refused(pair.b, true, -EPROTO);
    }
    assert_int_equal(count_descriptors(0), before);
}

static void the_other_end_is_gone(void **state)
{
    CLEANUP_PAIR Pair pair = a_pair(0);
    HoldPacket m;

    /* What was sent before is still there. */
    assert_int_equal(hold_send(pair.a, &message, NULL, 0), 0);
    pair.a = safe_close(pair.a);
    assert_int_equal(hold_receive(pair.b, &m, NULL), 1);
    assert_refused(pair.b, true, 0);
    /* No SIGPIPE. */
    assert_int_equal(hold_send(pair.b, &message, NULL, 0), -EPIPE);
}

static void unread_messages_reset_the_connection(void **state)
{
    CLEANUP_PAIR Pair pair = a_pair(0);

    assert_int_equal(hold_send(pair.b, &message, NULL, 0), 0);
    pair.a = safe_close(pair.a);
    assert_refused(pair.b, true, -ECONNRESET);
}

static void without_blocking(void **state)
{
    CLEANUP_PAIR Pair pair = a_pair(SOCK_NONBLOCK);
    HoldPacket m;
    int r = 0, sent = 0;

    assert_refused(pair.b, true, -EAGAIN);
    while ((r = hold_send(pair.a, &message, NULL, 0)) == 0)
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
    const int bad = 987654;

    assert_int_equal(hold_send(pair.a, &message, &bad, 1), -EBADF);
    assert_int_equal(hold_send(bad, &message, NULL, 0), -EBADF);
    assert_refused(bad, true, -EBADF);
}

/* In a child: no descriptor can be received where there is no room for it. */
static int receive_without_room(void)
{
    CLEANUP_PAIR Pair pair = a_pair(0);
    int file = a_file();
    struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };
    HoldPacket batch = a_batch(1), m;
    HoldFds fds = { .n = 42 };

    if (hold_send(pair.a, &batch, &file, 1) < 0 || hold_send(pair.a, &message, NULL, 0) < 0)
        return 1;
    if (setrlimit(RLIMIT_NOFILE, &none) < 0)
        return 2;
    if (hold_receive(pair.b, &m, &fds) != -EPROTO || fds.n != 42)
        return 3;
    return hold_receive(pair.b, &m, &fds) == 1 && fds.n == 0 ? 0 : 4;
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
        cmocka_unit_test(a_full_batch_with_its_descriptors),
        cmocka_unit_test(some_items_have_a_descriptor),
        cmocka_unit_test(as_many_descriptors_as_items_say),
        cmocka_unit_test(too_many_are_not_sent),
        cmocka_unit_test(other_sizes_are_refused),
        cmocka_unit_test(an_empty_packet_is_no_message),
        cmocka_unit_test(other_versions_are_refused_and_greeted),
        cmocka_unit_test(the_other_end_is_gone),
        cmocka_unit_test(unread_messages_reset_the_connection),
        cmocka_unit_test(without_blocking),
        cmocka_unit_test(bad_descriptors_are_errors),
        cmocka_unit_test(no_room_for_a_descriptor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
