/* SPDX-License-Identifier: MIT */
#include "daemon/pin_apply.h"

#include <errno.h>
#include <fcntl.h>

#include "daemon/pin_apply_state.h"
#include "unit/hold/descriptors.h"
#include "unit/kernel/scratch.h"
#include "unit/select/pin-rule.h"
#include "util/units.h"

#define PAGE UINT64_C(4096)

/* A queue of one, which the test runs itself. */
static Job *queued;

void jobs_submit(Jobs *jobs, Job *job)
{
    assert_null(queued);
    queued = job;
}

Job *job_abandon(Job *job)
{
    if (job)
        atomic_store(&job->cancelled, true);
    return NULL;
}

static void run_queue(void)
{
    Job *job = TAKE_PTR(queued);

    if (!job)
        return;
    job->run(job);
    if (!atomic_load(&job->cancelled))
        job->done(job, job->owner);
    job->destroy(job);
}

/* A controller with a holder that does what it is asked. */
typedef struct World {
    Scratch root, proc;
    Host host;
    Settings settings;
    HeldSet held;
    PinProblems problems;
    PinBound bound;
    PinApply *apply;
    size_t requests, items, ready;
    uint64_t asked_most; /* bytes, of one request */
    uint64_t warmed;
    bool on_fault, fill;
    bool fills;           /* as if the service's control group took a process */
    uint64_t recharge;    /* bytes */
    uint8_t pages[8192];  /* of one file that is locked on fault: which are locked */
    uint8_t filled[8192]; /* which were read first; with the bit 2: evicted before that */
    uint64_t mapped;      /* bytes of it */
    uint64_t refreshed;   /* bytes */
    int refresh_error;    /* of what begins a file */
    uint64_t left;        /* bytes available after the next request */
    bool taken;           /* others take all but that meanwhile */
} World;

static void on_ready(void *userdata)
{
    ((World *)userdata)->ready++;
}

static void put_available(const World *w, uint64_t bytes)
{
    char text[128];

    snprintf(text, sizeof(text),
             "MemTotal: 1 kB\nMemFree: 1 kB\nMemAvailable: %ju kB\nMlocked: 0 kB\n",
             (uintmax_t)(bytes / KIB));
    scratch_put(&w->proc, "meminfo", text);
}

static void world_begin(World *w, uint64_t available)
{
    *w = (World){ .root = scratch_new("/tmp"), .proc = scratch_new("/tmp") };
    put_available(w, available);
    w->settings = (Settings){ .pin_budget = UINT64_MAX };
    w->host = (Host){
        .root_fd = w->root.fd,
        .proc_fd = w->proc.fd,
        .cgroup_fd = -1,
        .settings = &w->settings,
        .page = PAGE,
    };
    w->held.page = PAGE;
}

static void world_end(World *w)
{
    pin_apply_free(w->apply);
    run_queue();
    held_clear(&w->held);
    pin_problems_clear(&w->problems);
    scratch_done(&w->root);
    scratch_done(&w->proc);
}

#define WORLD(name, available)             \
    cleanup(world_end) World name = { 0 }; \
    world_begin(&(name), (available))

/* Runs @scan, and begins with what it finds. */
static void apply(World *w, PinScan *scan, bool refresh)
{
    PinApplySetup setup = {
        .host = &w->host,
        .cgroup_path = "",
        .held = &w->held,
        .problems = &w->problems,
        .refresh = refresh,
        .fill = w->fill,
        .ready = on_ready,
        .userdata = w,
    };

    scan->root_fd = w->root.fd;
    scan->fill = w->fill;
    scan->recharge = w->recharge;
    scan->budget = GIB;
    scan->page = PAGE;
    scan->job.run(&scan->job);
    assert_int_equal(scan->error, 0);
    w->bound = PIN_BOUND_NONE;
    pin_apply_free(w->apply);
    w->apply = pin_apply_new(&setup, scan);
    assert_non_null(w->apply);
}

