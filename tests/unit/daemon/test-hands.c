/* SPDX-License-Identifier: MIT */
/* Pins by hand between a caller, whose calls are ours, and a holder, which is ours too. */
#include "daemon/hands.h"

#include <errno.h>
#include <fcntl.h>

#include "daemon/hand_away.h"
#include "daemon/hand_record.h"
#include "daemon/headroom.h"
#include "daemon/measure.h"
#include "daemon/released.h"
#include "unit/daemon/job-queue.h"
#include "unit/kernel/scratch.h"
#include "unit/test.h"
#include "util/io.h"

#define PAGE UINT64_C(4096)

/* The holder */

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

static FakeFile *held(uint64_t ino)
{
    for (size_t i = 0; i < n_has; i++)
        if (has[i].ino == ino)
            return &has[i];
    return NULL;
}

static void apply(HoldItem *item)
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
static bool answer_one(void)
{
    HoldPacket answer = last;

    if (!asked)
        return false;
    asked = false;
    answer.header.type = HOLD_DONE;
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
    for (uint32_t i = 0; i < answer.header.n_items; i++)
        apply(&answer.items[i]);
    handler.message(&answer, handler.userdata);
    return true;
}

static void answer_all(void)
{
    while (answer_one())
        ;
}

/* The machine */

static uint64_t room = UINT64_MAX;

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

/* A caller */

static unsigned n_answers, n_problems;
static char answer_error[128];

static void on_answer(HandCall *call, const char *error_name, const char *error)
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

