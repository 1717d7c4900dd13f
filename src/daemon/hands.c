/* SPDX-License-Identifier: MIT */
/* The hands come and go with what they hold. The record is appended to before a file is handed over
 * (hand.c), and written anew here when files were let go: at once where somebody asked for it, so
 * that a controller after us does not pin them again, else at the next tick. */

#include "daemon/hands.h"

#include <pagewarden/names.h>
#include <string.h>

#include "daemon/hand_ask.h"
#include "daemon/hand_away.h"
#include "daemon/hand_record.h"
#include "daemon/put.h"
#include "kernel/mounts.h"
#include "util/io.h"
#include "util/log.h"
#include "util/strv.h"
#include "util/units.h"

static bool is_same_unit(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static Hand *find(const Hands *hands, const char *unit)
{
    for (size_t i = 0; i < hands->n_hands; i++)
        if (is_same_unit(hands->hands[i]->unit, unit))
            return hands->hands[i];
    return NULL;
}

static int find_or_add(Hands *hands, const char *unit, Hand **ret)
{
    *ret = find(hands, unit);
    if (*ret)
        return 0;
    Hand **grown = reallocarray(hands->hands, hands->n_hands + 1, sizeof(Hand *));
    if (!grown)
        return -ENOMEM;
    hands->hands = grown;
    int r = hand_new(hands->host, hands->runtime_fd, unit, ret);
    if (r >= 0)
        grown[hands->n_hands++] = *ret;
    return r;
}

/* The record */

static int on_entry(const HandEntry *entry, void *userdata)
{
    Hands *hands = userdata;
    Hand *hand;

    int r = find_or_add(hands, entry->unit, &hand);
    if (r < 0)
        return r;
    HandFile *file = hand_find(hand, entry->dev, entry->ino);
    if (file) /* of what was appended, one line a file is left; the last one has its name */
        hand_remove(hand, file);
    file = hand_add(hand, entry->path, entry->dev, entry->ino);
    if (!file)
        return -ENOMEM;
    file->by = entry->by;
    file->since_usec = entry->since_usec;
    file->until_usec = entry->until_usec;
    hand->changed = true;
    return 0;
}

static bool take_changes(Hands *hands)
{
    bool changed = false;

    for (size_t i = 0; i < hands->n_hands; i++)
        changed |= TAKE(hands->hands[i]->changed, false);
    return changed;
}

static int save(const Hands *hands)
{
    CLEANUP_FREE char *text = NULL;
    size_t size = 0;

    FILE *out = open_memstream(&text, &size);
    if (!out)
        return -ENOMEM;
    for (size_t i = 0; i < hands->n_hands; i++) {
        const Hand *h = hands->hands[i];
        for (const HandFile *file = h->files; file; file = file->hh.next)
            if (file->path && !file->let_go)
                hand_record_print(out,
                                  &(HandEntry){ h->unit, file->path, file->id.dev, file->id.ino,
                                                file->by, file->since_usec, file->until_usec });
    }
    if (fclose(out) != 0)
        return -ENOMEM;
    return hand_record_replace(hands->runtime_fd, text, size);
}

static void save_changes(Hands *hands)
{
    if (!take_changes(hands))
        return;
    int r = save(hands);
    if (r < 0)
        log_warning("Cannot write down what is pinned by hand (%s), ignoring", strerror(-r));
}

int hands_new(Host *host, int runtime_fd, Hands **ret)
{
    cleanup(hands_freep) Hands *hands = calloc(1, sizeof(Hands));
    size_t bad;
    if (!hands)
        return -ENOMEM;

    hands->host = host;
    hands->runtime_fd = runtime_fd;
    int r = hand_record_read(runtime_fd, on_entry, hands, &bad);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        log_warning("What was pinned by hand cannot be read (%s)", strerror(-r));
    else if (bad > 0)
        log_warning("%zu lines of what was pinned by hand cannot be read, ignoring them", bad);
    *ret = TAKE_PTR(hands);
    return 0;
}

Hands *hands_free(Hands *hands)
{
    if (!hands)
        return NULL;
    save_changes(hands);
    for (size_t i = 0; i < hands->n_hands; i++)
        hand_free(hands->hands[i]);
    free(hands->hands);
    free(hands);
    return NULL;
}

/* Time and units */

void hands_tick(Hands *hands, uint64_t now)
{
    for (size_t i = hands->n_hands; i-- > 0;) {
        Hand *h = hands->hands[i];
        hand_tick(h, now);
        if (hand_is_finished(h)) {
            log_debug("%s: forgotten", h->label);
            hands->hands[i] = hands->hands[--hands->n_hands];
            hand_free(h);
        }
    }
    save_changes(hands);
}

void hands_note_units(Hands *hands, const UnitEntry *units, size_t n_units, uint64_t now)
{
    for (size_t i = 0; i < hands->n_hands; i++)
        hands->hands[i]->listed = false;
    for (size_t i = 0; i < n_units && hands->n_hands > 0; i++) {
        Hand *h = find(hands, units[i].name);
        if (h)
            h->listed = strcmp(units[i].active_state, "inactive") != 0 &&
                        strcmp(units[i].active_state, "failed") != 0;
    }
    for (size_t i = 0; i < hands->n_hands; i++)
        if (hands->hands[i]->unit)
            hand_note_running(hands->hands[i], hands->hands[i]->listed, now);
}

void hands_bus_lost(Hands *hands)
{
    for (size_t i = 0; i < hands->n_hands; i++)
        hand_bus_lost(hands->hands[i]);
}

void hands_look(Hands *hands)
{
    for (size_t i = 0; i < hands->n_hands; i++)
        hand_look(hands->hands[i]);
}

bool hands_have_let_go(const Hands *hands, uint64_t since)
{
    for (size_t i = 0; i < hands->n_hands; i++)
        if (!hand_has_let_go(hands->hands[i], since))
            return false;
    return true;
}

bool hands_use_holder(const Hands *hands, const char *name)
{
    for (size_t i = 0; i < hands->n_hands; i++)
        if (hands->hands[i]->holder && holder_is_named(hands->hands[i]->holder, name))
            return true;
    return false;
}

int hands_note_mounts(const Hands *hands, char ***set)
{
    for (size_t i = 0; i < hands->n_hands; i++)
        STRV_FOREACH (mount, hands->hands[i]->mounts)
            if (!strv_has(*set, *mount) && strv_append(set, *mount) < 0)
                return -ENOMEM;
    return 0;
}

bool hands_own(const Hands *hands, const char *name)
{
    for (size_t i = 0; i < hands->n_hands; i++)
        if (holder_is_of(name, hands->hands[i]->key))
            return true;
    return false;
}

/* What is asked for */

static size_t count_files(const Hands *hands)
{
    size_t n = 0;

    for (size_t i = 0; i < hands->n_hands; i++)
        n += HASH_COUNT(hands->hands[i]->files);
    return n;
}

int hands_pin(Hands *hands, const char *unit, HandCall *call)
{
    Hand *hand;

    int r = count_files(hands) + call->n_wishes > HANDS_FILES_MAX ? -EDQUOT : 0;
    if (r >= 0)
        r = find_or_add(hands, unit, &hand);
    if (r >= 0)
        hand_pin(hand, call);
    else
        hand_call_free(call);
    return r;
}

static bool is_chosen(const HandFile *file, const HandChoice *choice)
{
    if (file->let_go)
        return false;
    if (!choice->path)
        return true;
    return choice->ino != 0 || (file->path && strcmp(file->path, choice->path) == 0);
}

size_t hands_unpin(Hands *hands, const HandChoice *choice)
{
    size_t n = 0;

    for (size_t i = 0; i < hands->n_hands; i++) {
        Hand *h = hands->hands[i];
        HandFile *known = choice->ino ? hand_find(h, choice->dev, choice->ino) : NULL;
        if ((choice->unit && !is_same_unit(h->unit, choice->unit)) || (choice->ino && !known))
            continue;
        for (HandFile *file = known ?: h->files; file; file = known ? NULL : file->hh.next) {
            if (!is_chosen(file, choice))
                continue;
            hand_let_go(h, file);
            n++;
        }
    }
    return n;
}

void hands_flush(Hands *hands)
{
    save_changes(hands);
    for (size_t i = 0; i < hands->n_hands; i++)
        hand_tick(hands->hands[i], now_usec());
}

/* What there is */

size_t hands_count(const Hands *hands)
{
    size_t n = 0;

    for (size_t i = 0; i < hands->n_hands; i++)
        for (const HandFile *file = hands->hands[i]->files; file; file = file->hh.next)
            n += file->length > 0;
    return n;
}

size_t hands_held(const Hands *hands, PinId *ret)
{
    size_t n = 0;

    for (size_t i = 0; i < hands->n_hands; i++)
        for (const HandFile *file = hands->hands[i]->files; file; file = file->hh.next)
            if (file->length > 0)
                ret[n++] = (PinId){ file->id.dev, file->id.ino };
    return n;
}

static const char *state_of(const Hand *h)
{
    if (h->withheld && h->state == HAND_SETTLED && !h->calls)
        return "released";
    return h->calls ? "pinning" : hand_state_to_string(h->state);
}

static json_object *describe(const Hand *h)
{
    json_object *object = json_object_new_object();
    uint64_t wanted = 0, locked_files = 0;

    for (const HandFile *file = h->files; file; file = file->hh.next) {
        wanted = add_u64(wanted, file->size);
        locked_files += file->size > 0 && file->locked >= file->size;
    }
    put_string(object, "unit", h->unit);
    put_string(object, "state", state_of(h));
    put_size(object, "files", HASH_COUNT(h->files));
    put_size(object, "files_locked", locked_files);
    put_size(object, "wanted", wanted);
    put_size(object, "held", h->sum);
    put_size(object, "locked", h->locked);
    put_string(object, "bound", h->bound == PIN_BOUND_NONE ? NULL : pin_bound_to_string(h->bound));
    put(object, "problems", put_problems(h->problems.entries, h->problems.n_entries));
    return object;
}

json_object *hands_describe(const Hands *hands)
{
    json_object *array = json_object_new_array();

    for (size_t i = 0; i < hands->n_hands; i++)
        json_object_array_add(array, describe(hands->hands[i]));
    return array;
}