/* Of all files there are, locked as @lock says. */
static void begin_with(World *w, bool refresh, PinLock lock)
{
    PinScan *scan = pin_scan_new(NULL, NULL);
    size_t n;

    const PinHeld *held = held_sorted(&w->held, &n);
    scan->held = malloc((n + 1) * sizeof(PinHeld));
    if (n > 0)
        memcpy(scan->held, held, n * sizeof(PinHeld));
    scan->n_held = n;
    add_pin_rule(&scan->rules, &scan->n_rules, "/*")->lock = lock;
    scan->warmed = w->apply ? pin_apply_take_warmed(w->apply) : (WarmSet){ 0 };
    apply(w, scan, refresh);
}

static void begin(World *w, bool refresh)
{
    begin_with(w, refresh, PIN_LOCK_NOW);
}

static HoldItem do_pin(World *w, const HoldItem *item, int fd)
{
    HoldItem answer = *item;
    struct stat st;
    size_t n;

    answer.flags = 0;
    if (item->lock == HOLD_LOCK_NONE) {
        assert_true(fd >= 0);
        CLEANUP_FREE char *text = malloc(item->length);
        assert_int_equal(pread(fd, text, item->length, (off_t)item->offset), item->length);
        w->warmed += item->length;
        answer.length = answer.locked = 0;
        return answer;
    }
    if (fd >= 0) {
        must(fstat(fd, &st));
        assert_true(st.st_ino == item->ino && st.st_dev == item->dev);
    }
    const PinHeld *held = held_sorted(&w->held, &n);
    const PinHeld *known = n > 0 ? bsearch(&(PinHeld){ .dev = item->dev, .ino = item->ino }, held,
                                           n, sizeof(PinHeld), pin_held_compare)
                                 : NULL;
    assert_true(known || fd >= 0);
    answer.locked = min_u64(item->length, (known ? known->locked : 0) + item->locked);
    return answer;
}

/* All of it was lost. */
static void do_refresh(World *w, const HoldItem *item, HoldItem *ret, uint64_t *sum)
{
    size_t n;
    const PinHeld *held = held_sorted(&w->held, &n);
    const PinHeld *known = bsearch(&(PinHeld){ .dev = item->dev, .ino = item->ino }, held, n,
                                   sizeof(PinHeld), pin_held_compare);

    assert_non_null(known);
    assert_int_equal(item->offset % PAGE, 0);
    *ret = (HoldItem){
        .dev = item->dev, .ino = item->ino, .length = known->length, .locked = known->locked
    };
    if (w->refresh_error < 0 && item->offset == 0)
        ret->error = w->refresh_error;
    w->refreshed += item->length;
    *sum += item->length;
}

static void answer_request(World *w, const HoldPacket *request, const HoldFds *fds, HoldPacket *ret)
{
    uint64_t sum = 0;
    size_t n_fds = 0;

    *ret = *request;
    ret->header.type = HOLD_DONE;
    for (uint32_t i = 0; i < request->header.n_items; i++) {
        const HoldItem *item = &request->items[i];
        int fd = item->flags & HOLD_WITH_FD ? fds->fds[n_fds++] : -1;
        sum += item->lock == HOLD_LOCK_NONE ? (item->length + PAGE - 1) / PAGE * PAGE
                                            : item->locked;
        if (request->header.type == HOLD_PIN)
            ret->items[i] = do_pin(w, item, fd);
        else if (request->header.type == HOLD_REFRESH)
            do_refresh(w, item, &ret->items[i], &sum);
    }
    assert_int_equal(n_fds, fds->n);
    assert_int_equal(sum % PAGE, 0);
    assert_true(sum <= HOLD_SLICE_MAX);
    w->asked_most = max_u64(w->asked_most, sum);
    w->requests++;
    w->items += request->header.n_items;
    if (w->taken)
        put_available(w, w->left);
}

