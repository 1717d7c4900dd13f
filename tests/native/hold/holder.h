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

static inline Holder holder_start(int output)
{
    char *argv[] = { (char *)"pagewarden-hold", NULL };
    Holder h;

    int fd = listening_socket(&h);
    h.pid = spawn_holder(fd, output, argv);
    close(fd);
    return h;
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

/* One request and its answer; -EIO: there came none. */
static inline int try_ask(int fd, HoldMessage request, int file, HoldMessage *ret)
{
    int r = hold_send(fd, &request, file);

    if (r < 0)
        return r;
    if (!comes_within(fd, ANSWER_MS))
        return -ETIMEDOUT;
    r = hold_receive(fd, ret, NULL);
    return r == 1 ? 0 : r == 0 ? -EPIPE : r;
}

static inline HoldMessage ask(int fd, HoldMessage request, int file)
{
    HoldMessage answer = { 0 };

    assert_int_equal(try_ask(fd, request, file, &answer), 0);
    assert_int_equal(answer.type, HOLD_DONE);
    return answer;
}

static inline HoldMessage ask_open(int fd, int file, uint64_t length)
{
    return ask(fd, (HoldMessage){ .type = HOLD_OPEN, .length = length }, file);
}

static inline HoldMessage ask_lock(int fd, const struct stat *st, uint64_t bytes)
{
    return ask(
        fd,
        (HoldMessage){ .type = HOLD_LOCK, .dev = st->st_dev, .ino = st->st_ino, .length = bytes },
        -1);
}

static inline HoldMessage ask_release(int fd, const struct stat *st)
{
    return ask(fd, (HoldMessage){ .type = HOLD_RELEASE, .dev = st->st_dev, .ino = st->st_ino }, -1);
}

/* All items, up to @max; how many there are. */
static inline size_t ask_list(int fd, HoldMessage *items, size_t max)
{
    HoldMessage m;
    size_t n = 0;

    assert_int_equal(hold_send(fd, &(HoldMessage){ .type = HOLD_LIST }, -1), 0);
    for (;;) {
        assert_true(comes_within(fd, ANSWER_MS));
        assert_int_equal(hold_receive(fd, &m, NULL), 1);
        if (m.type == HOLD_DONE)
            break;
        assert_int_equal(m.type, HOLD_ITEM);
        if (n < max)
            items[n] = m;
        n++;
    }
    assert_int_equal(m.error, 0);
    return n;
}

/* The connection is closed from the other end, with nothing said. */
static inline void assert_hung_up(int fd)
{
    HoldMessage m;

    assert_true(comes_within(fd, ANSWER_MS));
    int r = hold_receive(fd, &m, NULL);
    assert_true(r == 0 || r == -ECONNRESET);
}
