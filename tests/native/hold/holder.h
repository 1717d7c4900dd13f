/* SPDX-License-Identifier: MIT */
#pragma once

/* The real pagewarden-hold, started as systemd starts it: with a listening socket as its standard
 * input, and no other descriptor of ours. */

#include <errno.h>
#include <pagewarden/hold-protocol.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "hold/wire.h"
#include "native/hold/mapped.h"
#include "native/native.h"
#include "unit/hold/descriptors.h"

typedef struct Holder {
    pid_t pid;
    struct sockaddr_un address; /* abstract, so that other users can try it too */
    socklen_t size;
} Holder;

/* Neither closes what it should not inherit: that is tested. */
static inline pid_t spawn_holder(int input, int output, char *const argv[])
{
    fflush(NULL);
    pid_t pid = must(fork());
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        must(dup2(input, STDIN_FILENO));
        if (output >= 0) {
            must(dup2(output, STDOUT_FILENO));
            must(dup2(output, STDERR_FILENO));
        }
        must(close_range(3, ~0U, 0));
        execv(HOLD_BINARY, argv);
        _exit(127);
    }
    return pid;
}

static inline int listening_socket(Holder *h)
{
    static unsigned n;

    h->address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    int length = snprintf(h->address.sun_path + 1, sizeof(h->address.sun_path) - 1,
                          "pagewarden-test-%d-%u", (int)getpid(), n++);
    h->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    int fd = must(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    must(bind(fd, (struct sockaddr *)&h->address, h->size));
    must(listen(fd, 8));
    return fd;
}

/* Each of its processes takes so many mappings. */
static inline Holder holder_start_with(int output, const char *mappings)
{
    char *argv[] = { (char *)"pagewarden-hold", (char *)mappings, NULL };
    Holder h;

    int fd = listening_socket(&h);
    h.pid = spawn_holder(fd, output, argv);
    close(fd);
    return h;
}

static inline Holder holder_start(int output)
{
    return holder_start_with(output, NULL);
}

static inline void holder_end(Holder *h)
{
    if (h->pid > 0) {
        kill(h->pid, SIGKILL);
        waitpid(h->pid, NULL, 0);
    }
    h->pid = 0;
}

#define CLEANUP_HOLDER cleanup(holder_end)

/* False, too, of a process that has ended and that its parent, or process 1, has not waited for. */
static inline bool is_alive(pid_t pid)
{
    char state = 'X';
    FILE *file = process_file(pid, "stat");

    if (!file)
        return false;
    if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = 'X';
    fclose(file);
    return state != 'Z' && state != 'X';
}

/* Returns when @condition holds, which a busy machine may take its time for; whether it does. */
#define comes_true(condition)                             \
    ({                                                    \
        for (int _i = 0; _i < 6000 && !(condition); _i++) \
            usleep(10000);                                \
        (condition);                                      \
    })

static inline int holder_connect(const Holder *h)
{
    int fd = must(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));

    must(connect(fd, (const struct sockaddr *)&h->address, h->size));
    return fd;
}

/* Whether something comes (or the connection ends) within @ms. */
static inline bool comes_within(int fd, int ms)
{
    struct pollfd polled = { .fd = fd, .events = POLLIN };

    return must(poll(&polled, 1, ms)) == 1;
}

#define ANSWER_MS 20000

/* One request and its answer; -EPIPE: there came none. */
static inline int try_ask_packet(int fd, const HoldPacket *request, const int *fds, size_t n_fds,
                                 HoldPacket *ret)
{
    int r = hold_send(fd, request, fds, n_fds);

    if (r < 0)
        return r;
    if (!comes_within(fd, ANSWER_MS))
        return -ETIMEDOUT;
    r = hold_receive(fd, ret, NULL);
    return r == 1 ? 0 : r == 0 ? -EPIPE : r;
}