/* A holder of one file that is locked on fault. */
static void answer_ranges(World *w, const HoldPacket *request, const HoldFds *fds, HoldPacket *ret)
{
    size_t locked = 0;

    *ret = *request;
    ret->header.type = HOLD_DONE;
    for (size_t i = 0; i < ELEMENTS(w->pages); i++)
        locked += w->pages[i];
    if (request->header.type == HOLD_RELEASE) {
        memset(w->pages, 0, sizeof(w->pages));
        w->mapped = 0;
        return;
    }
    for (uint32_t i = 0; i < request->header.n_items; i++) {
        const HoldItem *item = &request->items[i];
        size_t left = item->locked / PAGE;
        if (request->header.type == HOLD_REFRESH)
            ret->items[i].lock = HOLD_LOCK_ON_FAULT;
        else
            assert_int_equal(item->lock, HOLD_LOCK_ON_FAULT);
        if (i == 0 && fds->n > 0)
            assert_true(item->flags & HOLD_WITH_FD && left == 0);
        for (size_t k = item->offset / PAGE; k < (item->offset + item->length) / PAGE && left > 0;
             k++)
            if (!w->pages[k]) {
                w->pages[k] = 1;
                locked++;
                left--;
            }
        ret->items[i].flags = 0;
        ret->items[i].offset = 0;
        ret->items[i].length = w->mapped = max_u64(w->mapped,
                                                   fds->n > 0 ? request->items[0].length : 0);
        ret->items[i].locked = locked * PAGE;
        w->asked_most = max_u64(w->asked_most, item->locked);
    }
    w->requests++;
}

/* What pagewarden-hold --fill would do to the file. */
static void note_fill(World *w, PinFill *fill)
{
    uint64_t sum = 0;

    assert_int_equal(!fill->cgroup_path, !w->fill);
    for (uint32_t i = 0; i < fill->packet.header.n_items; i++) {
        const HoldItem *item = &fill->packet.items[i];
        assert_int_equal(item->lock, HOLD_LOCK_NONE);
        for (size_t k = item->offset / PAGE; k < (item->offset + item->length) / PAGE; k++)
            w->filled[k] |= fill->evict[i] ? 3 : 1;
        sum += item->length;
    }
    assert_true(sum <= HOLD_SLICE_MAX);
    free(fill->cgroup_path);
    fill->cgroup_path = NULL; /* so it reads nothing */
}

/* Until there is nothing left to do. */
static void run_all(World *w)
{
    const HoldPacket *request;
    const HoldFds *fds;
    HoldPacket answer;

    for (unsigned steps = 0; steps < 10000; steps++) {
        switch (pin_apply_next(w->apply, &request, &fds, &w->bound)) {
        case PIN_APPLY_SEND:
            if (w->on_fault)
                answer_ranges(w, request, fds, &answer);
            else
                answer_request(w, request, fds, &answer);
            assert_int_equal(pin_apply_answer(w->apply, &answer), 0);
            break;
        case PIN_APPLY_WAIT:
            assert_non_null(queued);
            if (w->fills && w->apply->filling)
                note_fill(w, w->apply->filling);
            size_t before = w->ready;
            run_queue();
            assert_int_equal(w->ready, before + 1);
            break;
        case PIN_APPLY_DONE:
            return;
        }
    }
    fail_msg("it does not end");
}

static void put_files(World *w, size_t n, uint64_t size)
{
    char name[32];

    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "%05zu", i);
        scratch_put_dense(&w->root, name, size);
    }
}

static void small_files_share_a_request(void **state)
{
    WORLD(w, GIB);
    size_t before = count_descriptors(0);

    put_files(&w, 3 * HOLD_BATCH_MAX + 5, 10);
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.requests, 4);
    assert_int_equal(w.items, 3 * HOLD_BATCH_MAX + 5);
    assert_int_equal(w.held.sum, (3 * HOLD_BATCH_MAX + 5) * PAGE);
    assert_int_equal(w.problems.n_total, 0);
    assert_int_equal(w.bound, PIN_BOUND_NONE);
    assert_int_equal(count_descriptors(0), before);
    /* And then there is nothing to do. */
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.requests, 4);
}

static void no_request_is_larger_than_a_slice(void **state)
{
    WORLD(w, GIB);

    /* Two fit into a slice, and three do not. */
    put_files(&w, 5, 7 * MIB);
    scratch_put_dense(&w.root, "99999", 40 * MIB + 1);
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.held.sum, 75 * MIB + PAGE);
    assert_int_equal(w.asked_most, HOLD_SLICE_MAX);
    /* 7+7, 7+7, 7 and the beginning of the last, as it is alone in what follows. */
    assert_in_range(w.requests, 6, 7);
}

