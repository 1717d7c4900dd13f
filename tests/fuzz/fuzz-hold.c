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

#define DESCRIPTORS 0x07 /* how many are sent along; with a good header: which items have one */
#define FILE_KIND   0x18 /* of what: two regular files, a socket, a folder */
#define GOOD_HEADER 0x20 /* version, type, number of items, descriptors are put right */
#define THIS_FILE   0x40 /* device and inode of all items are those of the file */
#define RESIZE      0x80 /* the file is first made as long as the first item says */

#define SIZE_MAX_KIB 256
#define FILES        4

typedef struct World {
    int files[FILES];
    int ours, theirs;
    Shards *shards;
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
    must_hold(shards_new(8, false, &w->shards) == 0);
}

static void world_end(World *w)
{
    shards_free(w->shards);
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

/* A header that fits what comes behind it. Returns how many descriptors the items have. */
static size_t make_good(HoldPacket *packet, size_t n_items, unsigned with_fd)
{
    size_t n = 0;

    packet->header.version = HOLD_VERSION;
    packet->header.type = (uint16_t)(HOLD_HELLO + packet->header.type % HOLD_RELEASE);
    packet->header.n_items = (uint32_t)n_items;
    for (size_t i = 0; i < n_items; i++) {
        HoldItem *item = &packet->items[i];
        item->flags = with_fd >> i & 1 ? HOLD_WITH_FD : 0;
        item->lock %= HOLD_LOCK_NONE + 2;
        n += item->flags;
    }
    return n;
}

/* Applies what the first byte says; returns how many descriptors go along. */
static size_t prepare(World *w, uint8_t flags, size_t n_items, HoldPacket *packet, int fds[8])
{
    int file = w->files[(flags & FILE_KIND) >> 3];
    size_t n_fds = flags & DESCRIPTORS;
    struct stat st;

    for (size_t i = 0; i < 8; i++)
        fds[i] = i % 2 ? w->files[i % FILES] : file;
    must_hold(fstat(file, &st) == 0);
    if (flags & GOOD_HEADER)
        n_fds = make_good(packet, n_items, n_fds);
    for (size_t i = 0; i < n_items && flags & THIS_FILE; i++) {
        packet->items[i].dev = st.st_dev;
        packet->items[i].ino = st.st_ino;
    }
    if (flags & RESIZE && S_ISREG(st.st_mode))
        must_hold(ftruncate(file, (off_t)(packet->items[0].length % (SIZE_MAX_KIB * 1024))) == 0);
    return n_fds;
}

static void check_items(const HoldPacket *answer)
{
    for (uint32_t i = 0; i < answer->header.n_items; i++) {
        const HoldItem *item = &answer->items[i];
        must_hold(item->locked <= item->length && item->error <= 0 && item->flags == 0);
        must_hold(item->offset % 4096 == 0);
        must_hold(answer->header.type == HOLD_DONE || item->length > 0);
    }
}

/* Whether the connection goes on. */
static int exchange(World *w, const uint8_t *packet, size_t size, size_t n_fds, const int *fds)
{
    HoldPacket answer;
    size_t items = 0;
    int r;

    must_hold(send_raw(w->theirs, packet, size, fds, n_fds) == 0);
    int served = hold_serve_one(w->ours, w->shards);
    if (served <= 0)
        return 0;
    while ((r = hold_receive(w->theirs, &answer, NULL)) == 1 && answer.header.type == HOLD_ITEMS) {
        check_items(&answer);
        items += answer.header.n_items;
    }
    must_hold(r == 1 && answer.header.type == HOLD_DONE && answer.header.error <= 0);
    must_hold(answer.header.error == 0 || answer.header.n_items == 0);
    check_items(&answer);
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
            HoldPacket packet;
            uint8_t bytes[sizeof(HoldPacket)];
        } packet = { 0 };
        uint8_t flags = data[0];
        size_t length = data[1] < size - 2 ? data[1] : size - 2;
        int fds[8];

        memcpy(packet.bytes, data + 2, length);
        data += 2 + length;
        size -= 2 + length;
        /* A short packet with the header put right is a whole one: else there would be few. */
        size_t n_items = 1 + length / 100;
        if (flags & GOOD_HEADER)
            length = sizeof(HoldHeader) + n_items * sizeof(HoldItem);
        size_t n_fds = prepare(&w, flags, n_items, &packet.packet, fds);
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
