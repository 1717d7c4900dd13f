/* SPDX-License-Identifier: MIT */
#pragma once

/* A controller with a holder that does what it is asked, and a queue that the test runs; included
 * by one file of a program. */

#include <errno.h>
#include <fcntl.h>

#include "daemon/pin_apply_state.h"
#include "unit/daemon/job-queue.h"
#include "unit/kernel/scratch.h"
#include "unit/select/pin-rule.h"
#include "util/units.h"

#define PAGE UINT64_C(4096)

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

static inline void on_ready(void *userdata)
{
    ((World *)userdata)->ready++;
}

static inline void put_available(const World *w, uint64_t bytes)
{
    char text[128];

    snprintf(text, sizeof(text),
             "MemTotal: 1 kB\nMemFree: 1 kB\nMemAvailable: %ju kB\nMlocked: 0 kB\n",
             (uintmax_t)(bytes / KIB));
    scratch_put(&w->proc, "meminfo", text);
}

static inline void world_begin(World *w, uint64_t available)
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

static inline void world_end(World *w)
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
static inline void apply(World *w, PinScan *scan, bool refresh)
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
static inline void begin_with(World *w, bool refresh, PinLock lock)
{
    PinScan *scan = pin_scan_new(NULL, NULL);

    scan->held = held_share(&w->held);
    add_pin_rule(&scan->rules, &scan->n_rules, "/*")->lock = lock;
    scan->warmed = w->apply ? pin_apply_take_warmed(w->apply) : (WarmSet){ 0 };
    apply(w, scan, refresh);
}

static inline void begin(World *w, bool refresh)
{
    begin_with(w, refresh, PIN_LOCK_NOW);
}

static inline HoldItem do_pin(World *w, const HoldItem *item, int fd)
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
static inline void do_refresh(World *w, const HoldItem *item, HoldItem *ret, uint64_t *sum)
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

static inline void answer_request(World *w, const HoldPacket *request, const HoldFds *fds,
                                  HoldPacket *ret)
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
static inline void answer_ranges(World *w, const HoldPacket *request, const HoldFds *fds,
                                 HoldPacket *ret)
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
static inline void note_fill(World *w, PinFill *fill)
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
static inline void run_all(World *w)
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
            assert_int_equal(n_queued, 1);
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

static inline void put_files(World *w, size_t n, uint64_t size)
{
    char name[32];

    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "%05zu", i);
        scratch_put_dense(&w->root, name, size);
    }
}

/* A file with @n ranges in memory, of @pages pages each, @gap of them apart. */
static inline size_t put_ranges(World *w, size_t n, size_t pages, size_t gap)
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

static inline size_t count_pages(const World *w)
{
    size_t n = 0;

    for (size_t i = 0; i < sizeof(w->pages); i++)
        n += w->pages[i];
    return n;
}