static void no_more_than_there_is_room_for(void **state)
{
    WORLD(w, 20 * MIB);

    w.settings.reserve = 17 * MIB;
    put_files(&w, 5, 2 * MIB);
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.bound, PIN_BOUND_RESERVE);
    assert_int_equal(w.requests, 1);
    assert_true(w.held.sum > 0 && w.held.sum <= 3 * MIB);
    /* None at all. */
    w.settings.reserve = 20 * MIB;
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.requests, 1);
    assert_int_equal(w.bound, PIN_BOUND_RESERVE);
}

/* What others take while a slice is read is not taken twice. */
static void room_is_asked_for_before_each_slice(void **state)
{
    WORLD(w, GIB);

    w.settings.reserve = 64 * MIB;
    w.taken = true;
    w.left = 64 * MIB;
    put_files(&w, 1, 40 * MIB);
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.requests, 1);
    assert_int_equal(w.held.sum, HOLD_SLICE_MAX);
    assert_int_equal(w.bound, PIN_BOUND_RESERVE);
    /* Of what has to be read again, too. */
    put_available(&w, GIB);
    w.requests = 0;
    begin(&w, true);
    run_all(&w);
    assert_int_equal(w.requests, 1);
    assert_int_equal(w.refreshed, HOLD_SLICE_MAX);
    assert_int_equal(w.bound, PIN_BOUND_RESERVE);
    /* And a little room is used. */
    put_available(&w, GIB);
    w.left = 68 * MIB;
    w.requests = 0;
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.requests, 2);
    assert_int_equal(w.held.sum, 2 * HOLD_SLICE_MAX + 4 * MIB);
    assert_int_equal(w.bound, PIN_BOUND_RESERVE);
}

static void release_refresh_and_growth(void **state)
{
    WORLD(w, GIB);
    struct stat st;

    put_files(&w, 3, PAGE);
    begin(&w, false);
    run_all(&w);
    for (uint64_t i = 0; i < HOLD_BATCH_MAX + 3; i++) /* of which nobody knows any more */
        assert_int_equal(
            held_note(
                &w.held,
                &(HoldItem){ .dev = UINT64_MAX, .ino = i + 1, .length = PAGE, .locked = PAGE },
                true),
            0);
    w.requests = w.items = 0;
    begin(&w, true);
    run_all(&w);
    /* Two packets to let go, one to refresh. */
    assert_int_equal(w.requests, 2 + 1);
    assert_int_equal(w.items, HOLD_BATCH_MAX + 3 + 3);

    held_clear(&w.held);
    must(fstatat(w.root.fd, "00000", &st, 0));
    must(truncate(scratch_path(&w.root, "00000"), (off_t)(PAGE + 9)));
    HoldItem item = { .dev = st.st_dev, .ino = st.st_ino, .length = PAGE + 5, .locked = PAGE + 5 };
    assert_int_equal(held_note(&w.held, &item, true), 0);
    begin(&w, false);
    run_all(&w);
    /* Within its last page: it is handed over, and no page is asked for. */
    assert_int_equal(w.held.sum, 4 * PAGE);
    size_t n;
    const PinHeld *held = held_sorted(&w.held, &n);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(held[i].locked, held[i].ino == st.st_ino ? PAGE + 5 : PAGE);
}

