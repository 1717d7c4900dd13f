/* SPDX-License-Identifier: MIT */
/* This process serves the controller and has files of its own. When it is full, new ones go to a
 * shard: the same program again, which serves this process as this process serves the controller,
 * over a socket pair that is its standard input; when that ends, so does the shard. Which shard has
 * which file is known here, so that it can be told what died with a shard. The next new file starts
 * another one.
 *
 * Shards are executed anew and not just forked: a fork would begin with a copy of all mappings. */

#include "hold/shards.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* Out of memory is an error of one file. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "hold/child.h"
#include "util/units.h"

typedef struct Shard {
    HoldChild child;
    uint32_t room; /* mappings that it can still take */
} Shard;

typedef struct Routed {
    struct {
        uint64_t dev, ino;
    } id;
    Shard *shard;
    struct Routed *next; /* among those that are gone */
    UT_hash_handle hh;
} Routed;

struct Shards {
    PinTable *own;
    size_t mappings;
    bool spread;
    Shard shards[SHARDS_MAX];
    size_t n_shards;
    Routed *routed; /* files of shards */
    Routed *gone;
};

/* Where an item goes. */
typedef struct Place {
    Shard *shard; /* NULL: here */
    int error;    /* < 0: nowhere */
} Place;

int shards_new(size_t mappings, bool spread, Shards **ret)
{
    cleanup(shards_freep) Shards *s = calloc(1, sizeof(Shards));
    if (!s)
        return -ENOMEM;

    s->mappings = mappings;
    s->spread = spread;
    int r = pin_table_new(&s->own);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(s);
    return 0;
}

/* The routing */

static Routed *routed_find(const Shards *s, uint64_t dev, uint64_t ino)
{
    Routed key = { .id = { .dev = dev, .ino = ino } }, *found;

    HASH_FIND(hh, s->routed, &key.id, sizeof(key.id), found);
    return found;
}

static int routed_add(Shards *s, uint64_t dev, uint64_t ino, Shard *shard)
{
    Routed *routed = calloc(1, sizeof(Routed));
    if (!routed)
        return -ENOMEM;

    routed->id.dev = dev;
    routed->id.ino = ino;
    routed->shard = shard;
    HASH_ADD(hh, s->routed, id, sizeof(routed->id), routed);
    if (!routed->hh.tbl) {
        free(routed);
        return -ENOMEM;
    }
    return 0;
}

static void routed_remove(Shards *s, uint64_t dev, uint64_t ino)
{
    Routed *routed = routed_find(s, dev, ino);

    if (routed) {
        HASH_DEL(s->routed, routed);
        free(routed);
    }
}

/* The processes */

/* It died, or makes no sense: what it had is gone. */
static void shard_lost(Shards *s, Shard *shard)
{
    Routed *routed, *next;

    hold_child_end(&shard->child);
    HASH_ITER (hh, s->routed, routed, next) {
        if (routed->shard != shard)
            continue;
        HASH_DEL(s->routed, routed);
        routed->next = s->gone;
        s->gone = routed;
    }
}

static int shard_start(Shards *s, Shard *shard)
{
    char limit[32];
    char *argv[] = { (char *)"pagewarden-hold", limit, (char *)"--shard", NULL };

    snprintf(limit, sizeof(limit), "--mappings=%zu", s->mappings);
    shard->room = (uint32_t)s->mappings;
    /* The same program, also when another was installed meanwhile. */
    return hold_child_start("/proc/self/exe", argv, &shard->child);
}

Shards *shards_free(Shards *s)
{
    Routed *routed, *next;

    if (!s)
        return NULL;
    for (size_t i = 0; i < s->n_shards; i++)
        hold_child_end(&s->shards[i].child);
    HASH_ITER (hh, s->routed, routed, next) {
        HASH_DEL(s->routed, routed);
        free(routed);
    }
    for (routed = s->gone; routed; routed = next) {
        next = routed->next;
        free(routed);
    }
    pin_table_free(s->own);
    free(s);
    return NULL;
}