/* A request with one item, and with @file where that is >= 0. */
static inline HoldPacket a_request(HoldType type, HoldItem item, int file)
{
    HoldPacket packet = { .header = { .type = (uint16_t)type, .n_items = 1 }, .items = { item } };

    if (type == HOLD_HELLO || type == HOLD_LIST)
        packet.header.n_items = 0;
    packet.items[0].flags = file >= 0 ? HOLD_WITH_FD : 0;
    return packet;
}

static inline int try_ask(int fd, HoldType type, HoldItem item, int file, HoldPacket *ret)
{
    HoldPacket packet = a_request(type, item, file);

    return try_ask_packet(fd, &packet, &file, file >= 0, ret);
}

/* What came of one item; of a request that was refused as a whole, why. */
static inline HoldItem ask(int fd, HoldType type, HoldItem item, int file)
{
    HoldPacket answer = { 0 };

    assert_int_equal(try_ask(fd, type, item, file, &answer), 0);
    assert_int_equal(answer.header.type, HOLD_DONE);
    if (answer.header.error < 0) {
        assert_int_equal(answer.header.n_items, 0);
        return (HoldItem){ .error = answer.header.error };
    }
    assert_int_equal(answer.header.n_items, 1);
    return answer.items[0];
}

static inline HoldHeader ask_hello(int fd)
{
    HoldPacket answer = { 0 };

    assert_int_equal(try_ask(fd, HOLD_HELLO, (HoldItem){ 0 }, -1, &answer), 0);
    assert_int_equal(answer.header.type, HOLD_DONE);
    assert_int_equal(answer.header.error, 0);
    assert_int_equal(answer.header.n_items, 0);
    return answer.header;
}

static inline HoldItem item_of(const struct stat *st)
{
    return (HoldItem){ .dev = st->st_dev, .ino = st->st_ino };
}

static inline HoldItem ask_open(int fd, int file, uint64_t length)
{
    return ask(fd, HOLD_PIN, (HoldItem){ .length = length }, file);
}

static inline HoldItem ask_lock(int fd, const struct stat *st, uint64_t bytes)
{
    HoldItem item = item_of(st);

    item.locked = bytes;
    return ask(fd, HOLD_PIN, item, -1);
}

static inline HoldItem ask_release(int fd, const struct stat *st)
{
    return ask(fd, HOLD_RELEASE, item_of(st), -1);
}

/* All items, up to @max; how many there are. */
static inline size_t ask_list(int fd, HoldItem *items, size_t max)
{
    HoldPacket packet = { .header.type = HOLD_LIST };
    size_t n = 0;

    assert_int_equal(hold_send(fd, &packet, NULL, 0), 0);
    for (;;) {
        assert_true(comes_within(fd, ANSWER_MS));
        assert_int_equal(hold_receive(fd, &packet, NULL), 1);
        if (packet.header.type == HOLD_DONE)
            break;
        assert_int_equal(packet.header.type, HOLD_ITEMS);
        assert_in_range(packet.header.n_items, 1, HOLD_BATCH_MAX);
        for (uint32_t i = 0; i < packet.header.n_items; i++, n++)
            if (n < max)
                items[n] = packet.items[i];
    }
    assert_int_equal(packet.header.error, 0);
    return n;
}

/* The connection is closed from the other end, with nothing said. */
static inline void assert_hung_up(int fd)
{
    HoldPacket packet;

    assert_true(comes_within(fd, ANSWER_MS));
    int r = hold_receive(fd, &packet, NULL);
    assert_true(r == 0 || r == -ECONNRESET);
}

/* A file of 2 MiB, half of it locked. */
static inline struct stat pin_half(const Scratch *scratch, int c, const char *name)
{
    CLEANUP_CLOSE int file = make_file(scratch, name, 2 * MIB);
    struct stat st;

    must(fstat(file, &st));
    assert_int_equal(ask_open(c, file, 2 * MIB).error, 0);
    assert_int_equal(ask_lock(c, &st, MIB).locked, MIB);
    return st;
}

static inline void assert_holds_half(const Holder *h, const struct stat *st)
{
    assert_int_equal(locked_in_all(h->pid), MIB);
    assert_int_equal(mapped_of(h->pid, st).locked, MIB);
}