static void what_cannot_be_pinned_is_told(void **state)
{
    static const struct {
        int error;
        const char *text;
    } cases[] = {
        { -EFAULT, "was truncated just now" },
        { -ENODEV, "No such device" },
        { 0, "Input/output error" }, /* it says that it did, and did not */
    };
    const HoldPacket *request;
    const HoldFds *fds;

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        WORLD(w, GIB);
        put_files(&w, 2, 2 * PAGE);
        begin(&w, false);
        must(unlinkat(w.root.fd, "00001", 0));
        assert_int_equal(pin_apply_next(w.apply, &request, &fds, &w.bound), PIN_APPLY_WAIT);
        run_queue();
        assert_int_equal(pin_apply_next(w.apply, &request, &fds, &w.bound), PIN_APPLY_SEND);
        assert_int_equal(request->header.n_items, 1);
        HoldPacket answer = *request;
        answer.header.type = HOLD_DONE;
        answer.items[0].error = cases[i].error;
        answer.items[0].locked = 0;
        answer.items[0].length = cases[i].error < 0 ? 0 : 2 * PAGE;
        assert_int_equal(pin_apply_answer(w.apply, &answer), 0);
        assert_int_equal(pin_apply_next(w.apply, &request, &fds, &w.bound), PIN_APPLY_DONE);
        assert_int_equal(w.problems.n_entries, 2);
        assert_string_equal(w.problems.entries[0].path, "/00001");
        assert_string_equal(w.problems.entries[0].reason, "No such file or directory");
        assert_string_equal(w.problems.entries[1].path, "/00000");
        assert_string_equal(w.problems.entries[1].reason, cases[i].text);
        assert_int_equal(w.held.sum, 0);
    }
}

static void warmed_once_and_without_room(void **state)
{
    WORLD(w, 20 * MIB);

    w.settings.reserve = 20 * MIB; /* for locks there is none */
    put_files(&w, HOLD_BATCH_MAX + 1, PAGE + 1);
    scratch_put_dense(&w.root, "99999", 20 * MIB + 5);
    size_t before = count_descriptors(0);
    begin_with(&w, false, PIN_LOCK_NONE);
    run_all(&w);
    assert_int_equal(w.bound, PIN_BOUND_NONE);
    assert_int_equal(w.problems.n_total, 0);
    assert_int_equal(w.warmed, (HOLD_BATCH_MAX + 1) * (PAGE + 1) + 20 * MIB + 5);
    assert_int_equal(w.asked_most, HOLD_SLICE_MAX);
    assert_int_equal(w.held.n, 0);
    assert_int_equal(count_descriptors(0), before);
    /* A reclaim in between may have taken some. */
    assert_in_range(pin_apply_warmed(w.apply), 10 * MIB, w.warmed + (HOLD_BATCH_MAX + 2) * PAGE);
    w.requests = 0;
    begin_with(&w, false, PIN_LOCK_NONE);
    run_all(&w);
    assert_int_equal(w.requests, 0);
}

/* A file with @n ranges in memory, of @pages pages each, @gap of them apart. */
static size_t put_ranges(World *w, size_t n, size_t pages, size_t gap)
{
    CLEANUP_FREE char *text = calloc(pages, PAGE);
    int fd = openat(w->root.fd, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    must(fd);
    must(ftruncate(fd, (off_t)(sizeof(w->pages) * PAGE)));
    for (size_t i = 0; i < n; i++)
        must((int)pwrite(fd, text, pages * PAGE, (off_t)(i * (pages + gap) * PAGE)));
    close(fd);
    return n * pages;
}

static size_t count_pages(const World *w)
{
    size_t n = 0;

    for (size_t i = 0; i < sizeof(w->pages); i++)
        n += w->pages[i];
    return n;
}

static void what_is_in_memory_is_locked(void **state)
{
    static const struct {
        size_t ranges, pages;
    } cases[] = { { 1, 3 }, { 3 * HOLD_BATCH_MAX + 7, 2 }, { 1, 5000 }, { 2, 4090 }, { 4, 2000 } };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        WORLD(w, GIB);
        scratch_done(&w.root);
        w.root = scratch_new("/dev/shm"); /* only what was written is in memory */
        w.host.root_fd = w.root.fd;
        w.on_fault = true;
        size_t n = put_ranges(&w, cases[i].ranges, cases[i].pages, 1);
        begin_with(&w, false, PIN_LOCK_ON_FAULT);
        run_all(&w);
        assert_int_equal(w.problems.n_total, 0);
        assert_int_equal(count_pages(&w), n);
        assert_int_equal(w.held.sum, n * PAGE);
        assert_true(w.asked_most <= HOLD_SLICE_MAX);
        w.requests = 0;
        begin_with(&w, false, PIN_LOCK_ON_FAULT);
        run_all(&w);
        assert_int_equal(w.requests, 0);

        /* One page comes in behind all that. */
        int fd = openat(w.root.fd, "file", O_RDWR | O_CLOEXEC);
        must((int)pwrite(fd, "x", 1, (off_t)((sizeof(w.pages) - 1) * PAGE)));
        close(fd);
        begin_with(&w, false, PIN_LOCK_ON_FAULT);
        run_all(&w);
        assert_int_equal(w.pages[sizeof(w.pages) - 1], 1);
        assert_int_equal(count_pages(&w), n + 1);
    }
}

