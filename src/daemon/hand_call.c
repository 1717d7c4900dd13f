/* SPDX-License-Identifier: MIT */
#include "daemon/hand_call.h"

#include <string.h>
#include <time.h>

#include "daemon/hand_ask.h"
#include "daemon/hand_away.h"
#include "daemon/hand_record.h"
#include "daemon/released.h"
#include "kernel/mounts.h"
#include "util/io.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/strv.h"
#include "util/units.h"

void hand_call_free(HandCall *call)
{
    for (size_t i = 0; i < call->n_wishes; i++) {
        free(call->wishes[i].path);
        safe_close(call->wishes[i].fd);
    }
    free(call->wishes);
    pin_problems_clear(&call->problems);
    free(call);
}

static uint64_t wall_clock_usec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / NSEC_PER_USEC;
}

void hand_call_answer(Hand *h, const char *error_name, const char *error)
{
    HandCall *call = h->calls;

    for (size_t i = 0; h->begun && i < call->n_wishes; i++) {
        HandFile *file = hand_find(h, call->wishes[i].dev, call->wishes[i].ino);
        if (file)
            file->asked = false;
    }
    h->calls = call->next;
    h->begun = false;
    call->answer(call, error_name, error);
}

/* What the first call brought is forgotten, as far as it was not handed over. */
void hand_calls_fail(Hand *h, const char *error_name, const char *error)
{
    HandCall *first = h->begun ? h->calls : NULL;

    for (size_t i = 0; first && i < first->n_wishes; i++) {
        HandFile *file = hand_find(h, first->wishes[i].dev, first->wishes[i].ino);
        if (file && file->asked && file->length == 0)
            hand_remove(h, file);
    }
    while (h->calls)
        hand_call_answer(h, error_name, error);
}

static int adopt_wish(Hand *h, HandCall *call, HandWish *wish)
{
    HandFile *file = hand_find(h, wish->dev, wish->ino);

    if (released_has(h->host->released, wish->path)) {
        pin_problems_add(&call->problems, wish->path, HAND_IS_RELEASED);
        wish->fd = safe_close(wish->fd);
        return 0;
    }
    if (!file) {
        file = hand_add(h, wish->path, wish->dev, wish->ino);
        if (!file)
            return -ENOMEM;
        file->since_usec = wall_clock_usec();
    } else { /* it may have been renamed */
        free(file->path);
        file->path = TAKE_PTR(wish->path);
    }
    file->by = call->by;
    file->until_usec = call->until_usec;
    file->asked = true;
    file->let_go = file->released = file->shed = false;
    file->error = 0;
    if (wish->size > file->length) {
        hand_set_fd(h, file, TAKE_FD(wish->fd));
        file->size = wish->size;
    }
    wish->fd = safe_close(wish->fd);
    return 0;
}

/* Before anything of it is pinned. */
static int record_call(const Hand *h)
{
    CLEANUP_FREE char *text = NULL;
    size_t size = 0;

    FILE *out = open_memstream(&text, &size);
    if (!out)
        return -ENOMEM;
    for (size_t i = 0; i < h->calls->n_wishes; i++) {
        const HandFile *file = hand_find(h, h->calls->wishes[i].dev, h->calls->wishes[i].ino);
        if (file)
            hand_record_print(out, &(HandEntry){ h->unit, file->path, file->id.dev, file->id.ino,
                                                 file->by, file->since_usec, file->until_usec });
    }
    if (fclose(out) != 0)
        return -ENOMEM;
    return hand_record_append(h->runtime_fd, text, size);
}

/* At once, not only by the next check: a mount unit may be stopped before. */
static void note_mounts(Hand *h, const HandCall *call)
{
    cleanup(strv_freep) char **table = NULL;
    int r = mounts_read(h->host->proc_fd, &table);

    for (size_t i = 0; i < call->n_wishes && r >= 0; i++) {
        const HandFile *file = hand_find(h, call->wishes[i].dev, call->wishes[i].ino);
        r = file ? mounts_note(&h->mounts, table, file->path) : 0;
    }
}

/* To seconds: for people. */
static uint64_t rounded(uint64_t usec)
{
    return (usec + USEC_PER_SEC / 2) / USEC_PER_SEC * USEC_PER_SEC;
}

void hand_call_begin(Hand *h)
{
    HandCall *call = h->calls;
    char until[FORMAT_DURATION_MAX] = "";
    int r = 0;

    h->begun = true;
    for (size_t i = 0; i < call->n_wishes && r >= 0; i++)
        r = adopt_wish(h, call, &call->wishes[i]);
    if (r >= 0)
        r = record_call(h);
    if (r < 0) {
        log_error("%s: cannot record what is to be pinned: %s", h->label, strerror(-r));
        h->changed = true;
        hand_calls_fail(h, SD_BUS_ERROR_FAILED, strerror(-r));
        return;
    }
    note_mounts(h, call);
    h->bound = PIN_BOUND_NONE;
    if (call->until_usec > 0)
        format_duration(until, rounded(sub_u64(call->until_usec, now_usec())));
    log_info("%s: user %llu pins %zu %s%s%s", h->label, (unsigned long long)call->by,
             call->n_wishes, call->n_wishes == 1 ? "file" : "files", *until ? " for " : "", until);
}