/* A shard with room, started if need be. */
static int shard_with_room(Shards *s, Shard **ret)
{
    Shard *dead = NULL;

    for (size_t i = s->n_shards; i-- > 0;) {
        if (s->shards[i].child.fd < 0)
            dead = &s->shards[i];
        else if (s->shards[i].room > 0) {
            *ret = &s->shards[i];
            return 0;
        }
    }
    if (!dead && s->n_shards == SHARDS_MAX)
        return -ENOSPC;
    if (!dead) {
        dead = &s->shards[s->n_shards++];
        dead->child.fd = -1;
    }
    int r = shard_start(s, dead);
    if (r >= 0)
        *ret = dead;
    return r;
}

/* One of them answers what it was asked; false: it is gone. */
static bool exchange(Shards *s, Shard *shard, HoldPacket *packet, const int *fds, size_t n_fds)
{
    uint32_t n = packet->header.n_items;

    int r = hold_send(shard->child.fd, packet, fds, n_fds);
    if (r >= 0)
        r = hold_receive(shard->child.fd, packet, NULL);
    if (r == 1 && packet->header.type == HOLD_DONE && packet->header.error == 0 &&
        packet->header.n_items == n) {
        shard->room = packet->header.room;
        return true;
    }
    shard_lost(s, shard);
    return false;
}

/* Requests */

/* @used: mappings that items before this one will take here. */
static Place place_of(Shards *s, HoldType type, HoldItem *item, int fd, size_t *used)
{
    struct stat st;
    Place place = { 0 };

    if (fd >= 0) {
        if (item->lock == HOLD_LOCK_NONE || fstat(fd, &st) < 0)
            return place;
        item->dev = st.st_dev;
        item->ino = st.st_ino;
    }
    if (pin_table_find(s->own, item->dev, item->ino, NULL) >= 0)
        return place;
    const Routed *routed = routed_find(s, item->dev, item->ino);
    if (routed) {
        place.shard = routed->shard;
        return place;
    }
    if (type != HOLD_PIN || fd < 0)
        return place;
    if (pin_table_mappings(s->own) + *used < s->mappings) {
        ++*used;
        return place;
    }
    place.error = shard_with_room(s, &place.shard);
    if (place.error >= 0)
        place.error = routed_add(s, item->dev, item->ino, place.shard);
    if (place.error >= 0)
        place.shard->room--;
    return place;
}

/* The items of one place, as a packet of their own. */
typedef struct Part {
    HoldPacket packet;
    size_t from[HOLD_BATCH_MAX]; /* index in the whole */
    int fds[HOLD_BATCH_MAX];
    size_t n_fds;
} Part;

static void take_part(Part *part, const HoldPacket *packet, const int *fds, const Place *places,
                      const Shard *shard)
{
    part->packet.header = (HoldHeader){ .type = packet->header.type };
    part->n_fds = 0;
    for (uint32_t i = 0; i < packet->header.n_items; i++) {
        int fd = hold_item_has_fd(&packet->items[i]) ? *fds++ : -1;
        if (places[i].shard != shard || places[i].error < 0)
            continue;
        part->from[part->packet.header.n_items] = i;
        part->packet.items[part->packet.header.n_items++] = packet->items[i];
        if (fd >= 0)
            part->fds[part->n_fds++] = fd;
    }
}

static void do_part(Shards *s, Shard *shard, Part *part, HoldItem *answers)
{
    uint32_t n = part->packet.header.n_items;

    if (n == 0)
        return;
    if (!shard) {
        hold_apply(s->own, &part->packet, part->fds);
    } else if (shard->child.fd < 0 || !exchange(s, shard, &part->packet, part->fds, part->n_fds)) {
        for (uint32_t i = 0; i < n; i++)
            answers[part->from[i]] = (HoldItem){
                .dev = answers[part->from[i]].dev,
                .ino = answers[part->from[i]].ino,
                .error = -EPIPE,
            };
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        const HoldItem *item = &part->packet.items[i];
        answers[part->from[i]] = *item;
        if (shard && item->length == 0)
            routed_remove(s, item->dev, item->ino);
    }
}

