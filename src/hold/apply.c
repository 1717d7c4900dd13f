/* SPDX-License-Identifier: MIT */
#include "hold/apply.h"

#include <sys/stat.h>

#include "util/units.h"

HoldItem hold_item(const PinInfo *info)
{
    return (HoldItem){
        .dev = info->dev,
        .ino = info->ino,
        .offset = info->offset,
        .length = info->length,
        .locked = info->locked,
        .lock = (uint16_t)info->lock,
        .since = info->since_usec,
    };
}

int hold_check(const HoldPacket *packet)
{
    uint64_t sum = 0, page = (uint64_t)sysconf(_SC_PAGESIZE);

    if (packet->header.type != HOLD_PIN)
        return 0;
    for (uint32_t i = 0; i < packet->header.n_items; i++) {
        const HoldItem *item = &packet->items[i];
        sum = add_u64(sum, item->lock == HOLD_LOCK_NONE ? item->length : item->locked);
        sum = add_u64(sum, page - 1) / page * page;
    }
    return sum > HOLD_SLICE_MAX ? -E2BIG : 0;
}

static int warm(const HoldItem *item, int fd, PinInfo *info)
{
    struct stat st;

    if (fd < 0)
        return -EBADF;
    if (fstat(fd, &st) < 0)
        return -errno;
    info->dev = st.st_dev;
    info->ino = st.st_ino;
    return pin_warm(fd, item->offset, item->length);
}

static int open_part(PinTable *pins, const HoldItem *item, int fd, PinInfo *info)
{
    PinPart part = {
        .offset = item->offset,
        .length = item->length,
        .lock = item->lock,
        .all = item->locked >= item->length,
    };
    struct stat st;

    int r = pin_table_open(pins, fd, &part, info);
    if (r < 0 && fstat(fd, &st) == 0) {
        info->dev = st.st_dev;
        info->ino = st.st_ino;
    }
    return r;
}

/* Maps what is new. */
static int begin_pin(PinTable *pins, const HoldItem *item, int fd, PinInfo *info)
{
    if (item->lock > HOLD_LOCK_NONE)
        return -EINVAL;
    if (item->lock == HOLD_LOCK_NONE)
        return warm(item, fd, info);
    return fd >= 0 ? open_part(pins, item, fd, info) : 0;
}

static int end_pin(PinTable *pins, const HoldItem *item, PinInfo *info)
{
    switch ((HoldLock)item->lock) {
    case HOLD_LOCK_NOW:
        return pin_table_lock(pins, info->dev, info->ino, item->locked, info);
    case HOLD_LOCK_ON_FAULT:
        return hold_item_has_fd(item)
                   ? 0
                   : pin_table_lock_resident(pins, info->dev, info->ino, item->offset, item->length,
                                             item->locked, info);
    case HOLD_LOCK_NONE:
        break;
    }
    return 0;
}

static int begin_item(PinTable *pins, HoldType type, const HoldItem *item, int fd, PinInfo *info)
{
    switch (type) {
    case HOLD_PIN:
        return begin_pin(pins, item, fd, info);
    case HOLD_REFRESH:
        return pin_table_refresh(pins, item->dev, item->ino, item->offset, item->length, info);
    case HOLD_RELEASE:
        return pin_table_release(pins, item->dev, item->ino);
    case HOLD_HELLO:
    case HOLD_LIST:
    case HOLD_SCORE:
    case HOLD_ITEMS:
    case HOLD_DONE:
    case HOLD_GONE:
        break;
    }
    return -EPROTO;
}

/* Small files are all mapped first, and then locked together. */
void hold_apply(PinTable *pins, HoldPacket *packet, const int *fds)
{
    PinInfo infos[HOLD_BATCH_MAX];
    int errors[HOLD_BATCH_MAX];
    HoldType type = (HoldType)packet->header.type;

    for (uint32_t i = 0; i < packet->header.n_items; i++) {
        const HoldItem *item = &packet->items[i];
        infos[i] = (PinInfo){ .dev = item->dev, .ino = item->ino };
        errors[i] = begin_item(pins, type, item, hold_item_has_fd(item) ? *fds++ : -1, &infos[i]);
    }
    if (type == HOLD_PIN)
        pin_table_lock_opened(pins);
    for (uint32_t i = 0; i < packet->header.n_items; i++) {
        HoldItem *item = &packet->items[i];
        int r = errors[i];
        if (r >= 0 && type == HOLD_PIN)
            r = end_pin(pins, item, &infos[i]);
        /* What was held before it failed still is. */
        if (r < 0)
            (void)pin_table_find(pins, infos[i].dev, infos[i].ino, &infos[i]);
        *item = hold_item(&infos[i]);
        item->error = r;
    }
}

typedef struct Listing {
    HoldPacket packet;
    int (*send)(const HoldPacket *packet, void *userdata);
    void *userdata;
} Listing;

static int flush(Listing *listing)
{
    if (listing->packet.header.n_items == 0)
        return 0;
    int r = listing->send(&listing->packet, listing->userdata);
    listing->packet.header.n_items = 0;
    return r;
}

static int on_pin(const PinInfo *info, void *userdata)
{
    Listing *listing = userdata;

    listing->packet.items[listing->packet.header.n_items++] = hold_item(info);
    return listing->packet.header.n_items == HOLD_BATCH_MAX ? flush(listing) : 0;
}

int hold_list(const PinTable *pins, int (*send)(const HoldPacket *packet, void *userdata),
              void *userdata)
{
    Listing listing = { .packet.header.type = HOLD_ITEMS, .send = send, .userdata = userdata };

    int r = pin_table_visit(pins, on_pin, &listing);
    return r < 0 ? r : flush(&listing);
}