/* By a hole: it is handed over, so that it is mapped as far as that, and no page is asked for. */
static void grown_and_nothing_came_in(void **state)
{
    WORLD(w, GIB);

    scratch_done(&w.root);
    w.root = scratch_new("/dev/shm");
    w.host.root_fd = w.root.fd;
    w.on_fault = true;
    size_t n = put_ranges(&w, 2, 3, 1);
    begin_with(&w, false, PIN_LOCK_ON_FAULT);
    run_all(&w);
    must(truncate(scratch_path(&w.root, "file"), (off_t)((sizeof(w.pages) + 1) * PAGE)));
    begin_with(&w, false, PIN_LOCK_ON_FAULT);
    run_all(&w);
    assert_int_equal(w.mapped, (sizeof(w.pages) + 1) * PAGE);
    assert_int_equal(count_pages(&w), n);
    assert_int_equal(w.problems.n_total, 0);
    w.requests = 0;
    begin_with(&w, false, PIN_LOCK_ON_FAULT);
    run_all(&w);
    assert_int_equal(w.requests, 0);
}

/* That there was no room for locks is not forgotten over what needs none. */
static void bound_is_told_behind_what_is_warmed(void **state)
{
    WORLD(w, 20 * MIB);

    w.settings.reserve = 20 * MIB;
    put_files(&w, 3, PAGE);
    PinScan *scan = pin_scan_new(NULL, NULL);
    add_pin_rule(&scan->rules, &scan->n_rules, "/00000")->lock = PIN_LOCK_NOW;
    add_pin_rule(&scan->rules, &scan->n_rules, "/*")->lock = PIN_LOCK_NONE;
    apply(&w, scan, false);
    run_all(&w);
    assert_int_equal(w.warmed, 2 * PAGE);
    assert_int_equal(w.held.sum, 0);
    assert_int_equal(w.bound, PIN_BOUND_RESERVE);
}

static void no_more_ranges_than_there_is_room_for(void **state)
{
    WORLD(w, 20 * MIB);

    scratch_done(&w.root);
    w.root = scratch_new("/dev/shm");
    w.host.root_fd = w.root.fd;
    w.on_fault = true;
    w.settings.reserve = 19 * MIB;
    (void)put_ranges(&w, 3, 200, 1);
    begin_with(&w, false, PIN_LOCK_ON_FAULT);
    run_all(&w);
    assert_int_equal(w.bound, PIN_BOUND_RESERVE);
    assert_int_equal(count_pages(&w), MIB / PAGE);
}

static void answers_that_are_none(void **state)
{
    WORLD(w, GIB);
    const HoldPacket *request;
    const HoldFds *fds;
    HoldPacket answer = { .header.type = HOLD_DONE };

    put_files(&w, 2, PAGE);
    begin(&w, false);
    assert_int_equal(pin_apply_answer(w.apply, &answer), -EPROTO);
    assert_int_equal(pin_apply_next(w.apply, &request, &fds, &w.bound), PIN_APPLY_WAIT);
    assert_int_equal(pin_apply_answer(w.apply, &answer), -EPROTO);
    run_queue();
    assert_int_equal(pin_apply_next(w.apply, &request, &fds, &w.bound), PIN_APPLY_SEND);
    assert_int_equal(pin_apply_answer(w.apply, &answer), -EPROTO);
    answer.header.n_items = 2;
    answer.header.type = HOLD_ITEMS;
    assert_int_equal(pin_apply_answer(w.apply, &answer), -EPROTO);
    answer.header.type = HOLD_DONE;
    answer.header.error = -E2BIG;
    assert_int_equal(pin_apply_answer(w.apply, &answer), -EPROTO);
}