static int set_up(void **state)
{
    static World w;

    w = (World){ .files = scratch_new("/tmp"), .runtime = scratch_new("/tmp") };
    n_has = n_started = n_stopped = n_answers = 0;
    asked = false;
    refuse = connecting = 0;
    room = UINT64_MAX;
    w.host = (Host){ .page = PAGE, .settings = &w.settings };
    w.host.root_fd = must(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    assert_int_equal(hands_new(&w.host, w.runtime.fd, &w.hands), 0);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
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
static void restart(World *w)
{
    w->hands = hands_free(w->hands);
    assert_int_equal(w->host.locked, 0);
    asked = false;
    assert_int_equal(hands_new(&w->host, w->runtime.fd, &w->hands), 0);
}

/* @pages of a new file, or what it has grown to; its inode. */
static uint64_t put_file(World *w, const char *name, uint64_t pages)
{
    struct stat st;

    CLEANUP_CLOSE int fd = must(openat(w->files.fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    must(ftruncate(fd, (off_t)(pages * PAGE)));
    must(fstat(fd, &st));
    return st.st_ino;
}

static void pin(World *w, const char *unit, const char *name, uint64_t until)
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

static size_t n_files(const World *w)
{
    return w->hands->n_hands > 0 ? HASH_COUNT(w->hands->hands[0]->files) : 0;
}

/* One look at all files, and what comes of it. */
static void check(World *w)
{
    w->hands->hands[0]->check_usec = 0;
    hands_tick(w->hands, now_usec());
    while (n_queued > 0)
        run_queue();
    hands_tick(w->hands, now_usec());
    answer_all();
    hands_tick(w->hands, now_usec());
}

static void a_file_is_pinned(void **state)
{
    World *w = *state;
    char text[4096];

    uint64_t ino = put_file(w, "a", 10000); /* more than two slices */
    pin(w, NULL, "a", 0);
    assert_int_equal(n_started, 1);
    assert_int_equal(n_answers, 0);
    while (answer_one())
        if (n_answers == 0)
            assert_true(!held(ino) || held(ino)->locked == 0); /* first it is handed over */
    assert_int_equal(n_answers, 1);
    assert_string_equal(answer_error, "");
    assert_int_equal(held(ino)->locked, 10000 * PAGE);
    assert_int_equal(w->host.locked, 10000 * PAGE);
    assert_int_equal(hands_count(w->hands), 1);
    assert_non_null(strstr(scratch_get(&w->runtime, HAND_RECORD_NAME, text, sizeof(text)), "/a\n"));
}

static void no_more_than_there_is_room(void **state)
{
    World *w = *state;

    uint64_t ino = put_file(w, "a", 100);
    room = 30 * PAGE;
    pin(w, NULL, "a", 0);
    answer_all();
    assert_int_equal(held(ino)->locked, 30 * PAGE);
    assert_int_equal(w->hands->hands[0]->bound, PIN_BOUND_HOST);
    room = UINT64_MAX;
    check(w); /* the rest follows */
    assert_int_equal(held(ino)->locked, 100 * PAGE);
    assert_int_equal(w->hands->hands[0]->bound, PIN_BOUND_NONE);
}

static void a_restart_changes_nothing(void **state)
{
    World *w = *state;

    uint64_t ino = put_file(w, "a", 3), other = put_file(w, "b", 2);
    pin(w, NULL, "a", now_usec() + 3600 * USEC_PER_SEC);
    answer_all();
    uint64_t since = w->hands->hands[0]->files->since_usec;
    uint64_t until = w->hands->hands[0]->files->until_usec;
    restart(w);
    assert_int_equal(n_files(w), 1);
    hands_tick(w->hands, now_usec());
    answer_all();
    HandFile *file = w->hands->hands[0]->files;
    assert_int_equal(file->id.ino, ino);
    assert_int_equal(file->by, 7);
    assert_true(file->since_usec == since && file->until_usec == until);
    assert_int_equal(file->locked, 3 * PAGE);
    assert_int_equal(w->host.locked, 3 * PAGE);
    assert_int_equal(n_stopped, 0);

    /* What its holder lost meanwhile is pinned again; what nobody knows of stays. */
    has[0].ino = other;
    has[0].length = has[0].locked = PAGE;
    restart(w);
    hands_tick(w->hands, now_usec());
    answer_all();
    check(w);
    assert_int_equal(n_files(w), 2);
    assert_int_equal(held(ino)->locked, 3 * PAGE);
    assert_int_equal(held(other)->locked, PAGE);
}

static void it_ends_in_time(void **state)
{
    World *w = *state;

    put_file(w, "a", 3);
    uint64_t ino = put_file(w, "b", 2), now = now_usec();
    pin(w, NULL, "a", now + 1000 * USEC_PER_SEC);
    answer_all();
    pin(w, NULL, "b", 0);
    answer_all();
    hands_tick(w->hands, now + 999 * USEC_PER_SEC);
    assert_int_equal(n_files(w), 2);
    hands_tick(w->hands, now + 1000 * USEC_PER_SEC);
    assert_true(asked && last.header.type == HOLD_RELEASE);
    answer_all();
    assert_int_equal(n_has, 1);
    assert_non_null(held(ino));
    assert_int_equal(w->host.locked, 2 * PAGE);
}

static void unpinned_by_inode_name_and_all(void **state)
{
    World *w = *state;

    uint64_t a = put_file(w, "a", 1), b = put_file(w, "b", 1);
    put_file(w, "c", 1);
    pin(w, NULL, "a", 0);
    pin(w, NULL, "b", 0);
    pin(w, NULL, "c", 0);
    hands_tick(w->hands, now_usec());
    answer_all();
    assert_int_equal(n_answers, 3);
    assert_int_equal(n_has, 3);

    HandFile *file = hand_find(w->hands->hands[0], has[0].dev, a);
    CLEANUP_FREE char *b_path = strdup(hand_find(w->hands->hands[0], has[0].dev, b)->path);
    HandChoice choice = { .path = "?", .dev = file->id.dev, .ino = a };
    assert_int_equal(hands_unpin(w->hands, &choice), 1);
    assert_int_equal(hands_unpin(w->hands, &choice), 0);
    choice = (HandChoice){ .path = b_path };
    assert_int_equal(hands_unpin(w->hands, &choice), 1);
    choice = (HandChoice){ .path = "?", .ino = 1 };
    assert_int_equal(hands_unpin(w->hands, &choice), 0);
    choice = (HandChoice){ .unit = "other.service" };
    assert_int_equal(hands_unpin(w->hands, &choice), 0);
    hands_flush(w->hands);
    answer_all();
    assert_int_equal(n_has, 1);
    assert_int_equal(hands_unpin(w->hands, &(HandChoice){ 0 }), 1);
    hands_flush(w->hands);
    answer_all();
    assert_int_equal(faccessat(w->runtime.fd, HAND_RECORD_NAME, F_OK, 0), -1);
    hands_tick(w->hands, now_usec());
    assert_int_equal(n_stopped, 1);
    hands_tick(w->hands, now_usec());
    assert_int_equal(w->hands->n_hands, 0);
    assert_int_equal(w->host.locked, 0);
}

static void files_are_followed(void **state)
{
    World *w = *state;

    uint64_t a = put_file(w, "a", 2), b = put_file(w, "b", 8);
    pin(w, NULL, "a", 0);
    pin(w, NULL, "b", 0);
    hands_tick(w->hands, now_usec());
    answer_all();
    put_file(w, "a", 5);
    check(w);
    assert_int_equal(held(a)->locked, 5 * PAGE);
    put_file(w, "b", 3); /* truncated: released, and pinned anew */
    check(w);
    check(w);
    assert_int_equal(held(b)->length, 3 * PAGE);
    assert_int_equal(held(b)->locked, 3 * PAGE);
    assert_int_equal(w->host.locked, 8 * PAGE);

    must(renameat(w->files.fd, "b", w->files.fd, "a"));
    check(w);
    assert_null(held(a));
    assert_null(held(b)); /* it has another name, and was let go */
    assert_int_equal(n_files(w), 0);
}

static void what_the_holder_refuses_is_told(void **state)
{
    World *w = *state;

    put_file(w, "a", 2);
    refuse = -ENODEV;
    pin(w, NULL, "a", 0);
    answer_all();
    assert_int_equal(n_answers, 1);
    assert_int_equal(n_problems, 1);
    assert_int_equal(n_files(w), 0);
}

static void a_holder_that_dies(void **state)
{
    World *w = *state;

    uint64_t ino = put_file(w, "a", 2);
    pin(w, NULL, "a", 0);
    answer_all();
    n_has = 0;
    handler.gone("killed", handler.userdata);
    assert_int_equal(w->host.locked, 0);
    hands_tick(w->hands, now_usec() + 2 * USEC_PER_SEC);
    assert_int_equal(n_started, 2);
    answer_all();
    check(w);
    assert_int_equal(held(ino)->locked, 2 * PAGE);

    /* One that does not start fails the call, after a few tries. */
    n_answers = 0;
    handler.gone("killed", handler.userdata);
    connecting = -ENAMETOOLONG;
    put_file(w, "b", 1);
    pin(w, NULL, "b", 0);
    for (unsigned i = 0; i < 10 && n_answers == 0; i++)
        hands_tick(w->hands, now_usec() + 100 * USEC_PER_SEC);
    assert_int_equal(n_answers, 1);
    assert_string_equal(answer_error, strerror(ENAMETOOLONG));
    assert_int_equal(n_files(w), 1);
}

static void a_unit_that_ends(void **state)
{
    World *w = *state;
    UnitEntry unit = { .name = "shop.service", .active_state = "active" };
    uint64_t now = now_usec();

    put_file(w, "a", 2);
    pin(w, "shop.service", "a", 0);
    assert_int_equal(n_started, 0); /* without a bus nobody knows where it lives */
    assert_false(hands_use_holder(w->hands, "a holder"));
    Hand *h = w->hands->hands[0];
    h->slice = strdup("system.slice");
    h->cgroup = strdup("/system.slice/shop.service");
    hands_tick(w->hands, now);
    answer_all();
    assert_int_equal(n_has, 1);
    assert_true(hands_use_holder(w->hands, "a holder"));
    assert_false(hands_use_holder(w->hands, "another"));
    assert_true(hands_own(w->hands, HOLDER_BY_HAND "shop.service"));
    assert_false(hands_own(w->hands, HOLDER_BY_HAND "other.service"));
    hands_note_units(w->hands, &unit, 1, now);
    hands_tick(w->hands, now + 60 * USEC_PER_SEC);
    assert_int_equal(n_has, 1);
    unit.active_state = "inactive";
    hands_note_units(w->hands, &unit, 1, now);
    hands_tick(w->hands, now + 4 * USEC_PER_SEC);
    assert_int_equal(n_has, 1);
    hands_tick(w->hands, now + 5 * USEC_PER_SEC);
    answer_all();
    assert_int_equal(n_has, 0);
}

static char root[] = "/";
static char *root_only[] = { root, NULL };

/* Below the folder @name; its mount is "/". */
static void release(World *w, Released *released, const char *name)
{
    CLEANUP_FREE char *path = NULL;

    assert_true(asprintf(&path, "%s/%s", w->files.path, name) > 0);
    w->host.released = released;
    assert_int_equal(released_add(released, root_only, path), 0);
    hands_look(w->hands);
}

static void what_is_released_comes_back(void **state)
{
    World *w = *state;
    cleanup(released_clear) Released released = { 0 };

    must(mkdirat(w->files.fd, "mnt", 0755));
    uint64_t a = put_file(w, "mnt/a", 4), b = put_file(w, "b", 2);
    put_file(w, "mnt/c", 1);
    pin(w, NULL, "mnt/a", 0);
    pin(w, NULL, "b", 0);
    hands_tick(w->hands, now_usec());
    answer_all();
    assert_int_equal(w->host.locked, 6 * PAGE);

    uint64_t since = now_usec();
    release(w, &released, "mnt");
    assert_false(hands_have_let_go(w->hands, since));
    answer_all();
    assert_true(hands_have_let_go(w->hands, since) || n_queued > 0);
    while (n_queued > 0)
        run_queue();
    assert_true(hands_have_let_go(w->hands, since));
    assert_null(held(a));
    assert_int_equal(held(b)->locked, 2 * PAGE);
    assert_int_equal(w->host.locked, 2 * PAGE);
    assert_int_equal(n_files(w), 2);

    /* Neither a look nor a call brings anything of it in. */
    check(w);
    assert_null(held(a));
    pin(w, NULL, "mnt/c", 0);
    answer_all();
    assert_int_equal(n_problems, 1);
    assert_int_equal(n_has, 1);
    assert_int_equal(n_files(w), 2);
    assert_true(hands_have_let_go(w->hands, now_usec()));

    released_clear(&released);
    hands_look(w->hands);
    check(w);
    assert_int_equal(held(a)->locked, 4 * PAGE);
    assert_int_equal(w->host.locked, 6 * PAGE);
}

/* It may be among ours just when it is handed over. */
static void released_while_a_request_is_under_way(void **state)
{
    World *w = *state;
    cleanup(released_clear) Released released = { 0 };

    must(mkdirat(w->files.fd, "mnt", 0755));
    put_file(w, "mnt/a", 4);
    pin(w, NULL, "mnt/a", 0);
    while (last.header.type != HOLD_PIN)
        assert_true(answer_one());
    release(w, &released, "mnt");
    assert_false(hands_have_let_go(w->hands, now_usec()));
    answer_all();
    assert_int_equal(n_has, 0);
    assert_int_equal(n_problems, 1);
    while (n_queued > 0)
        run_queue();
    assert_true(hands_have_let_go(w->hands, now_usec()));

    /* A holder that comes back with it lets go of it. */
    HandFile *file = w->hands->hands[0]->files;
    handler.gone("killed", handler.userdata);
    has[n_has++] = (FakeFile){ file->id.dev, file->id.ino, 4 * PAGE, 4 * PAGE };
    hands_tick(w->hands, now_usec() + 100 * USEC_PER_SEC);
    assert_false(hands_have_let_go(w->hands, now_usec()));
    answer_all();
    assert_int_equal(n_has, 0);
    while (n_queued > 0)
        run_queue();
    assert_true(hands_have_let_go(w->hands, now_usec()));
    w->host.released = NULL;
}

static void when_memory_is_short(void **state)
{
    World *w = *state;
    uint64_t pending;

    uint64_t a = put_file(w, "a", 4), b = put_file(w, "b", 10);
    pin(w, NULL, "a", 0);
    pin(w, NULL, "b", 0);
    hands_tick(w->hands, now_usec());
    answer_all();
    while (n_queued > 0)
        run_queue();
    Hand *h = w->hands->hands[0];
    assert_int_equal(hand_shed(h, 3 * PAGE), 4 * PAGE); /* the smallest that is enough */
    assert_int_equal(hand_holding(h, &pending).locked, 10 * PAGE);
    assert_int_equal(pending, 4 * PAGE);
    answer_all();
    assert_true(hand_holding(h, &pending).withheld);
    assert_int_equal(pending, 0);
    assert_null(held(a));
    assert_int_equal(held(b)->locked, 10 * PAGE);

    /* Nothing is locked meanwhile: neither what went, nor what is new or grows. */
    put_file(w, "b", 12);
    uint64_t c = put_file(w, "c", 1);
    pin(w, NULL, "c", 0);
    check(w);
    check(w);
    assert_null(held(a));
    assert_int_equal(held(b)->locked, 10 * PAGE);
    assert_int_equal(held(c)->locked, 0);
    assert_int_equal(h->bound, PIN_BOUND_RESERVE);

    hand_resume(h);
    check(w);
    check(w);
    assert_int_equal(held(a)->locked, 4 * PAGE);
    assert_int_equal(held(b)->locked, 12 * PAGE);
    assert_int_equal(held(c)->locked, PAGE);
    assert_int_equal(w->host.locked, 17 * PAGE);
}

/* Renamed and pinned again before anybody looked: the new name counts, after a restart too. */
static void pinned_again_by_another_name(void **state)
{
    World *w = *state;

    uint64_t ino = put_file(w, "a", 2);
    pin(w, NULL, "a", 0);
    answer_all();
    must(renameat(w->files.fd, "a", w->files.fd, "b"));
    pin(w, NULL, "b", 0);
    answer_all();
    restart(w);
    hands_tick(w->hands, now_usec());
    answer_all();
    check(w);
    assert_non_null(held(ino));
    assert_int_equal(n_files(w), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_is_pinned, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_more_than_there_is_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_restart_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_ends_in_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unpinned_by_inode_name_and_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_are_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_holder_refuses_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_holder_that_dies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_unit_that_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_released_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(released_while_a_request_is_under_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(when_memory_is_short, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pinned_again_by_another_name, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
