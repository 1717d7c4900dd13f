/* SPDX-License-Identifier: MIT */
/* A controller that sends anything at all. The input is a row of packets, each with two bytes in
 * front: what to do with it (see below), and its length. Every request is answered or ends the
 * connection; no descriptor is kept; what is told of a file is never more than there is. */
#include <fcntl.h>
#include <pagewarden/hold-protocol.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "fuzz/fuzz.h"
#include "hold/serve.h"
#include "hold/wire.h"
#include "unit/hold/descriptors.h"
#include "util/cleanup.h"

#define DESCRIPTORS 0x07 /* how many are sent along */
#define FILE_KIND   0x18 /* of what: two regular files, a socket, a folder */
#define GOOD_HEADER 0x20 /* the version, and a request's type, are put right */
#define THIS_FILE   0x40 /* device and inode are those of the file */
#define RESIZE      0x80 /* the file is first made as long as the packet says */

#define SIZE_MAX_KIB 256
#define FILES        4

typedef struct World {
    int files[FILES];
    int ours, theirs;
    PinTable *pins;
} World;

static void world_begin(World *w)
{
    int fds[2];

    must_hold(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
    w->ours = fds[0];
    w->theirs = fds[1];
    for (int i = 0; i < 2; i++) {
        w->files[i] = memfd_create("fuzz", MFD_CLOEXEC);
        must_hold(ftruncate(w->files[i], i ? 40 * 4096 : 3 * 4096 + 1) == 0);
    }
    w->files[2] = dup(w->ours);
    w->files[3] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must_hold(pin_table_new(&w->pins) == 0);
}

static void world_end(World *w)
{
    pin_table_free(w->pins);
    for (int i = 0; i < FILES; i++)
        safe_close(w->files[i]);
    safe_close(w->ours);
    safe_close(w->theirs);
}

/* The lowest free descriptor: one that leaked would be below it. */
static int lowest_free(void)
{
    int fd = dup(STDERR_FILENO);

    safe_close(fd);
    return fd;
}

/* Applies what the first byte says; returns how many descriptors go along. */
static size_t prepare(World *w, uint8_t flags, HoldMessage *m, int fds[8])
{
    int file = w->files[(flags & FILE_KIND) >> 3];
    struct stat st;

    for (size_t i = 0; i < 8; i++)
        fds[i] = i % 2 ? w->files[i % FILES] : file;
    must_hold(fstat(file, &st) == 0);
    if (flags & GOOD_HEADER) {
        m->version = HOLD_VERSION;
        m->type = (uint16_t)(HOLD_HELLO + m->type % HOLD_REFRESH);
    }
    if (flags & THIS_FILE) {
        m->dev = st.st_dev;
        m->ino = st.st_ino;
    }
    if (flags & RESIZE && S_ISREG(st.st_mode))
        must_hold(ftruncate(file, (off_t)(m->length % (SIZE_MAX_KIB * 1024))) == 0);
    return flags & DESCRIPTORS;
}

/* Whether the connection goes on. */
static int exchange(World *w, const uint8_t *packet, size_t size, size_t n_fds, const int *fds)
{
    HoldMessage answer;
    size_t items = 0;
    int r;

    must_hold(send_raw(w->theirs, packet, size, fds, n_fds) == 0);
    int served = hold_serve_one(w->ours, w->pins);
    if (served <= 0)
        return 0;
    while ((r = hold_receive(w->theirs, &answer, NULL)) == 1 && answer.type == HOLD_ITEM) {
        must_hold(answer.length > 0 && answer.locked <= answer.length);
        items++;
    }
    must_hold(r == 1 && answer.type == HOLD_DONE && answer.error <= 0);
    must_hold(answer.locked <= answer.length);
    must_hold(items <= 2);
    must_hold(recv(w->theirs, &answer, sizeof(answer), MSG_DONTWAIT) < 0);
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    World w = { 0 };

    world_begin(&w);
    int before = lowest_free();
    while (size >= 2) {
        union {
            HoldMessage message;
            uint8_t bytes[256 + sizeof(HoldMessage)];
        } packet = { 0 };
        uint8_t flags = data[0];
        size_t length = data[1] < size - 2 ? data[1] : size - 2;
        int fds[8];

        memcpy(packet.bytes, data + 2, length);
        data += 2 + length;
        size -= 2 + length;
        /* A short packet with the header put right is a whole one: else there would be few. */
        if (flags & GOOD_HEADER)
            length = sizeof(HoldMessage);
        size_t n_fds = prepare(&w, flags, &packet.message, fds);
        int on = exchange(&w, packet.bytes, length, n_fds, fds);
        must_hold(lowest_free() == before);
        if (!on) {
            safe_close(w.ours);
            safe_close(w.theirs);
            int pair[2];
            must_hold(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
            w.ours = pair[0];
            w.theirs = pair[1];
        }
    }
    world_end(&w);
    return 0;
}