static void given_up_in_the_middle(void **state)
{
    size_t before = count_descriptors(0);
    const HoldPacket *request;
    const HoldFds *fds;

    for (unsigned steps = 0; steps < 4; steps++) {
        WORLD(w, GIB);
        put_files(&w, HOLD_BATCH_MAX + 9, PAGE);
        begin(&w, false);
        for (unsigned i = 0; i < steps; i++) {
            (void)pin_apply_next(w.apply, &request, &fds, &w.bound);
            if (i < 2)
                run_queue();
        }
        w.apply = pin_apply_free(w.apply);
    }
    assert_null(pin_apply_free(NULL));
    assert_int_equal(count_descriptors(0), before);
}

static void only_what_was_changed_is_refreshed(void **state)
{
    WORLD(w, GIB);
    size_t n;

    put_files(&w, 3, PAGE);
    begin(&w, false);
    run_all(&w);
    /* What was pinned has the time that the scan saw. */
    const PinHeld *held = held_sorted(&w.held, &n);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++)
        assert_true(held[i].ctime > 0);
    w.requests = w.items = 0;
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.requests, 0);

    uint64_t before = held_sorted(&w.held, &n)[1].ctime;
    held_note_ctime(&w.held, held[1].dev, held[1].ino, before - 1);
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.requests, 1);
    assert_int_equal(w.items, 1);
    assert_int_equal(held_sorted(&w.held, &n)[1].ctime, before); /* done */
}

/* A large file part by part, and no part without room. */
static void refreshed_in_slices(void **state)
{
    static const uint64_t size = 2 * HOLD_SLICE_MAX + 3 * PAGE;
    WORLD(w, GIB);
    size_t n;

    put_files(&w, 3, PAGE);
    scratch_put_dense(&w.root, "large", size);
    begin(&w, false);
    run_all(&w);
    const PinHeld *held = held_sorted(&w.held, &n);
    uint64_t sum = w.held.sum;
    assert_int_equal(n, 4);
    w.requests = 0;
    begin(&w, true);
    run_all(&w);
    assert_int_equal(w.refreshed, size + 3 * PAGE);
    assert_in_range(w.requests, 3, 4);
    assert_int_equal(w.held.sum, sum);

    /* Some part of it fails, and so it is not done. */
    for (size_t i = 0; i < n; i++)
        held_note_ctime(&w.held, held[i].dev, held[i].ino, 1);
    w.refresh_error = -EFAULT;
    begin(&w, false);
    run_all(&w);
    held = held_sorted(&w.held, &n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(held[i].ctime, 1);

    /* In smaller parts where there is less room, and without any it waits. */
    w.settings.reserve = GIB;
    w.refreshed = 0;
    w.refresh_error = 0;
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.refreshed, 0);
    assert_int_equal(w.bound, PIN_BOUND_RESERVE);
    w.settings.reserve = GIB - MIB;
    w.asked_most = 0;
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.refreshed, size + 3 * PAGE);
    assert_int_equal(w.asked_most, MIB);
    assert_int_equal(w.bound, PIN_BOUND_NONE);
}

/* Its control group takes nobody: that is not tried for each batch. */
static void a_service_that_cannot_be_charged(void **state)
{
    WORLD(w, GIB);

    w.fill = true;
    put_files(&w, 3, 9 * MIB);
    size_t before = count_descriptors(0);
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.ready, 2); /* opened, and tried */
    assert_int_equal(w.requests, 0);
    assert_int_equal(w.problems.n_total, 3);
    assert_string_equal(w.problems.entries[2].reason, pin_fill_error_text(-EOPNOTSUPP));
    assert_int_equal(count_descriptors(0), before);
}

static size_t count_filled(const World *w, uint8_t how)
{
    size_t n = 0;

    for (size_t i = 0; i < sizeof(w->filled); i++) {
        if (w->filled[i] != 0)
            assert_int_equal(w->filled[i], how);
        n += w->filled[i] != 0;
    }
    return n;
}

