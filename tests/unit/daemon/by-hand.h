/* SPDX-License-Identifier: MIT */
#pragma once

/* Pins by hand between a caller, whose calls are ours, and a holder, which is ours too; included by
 * one file of a program. */

#include <errno.h>
#include <fcntl.h>

#include "daemon/hand_record.h"
#include "daemon/hands.h"
#include "daemon/headroom.h"
#include "daemon/measure.h"
#include "unit/daemon/job-queue.h"
#include "unit/kernel/scratch.h"
#include "unit/test.h"
#include "util/io.h"

#define PAGE UINT64_C(4096)

typedef struct FakeFile {
    uint64_t dev, ino, length, locked;
} FakeFile;

static HolderHandler handler;
static FakeFile has[16];
static size_t n_has;
static HoldPacket last; /* the last request, not yet answered */
static bool asked;
static unsigned n_started, n_stopped;
static int refuse; /* what is handed over fails with it */
static int connecting;
static int score; /* that it was told to have; 0: none */

int holder_connect(Host *host, const char *unit, const char *slice, const HolderHandler *h,
                   Holder **ret)
{
    if (connecting < 0)
        return connecting;
    handler = *h;
    n_started++;
    last = (HoldPacket){ .header.type = HOLD_HELLO };
    asked = true;
    *ret = (Holder *)&handler;
    return 0;
}

Holder *holder_free(Holder *holder)
{
    return NULL;
}

int holder_send(Holder *holder, const HoldPacket *packet, const HoldFds *fds)
{
    struct stat st;
    size_t fd = 0;

    assert_false(asked);
    last = *packet;
    asked = true;
    if (packet->header.type == HOLD_SCORE)
        score = packet->header.score;
    for (uint32_t i = 0; i < packet->header.n_items; i++)
        if (packet->items[i].flags & HOLD_WITH_FD) {
            assert_int_equal(fstat(fds->fds[fd++], &st), 0);
            assert_int_equal(st.st_ino, packet->items[i].ino);
        }
    return 0;
}

void holder_stop_other(const Holder *holder)
{
}

bool holder_is_named(const Holder *holder, const char *name)
{
    return strcmp(name, "a holder") == 0;
}

bool holder_is_of(const char *name, const char *unit)
{
    return strcmp(name, unit) == 0;
}

int holder_stop(Host *host, const char *unit)
{
    n_stopped++;
    n_has = 0;
    return 0;
}

static unsigned n_refreshes;
static uint64_t refreshed, refreshed_most; /* bytes; in one request */

static inline FakeFile *held(uint64_t ino)
{
    for (size_t i = 0; i < n_has; i++)
        if (has[i].ino == ino)
            return &has[i];
    return NULL;
}

static inline void apply(HoldItem *item)
{
    FakeFile *file = held(item->ino);

    item->error = 0;
    if (last.header.type == HOLD_RELEASE) {
        assert_non_null(file);
        *file = has[--n_has];
        file = NULL;
    } else if (last.header.type == HOLD_PIN && (item->flags & HOLD_WITH_FD) && refuse) {
        item->error = refuse;
    } else if (last.header.type == HOLD_PIN) {
        if (!file) {
            assert_true(n_has < ELEMENTS(has) && (item->flags & HOLD_WITH_FD));
            file = &has[n_has++];
            *file = (FakeFile){ item->dev, item->ino, 0, 0 };
        }
        file->length = max_u64(file->length, item->length);
        file->locked = min_u64(file->locked + item->locked, file->length);
    }
    item->length = file ? file->length : 0;
    item->locked = file ? file->locked : 0;
    item->flags = 0;
}

/* Answers one request; false: there was none. */
static inline bool answer_one(void)
{
    HoldPacket answer = last;

    if (!asked)
        return false;
    asked = false;
    answer.header.type = HOLD_DONE;
    answer.header.error = 0;
    answer.header.pid = 42;
    if (last.header.type == HOLD_LIST && n_has > 0) {
        HoldPacket items = { .header = { .type = HOLD_ITEMS, .n_items = (uint32_t)n_has } };
        for (size_t i = 0; i < n_has; i++)
            items.items[i] = (HoldItem){ .dev = has[i].dev,
                                         .ino = has[i].ino,
                                         .length = has[i].length,
                                         .locked = has[i].locked };
        handler.message(&items, handler.userdata);
    }
    uint64_t sum = 0;
    for (uint32_t i = 0; i < last.header.n_items && last.header.type == HOLD_REFRESH; i++)
        sum += last.items[i].length;
    n_refreshes += last.header.type == HOLD_REFRESH;
    refreshed += sum;
    refreshed_most = max_u64(refreshed_most, sum);
    for (uint32_t i = 0; i < answer.header.n_items; i++)
        apply(&answer.items[i]);
    handler.message(&answer, handler.userdata);
    return true;
}

