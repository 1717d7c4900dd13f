/* SPDX-License-Identifier: MIT */
#include "hold/client.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "hold/wire.h"
#include "util/array.h"
#include "util/cleanup.h"
#include "util/units.h"

/* A holder does one thing at a time, and may be reading a slice from a slow disk. */
#define ANSWER_SECONDS 10

typedef struct Chosen {
    HoldItem *items;
    size_t n, room;
} Chosen;

static void chosen_clear(Chosen *chosen)
{
    free(chosen->items);
}

static int chosen_add(Chosen *chosen, const HoldItem *item)
{
    if (ARRAY_RESERVE(chosen->items, chosen->n, chosen->room) < 0)
        return -ENOMEM;
    chosen->items[chosen->n++] = (HoldItem){ .dev = item->dev, .ino = item->ino };
    return 0;
}

/* -ECONNREFUSED: nobody listens there any more. */
static int connect_to(const char *folder, const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct timeval patience = { .tv_sec = ANSWER_SECONDS };

    int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    return TAKE_FD(fd);
}

static int receive(int fd, HoldPacket *ret)
{
    int r;

    do
        r = hold_receive(fd, ret, NULL);
    while (r == 1 && ret->header.type == HOLD_GONE);
    return r == 0 ? -EPIPE : r;
}

static int ask(int fd, HoldPacket *packet)
{
    int r = hold_send(fd, packet, NULL, 0);
    return r < 0 ? r : receive(fd, packet);
}

static int choose(int fd, bool (*is_chosen)(const HoldItem *item, void *userdata), void *userdata,
                  Chosen *chosen)
{
    HoldPacket packet = { .header.type = HOLD_LIST };

    int r = ask(fd, &packet);
    while (r >= 0 && packet.header.type == HOLD_ITEMS) {
        for (uint32_t i = 0; i < packet.header.n_items && r >= 0; i++)
            if (is_chosen(&packet.items[i], userdata))
                r = chosen_add(chosen, &packet.items[i]);
        if (r >= 0)
            r = receive(fd, &packet);
    }
    return r;
}

static int release_batch(int fd, const HoldItem *items, size_t n)
{
    HoldPacket packet = { .header = { .type = HOLD_RELEASE, .n_items = (uint32_t)n } };

    memcpy(packet.items, items, n * sizeof(HoldItem));
    int r = ask(fd, &packet);
    for (uint32_t i = 0; i < packet.header.n_items && r >= 0; i++)
        if (packet.items[i].length > 0)
            r = -EBUSY;
    return r < 0 ? r : packet.header.error;
}

static int release_from(int fd, bool (*is_chosen)(const HoldItem *item, void *userdata),
                        void *userdata, size_t *n_files)
{
    cleanup(chosen_clear) Chosen chosen = { 0 };
    HoldPacket hello = { .header.type = HOLD_HELLO };

    int r = ask(fd, &hello);
    if (r >= 0)
        r = choose(fd, is_chosen, userdata, &chosen);
    for (size_t i = 0, n; i < chosen.n && r >= 0; i += n) {
        n = min_u64(chosen.n - i, HOLD_BATCH_MAX);
        r = release_batch(fd, chosen.items + i, n);
        *n_files += r >= 0 ? n : 0;
    }
    return r < 0 ? r : 0;
}

int holders_release(const char *folder, bool (*is_chosen)(const HoldItem *item, void *userdata),
                    void *userdata, size_t *ret_files)
{
    cleanup(closedirp) DIR *names = opendir(folder);
    size_t n_files = 0;
    int result = 0;

    if (!names && errno != ENOENT)
        return -errno;
    for (const struct dirent *name; names && (name = readdir(names));) {
        if (name->d_name[0] == '.')
            continue;
        CLEANUP_CLOSE int fd = connect_to(folder, name->d_name);
        if (fd == -ECONNREFUSED || fd == -ENOENT)
            continue;
        int r = fd < 0 ? fd : release_from(fd, is_chosen, userdata, &n_files);
        result = result < 0 ? result : r;
    }
    *ret_files = n_files;
    return result;
}