static void apply_in_parts(Shards *s, HoldPacket *packet, const int *fds)
{
    Place places[HOLD_BATCH_MAX];
    HoldItem answers[HOLD_BATCH_MAX];
    Part part;
    size_t used = 0, n_fds = 0;
    uint32_t n = packet->header.n_items;

    for (uint32_t i = 0; i < n; i++) {
        HoldItem *item = &packet->items[i];
        int fd = hold_item_has_fd(item) ? fds[n_fds++] : -1;
        places[i] = place_of(s, (HoldType)packet->header.type, item, fd, &used);
        answers[i] = (HoldItem){ .dev = item->dev, .ino = item->ino, .error = places[i].error };
    }
    take_part(&part, packet, fds, places, NULL);
    do_part(s, NULL, &part, answers);
    for (size_t i = 0; i < s->n_shards; i++) {
        take_part(&part, packet, fds, places, &s->shards[i]);
        do_part(s, &s->shards[i], &part, answers);
    }
    memcpy(packet->items, answers, n * sizeof(HoldItem));
}

void shards_apply(Shards *s, HoldPacket *packet, const int *fds)
{
    bool fits = pin_table_mappings(s->own) + packet->header.n_items <= s->mappings;

    if (s->n_shards == 0 && (fits || !s->spread))
        hold_apply(s->own, packet, fds);
    else
        apply_in_parts(s, packet, fds);
}

/* Passes on what the shard lists. It is read to the end also when it cannot be passed on. */
static int list_shard(Shards *s, Shard *shard, HoldPacket *packet,
                      int (*send)(const HoldPacket *packet, void *userdata), void *userdata)
{
    int sent = 0;

    packet->header = (HoldHeader){ .type = HOLD_LIST };
    int r = hold_send(shard->child.fd, packet, NULL, 0);
    while (r >= 0 && (r = hold_receive(shard->child.fd, packet, NULL)) == 1 &&
           packet->header.type == HOLD_ITEMS)
        if (sent >= 0)
            sent = send(packet, userdata);
    if (r != 1 || packet->header.type != HOLD_DONE)
        shard_lost(s, shard);
    return sent;
}

int shards_list(Shards *s, int (*send)(const HoldPacket *packet, void *userdata), void *userdata)
{
    HoldPacket packet;

    int r = hold_list(s->own, send, userdata);
    for (size_t i = 0; i < s->n_shards && r >= 0; i++)
        if (s->shards[i].child.fd >= 0)
            r = list_shard(s, &s->shards[i], &packet, send, userdata);
    return r;
}

static int set_own_score(int score)
{
    char text[16];

    snprintf(text, sizeof(text), "%d", score);
    CLEANUP_CLOSE int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int shards_set_score(Shards *s, int score)
{
    HoldPacket packet;

    int r = set_own_score(score);
    for (size_t i = 0; i < s->n_shards && r >= 0; i++) {
        packet.header = (HoldHeader){ .type = HOLD_SCORE, .score = score };
        if (s->shards[i].child.fd >= 0)
            (void)exchange(s, &s->shards[i], &packet, NULL, 0);
    }
    return r;
}

uint32_t shards_room(const Shards *s)
{
    return (uint32_t)sub_u64(s->mappings, pin_table_mappings(s->own));
}

size_t shards_poll(const Shards *s, struct pollfd *ret)
{
    for (size_t i = 0; i < s->n_shards; i++) /* negative ones are ignored */
        ret[i] = (struct pollfd){ .fd = s->shards[i].child.fd, .events = POLLIN };
    return s->n_shards;
}

/* A shard speaks only when asked: this is its end. */
void shards_check(Shards *s, const struct pollfd *polled, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (polled[i].revents && s->shards[i].child.fd >= 0 &&
            polled[i].fd == s->shards[i].child.fd)
            shard_lost(s, &s->shards[i]);
}

bool shards_take_gone(Shards *s, HoldPacket *ret)
{
    uint32_t n = 0;

    for (Routed *routed; n < HOLD_BATCH_MAX && (routed = s->gone); n++) {
        ret->items[n] = (HoldItem){ .dev = routed->id.dev, .ino = routed->id.ino };
        s->gone = routed->next;
        free(routed);
    }
    ret->header = (HoldHeader){ .type = HOLD_GONE, .n_items = n };
    return n > 0;
}
