/* SPDX-License-Identifier: MIT */
/* A file is handed over before anything of it is locked: then its descriptor can be closed, the
 * holder knows of it, and what remains to be done survives the controller. Locking goes on in
 * slices, and only as far as the host and the cgroups have room right then (headroom.h). */

#include "daemon/hand_ask.h"

#include <string.h>

#include "daemon/hand_away.h"
#include "daemon/headroom.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/units.h"

static uint64_t in_pages(const Hand *h, uint64_t bytes)
{
    return page_floor(add_u64(bytes, h->host->page - 1), h->host->page);
}

static uint64_t missing_of(const Hand *h, const HandFile *file)
{
    if (file->let_go || file->renew || hand_is_away(file) || file->error < 0)
        return 0;
    return sub_u64(in_pages(h, file->length), in_pages(h, file->locked));
}

static void begin(Hand *h, HoldType type)
{
    h->packet.header = (HoldHeader){ .type = (uint16_t)type };
}

static HoldItem *add_item(Hand *h, const HandFile *file)
{
    HoldItem *item = &h->packet.items[h->packet.header.n_items++];

    *item = (HoldItem){ .dev = file->id.dev, .ino = file->id.ino };
    return item;
}

static bool is_full(const Hand *h)
{
    return h->packet.header.n_items == HOLD_BATCH_MAX;
}

/* Many calls bring few files each, at the end: so they are looked for from there. */
static HandFile *last_file(const Hand *h)
{
    if (!h->files)
        return NULL;
    return ELMT_FROM_HH(h->files->hh.tbl, h->files->hh.tbl->tail);
}

bool hand_ask_score(Hand *h)
{
    int score = holder_score(h->keeps);

    begin(h, HOLD_SCORE);
    h->packet.header.score = score;
    return TAKE(h->score, score) != score;
}

/* What could not be let go of once is not asked for for ever. */
static bool is_to_be_released(const HandFile *file)
{
    return file->let_go || file->renew || (hand_is_away(file) && file->error == 0);
}

bool hand_ask_release(Hand *h)
{
    begin(h, HOLD_RELEASE);
    if (!h->releases)
        return false;
    for (HandFile *file = h->files; file && !is_full(h); file = file->hh.next)
        if (is_to_be_released(file) && file->length > 0)
            add_item(h, file);
    h->releases = h->packet.header.n_items > 0;
    return h->releases;
}

bool hand_ask_handover(Hand *h)
{
    begin(h, HOLD_PIN);
    for (HandFile *file = last_file(h); h->n_open > 0 && file && !is_full(h);
         file = file->hh.prev) {
        if (file->fd < 0 || file->let_go || hand_is_away(file))
            continue;
        HoldItem *item = add_item(h, file);
        item->length = file->size;
        item->flags = HOLD_WITH_FD;
        h->fds.fds[h->fds.n++] = TAKE_FD(file->fd);
        h->n_open--;
    }
    return h->packet.header.n_items > 0;
}

/* A holder beside a unit is charged itself; without a unit what bounds it are the slices. */
static uint64_t room_for(const Hand *h, uint64_t bytes, PinBound *bound)
{
    return h->unit ? headroom_beside(h->host, h->cgroup, bytes, bound)
                   : headroom(h->host, h->cgroup, bytes, bound);
}

/* The next part of it, up to @room bytes; false: it has none left. */
static bool add_part(Hand *h, HandFile *file, uint64_t room, uint64_t *sum)
{
    uint64_t part = min_u64(sub_u64(in_pages(h, file->locked), file->refreshed), room - *sum);

    if (part == 0)
        return false;
    HoldItem *item = add_item(h, file);
    item->offset = file->refreshed;
    item->length = part;
    file->refreshed += part;
    *sum += part;
    return file->refreshed < file->locked;
}

/* As much room is asked for as if all of it was lost. What finds none is told of again, by
 * measuring. */
bool hand_ask_refresh(Hand *h)
{
    PinBound bound = PIN_BOUND_NONE;
    uint64_t room, sum = 0;

    begin(h, HOLD_REFRESH);
    if (!h->refreshes || h->withheld)
        return false;
    room = room_for(h, HOLD_SLICE_MAX, &bound);
    if (room == 0)
        h->bound = bound;
    for (HandFile *file = h->files; file && !is_full(h) && sum < room; file = file->hh.next) {
        if (!file->refresh || add_part(h, file, room, &sum))
            continue;
        file->refresh = false;
        file->refreshed = 0;
    }
    h->refreshes = h->packet.header.n_items > 0;
    return h->refreshes;
}

/* The first file that is not locked as a whole; *ret: bytes that it and those behind it miss. */
static HandFile *first_missing(const Hand *h, uint64_t *ret)
{
    uint64_t sum = 0, all = sub_u64(h->mapped, h->sum);
    HandFile *first = NULL;

    for (HandFile *file = last_file(h); file && sum < all; file = file->hh.prev) {
        uint64_t missing = missing_of(h, file);
        first = missing > 0 ? file : first;
        sum += missing;
    }
    *ret = sum;
    return first;
}