static inline void answer_all(void)
{
    while (answer_one())
        ;
}

/* Beside the unit, and where the pins are charged themselves. */
static uint64_t room_beside = UINT64_MAX, room = UINT64_MAX;

uint64_t headroom_beside(const Host *host, const char *cgroup_path, uint64_t bytes, PinBound *bound)
{
    if (bytes > room_beside)
        *bound = PIN_BOUND_CGROUP;
    return min_u64(bytes, room_beside);
}

uint64_t headroom(const Host *host, const char *cgroup_path, uint64_t bytes, PinBound *bound)
{
    if (bytes > room)
        *bound = PIN_BOUND_HOST;
    return min_u64(bytes, room);
}

Job *measure_locked(const Host *host, pid_t pid, const char *cgroup_path, measured_t measured,
                    void *userdata)
{
    return NULL;
}

static unsigned n_answers, n_problems;
static char answer_error[128];

static inline void on_answer(HandCall *call, const char *error_name, const char *error)
{
    n_answers++;
    n_problems = (unsigned)call->problems.n_total;
    snprintf(answer_error, sizeof(answer_error), "%s", error ? error : "");
    hand_call_free(call);
}

typedef struct World {
    Scratch files, runtime;
    Host host;
    Settings settings;
    Hands *hands;
} World;

static inline int set_up(void **state)
{
    static World w;

    w = (World){ .files = scratch_new("/tmp"), .runtime = scratch_new("/tmp") };
    n_has = n_started = n_stopped = n_answers = 0;
    asked = false;
    refuse = connecting = score = 0;
    room_beside = room = UINT64_MAX;
    n_refreshes = 0;
    refreshed = refreshed_most = 0;
    w.host = (Host){ .page = PAGE, .settings = &w.settings };
    w.host.root_fd = must(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    assert_int_equal(hands_new(&w.host, w.runtime.fd, &w.hands), 0);
    *state = &w;
    return 0;
}

static inline int tear_down(void **state)
{
    World *w = *state;

    w->hands = hands_free(w->hands);
    while (n_queued > 0) { /* abandoned */
        Job *job = queue[--n_queued];
        job->destroy(job);
    }
    safe_close(w->host.root_fd);
    scratch_done(&w->files);
    scratch_done(&w->runtime);
    return 0;
}

/* As after a restart of the controller: the holder and the record stay. */
static inline void restart(World *w)
{
    w->hands = hands_free(w->hands);
    assert_int_equal(w->host.locked, 0);
    asked = false;
    assert_int_equal(hands_new(&w->host, w->runtime.fd, &w->hands), 0);
}

/* @pages of a new file, or what it has grown to; its inode. */
static inline uint64_t put_file(World *w, const char *name, uint64_t pages)
{
    struct stat st;

    CLEANUP_CLOSE int fd = must(openat(w->files.fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    must(ftruncate(fd, (off_t)(pages * PAGE)));
    must(fstat(fd, &st));
    return st.st_ino;
}

static inline void pin(World *w, const char *unit, const char *name, uint64_t until)
{
    HandCall *call = calloc(1, sizeof(HandCall));
    struct stat st;

    call->wishes = calloc(1, sizeof(HandWish));
    call->n_wishes = 1;
    call->by = 7;
    call->until_usec = until;
    call->answer = on_answer;
    int fd = must(openat(w->files.fd, name, O_RDONLY | O_CLOEXEC));
    must(fstat(fd, &st));
    call->wishes[0] = (HandWish){
        .dev = st.st_dev,
        .ino = st.st_ino,
        .size = (uint64_t)st.st_size,
        .fd = fd,
    };
    assert_true(asprintf(&call->wishes[0].path, "%s/%s", w->files.path, name) > 0);
    assert_int_equal(hands_pin(w->hands, unit, call), 0);
}

static inline size_t n_files(const World *w)
{
    return w->hands->n_hands > 0 ? HASH_COUNT(w->hands->hands[0]->files) : 0;
}

/* One look at all files, and what comes of it. */
static inline void check(World *w)
{
    w->hands->hands[0]->check_usec = 0;
    hands_tick(w->hands, now_usec());
    while (n_queued > 0)
        run_queue();
    hands_tick(w->hands, now_usec());
    answer_all();
    hands_tick(w->hands, now_usec());
}
