/* SPDX-License-Identifier: MIT */
/* Files that are locked as far as they are in memory, or have data; and who is charged with them.
 */
#include "daemon/pin_apply.h"

#include "unit/daemon/applying.h"
#include "unit/hold/descriptors.h"

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
        cmocka_unit_test(what_is_in_memory_is_locked),
        cmocka_unit_test(grown_and_nothing_came_in),
        cmocka_unit_test(bound_is_told_behind_what_is_warmed),
        cmocka_unit_test(no_more_ranges_than_there_is_room_for),
        cmocka_unit_test(a_service_that_cannot_be_charged),
        cmocka_unit_test(holes_are_not_read_for_the_service),
        cmocka_unit_test(locked_on_fault_and_charged_anew),
        cmocka_unit_test(charged_to_the_holder_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