bool hand_ask_lock(Hand *h)
{
    PinBound bound = PIN_BOUND_NONE;
    uint64_t missing, sum = 0;

    begin(h, HOLD_PIN);
    if (h->bound != PIN_BOUND_NONE)
        return false;
    HandFile *file = first_missing(h, &missing);
    if (!file)
        return false;
    if (h->withheld) {
        h->bound = PIN_BOUND_RESERVE;
        return false;
    }
    uint64_t room = room_for(h, min_u64(missing, HOLD_SLICE_MAX), &bound);
    for (; file && !is_full(h) && sum < room; file = file->hh.next) {
        uint64_t bytes = min_u64(missing_of(h, file), room - sum);
        if (bytes == 0)
            continue;
        add_item(h, file)->locked = bytes;
        sum += bytes;
    }
    h->bound = bound;
    return h->packet.header.n_items > 0;
}

/* Answers */

void hand_remove(Hand *h, HandFile *file)
{
    uint64_t locked = in_pages(h, file->locked);

    h->sum -= locked;
    h->host->locked -= locked;
    h->mapped -= in_pages(h, file->length);
    h->changed = true;
    hand_set_fd(h, file, -1);
    HASH_DEL(h->files, file);
    free(file->path);
    free(file);
}

static void set_held(Hand *h, HandFile *file, const HoldItem *item)
{
    uint64_t before = in_pages(h, file->locked);

    h->mapped += in_pages(h, item->length) - in_pages(h, file->length);
    file->length = item->length;
    file->locked = item->length > 0 ? item->locked : 0;
    h->sum += in_pages(h, file->locked) - before;
    h->host->locked += in_pages(h, file->locked) - before;
    h->releases |= file->length > 0 && hand_is_away(file);
}

int hand_note_item(Hand *h, const HoldItem *item)
{
    HandFile *file = hand_find(h, item->dev, item->ino);

    if (!file && item->length > 0)
        file = hand_add(h, NULL, item->dev, item->ino);
    if (!file)
        return item->length > 0 ? -ENOMEM : 0;
    file->size = max_u64(file->size, item->length);
    set_held(h, file, item);
    return 0;
}

static const char *why(int error)
{
    return error == -EFAULT ? "was truncated just now" : strerror(-error);
}

static void fail(Hand *h, HandFile *file, int error)
{
    PinProblems *problems = file->asked ? &h->calls->problems : &h->problems;

    pin_problems_add(problems, file->path ? file->path : "?", why(error));
    file->error = error;
}

static void on_released(Hand *h, HandFile *file, const HoldItem *item)
{
    file->renew = false;
    if (file->length > 0) { /* it would be asked for ever */
        file->let_go = file->shed = false;
        fail(h, file, item->error < 0 ? item->error : -EIO);
    } else if (file->let_go) {
        hand_remove(h, file);
    }
}

static void on_pinned(Hand *h, HandFile *file, const HoldItem *item, bool progress)
{
    if (item->error < 0 || !progress)
        fail(h, file, item->error < 0 ? item->error : -EIO);
    if (file->asked && file->length == 0)
        hand_remove(h, file);
}

/* What a refresh cannot do, the next check finds. */
static void on_answered(Hand *h, HandFile *file, const HoldItem *asked, const HoldItem *item)
{
    uint64_t before = file->locked;

    set_held(h, file, item);
    if (h->packet.header.type == HOLD_RELEASE)
        on_released(h, file, item);
    else if (h->packet.header.type == HOLD_PIN)
        on_pinned(h, file, item, asked->locked == 0 || file->locked > before);
}

int hand_ask_answer(Hand *h, const HoldPacket *answer)
{
    const HoldHeader *header = &answer->header;

    hold_fds_close(&h->fds);
    if (h->packet.header.type == HOLD_SCORE && header->type == HOLD_DONE) {
        if (header->error < 0) /* the pins are good all the same */
            log_warning("%s: the holder of its pins cannot have the OOM score %d: %s", h->label,
                        h->score, strerror(-header->error));
        return 0;
    }
    if (header->error < 0 || header->type != HOLD_DONE ||
        header->n_items != h->packet.header.n_items)
        return -EPROTO;
    for (uint32_t i = 0; i < header->n_items; i++) {
        const HoldItem *asked = &h->packet.items[i];
        HandFile *file = hand_find(h, asked->dev, asked->ino);
        if (answer->items[i].dev != asked->dev || answer->items[i].ino != asked->ino)
            return -EPROTO;
        if (file)
            on_answered(h, file, asked, &answer->items[i]);
    }
    return 0;
}