static void begin_sparse(World *w, bool fill)
{
    scratch_done(&w->root);
    w->root = scratch_new("/dev/shm");
    w->host.root_fd = w->root.fd;
    w->on_fault = w->fills = true;
    w->fill = fill;
}

/* The service does not pay for zeros. */
static void holes_are_not_read_for_the_service(void **state)
{
    WORLD(w, GIB);

    begin_sparse(&w, true);
    size_t n = put_ranges(&w, 5, 100, 900);
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.problems.n_total, 0);
    assert_int_equal(count_pages(&w), n);
    assert_int_equal(count_filled(&w, 1), n);
    for (size_t i = 0; i < sizeof(w.pages); i++)
        assert_int_equal(w.pages[i], w.filled[i]);
    /* The same when it is all read again, but that it is taken out of memory before. */
    memset(w.filled, 0, sizeof(w.filled));
    w.recharge = GIB;
    begin(&w, false);
    run_all(&w);
    assert_int_equal(count_pages(&w), n);
    assert_int_equal(count_filled(&w, 3), n);
}

/* What is in memory is read again for whoever is to be charged, and no page more. */
static void locked_on_fault_and_charged_anew(void **state)
{
    static const size_t pages[] = { 3, 2000 };

    for (size_t i = 0; i < 2 * ELEMENTS(pages); i++) {
        WORLD(w, GIB);
        begin_sparse(&w, i % 2);
        size_t n = put_ranges(&w, 4, pages[i / 2], 1);
        begin_with(&w, false, PIN_LOCK_ON_FAULT);
        run_all(&w);
        assert_int_equal(count_pages(&w), n);
        assert_int_equal(count_filled(&w, 0), 0); /* it is in memory, and whoever read it pays */
        w.recharge = GIB;
        begin_with(&w, false, PIN_LOCK_ON_FAULT);
        run_all(&w);
        assert_int_equal(w.problems.n_total, 0);
        assert_int_equal(w.held.sum, n * PAGE);
        assert_int_equal(count_pages(&w), n);
        assert_int_equal(count_filled(&w, 3), n);
    }
}

/* For the holder it is enough to take it out of memory, slice by slice. */
static void charged_to_the_holder_anew(void **state)
{
    WORLD(w, GIB);

    put_files(&w, 2, 4 * PAGE);
    scratch_put_dense(&w.root, "large", 20 * MIB + 5);
    begin(&w, false);
    run_all(&w);
    uint64_t sum = w.held.sum;
    size_t descriptors = count_descriptors(0);
    w.fills = true;
    w.recharge = GIB;
    w.requests = w.ready = 0;
    begin(&w, false);
    run_all(&w);
    assert_int_equal(w.problems.n_total, 0);
    assert_int_equal(w.held.sum, sum);
    assert_in_range(w.requests, 1 + 2, 1 + 3); /* released, then pinned */
    assert_true(w.ready > w.requests - 1);     /* each was evicted before it was pinned */
    assert_int_equal(count_descriptors(0), descriptors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_files_share_a_request),
        cmocka_unit_test(no_request_is_larger_than_a_slice),
        cmocka_unit_test(no_more_than_there_is_room_for),
        cmocka_unit_test(room_is_asked_for_before_each_slice),
        cmocka_unit_test(release_refresh_and_growth),
        cmocka_unit_test(only_what_was_changed_is_refreshed),
        cmocka_unit_test(refreshed_in_slices),
        cmocka_unit_test(what_cannot_be_pinned_is_told),
        cmocka_unit_test(warmed_once_and_without_room),
        cmocka_unit_test(what_is_in_memory_is_locked),
        cmocka_unit_test(grown_and_nothing_came_in),
        cmocka_unit_test(bound_is_told_behind_what_is_warmed),
        cmocka_unit_test(no_more_ranges_than_there_is_room_for),
        cmocka_unit_test(a_service_that_cannot_be_charged),
        cmocka_unit_test(holes_are_not_read_for_the_service),
        cmocka_unit_test(locked_on_fault_and_charged_anew),
        cmocka_unit_test(charged_to_the_holder_anew),
        cmocka_unit_test(answers_that_are_none),
        cmocka_unit_test(given_up_in_the_middle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
