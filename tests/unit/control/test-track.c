/* SPDX-License-Identifier: MIT */
#include "control/track.h"

#include "control/floor.h"
#include "unit/control/tracking.h"
#include "util/cleanup.h"

static void it_learns_probes_waits_and_tightens(void **state)
{
    TrackState s = { 0 };
    Sample sample = unit();

    assert_int_equal(usual_look(&s, &sample).reason, LIMIT_REASON_LEARN);
    LimitDecision d = usual_look(&s, &sample);
    assert_int_equal(d.reason, LIMIT_REASON_PROBE);
    assert_int_equal(d.reclaim, 2 * MIB);
    assert_true(d.want == LIMIT_NONE);
    assert_int_equal(usual_look(&s, &sample).reason, LIMIT_REASON_HOLD);
    d = usual_look(&s, &sample);
    assert_int_equal(d.reason, LIMIT_REASON_PROBE);
    assert_int_equal(d.reclaim, 8 * MIB);
    /* 998 in use, and a 32nd of it. */
    assert_in_range(d.want, 1028 * MIB, 1030 * MIB);
}

/* Whatever it waits for otherwise, on the way down. */
static void a_lower_max_is_kept_at_once(void **state)
{
    TrackState s = { 0 };
    Sample sample = unit();
    LimitConfig config = usual;

    uint64_t want = until_limited(&s, &sample).want;
    config.max = want - 4 * MIB;
    assert_int_equal(look(&s, &config, &nothing, &sample, 1000).want, config.max);
    sample.memory_psi.some_usec += 10 * USEC_PER_MSEC;
    config.max -= 100 * MIB;
    assert_int_equal(look(&s, &config, &nothing, &sample, 1000).want, config.max);
}

static void no_probe_is_larger_than_an_eighth_or_goes_below_the_floor(void **state)
{
    TrackState s = { 0 };
    Sample sample = unit();
    LimitConfig config = usual;

    config.min = 400 * MIB;
    for (unsigned i = 0; i < 200; i++) {
        uint64_t before = sample.current;
        LimitDecision d = look(&s, &config, &nothing, &sample, 1000);
        assert_true(d.reclaim <= before / 8 + 1);
        assert_true(sample.current >= 400 * MIB);
        assert_true(d.want >= 400 * MIB);
        assert_true(i < 100 || d.reason == LIMIT_REASON_AT_MIN || d.reason == LIMIT_REASON_HOLD);
    }
    assert_in_range(sample.current, 400 * MIB, 403 * MIB);
}

static void what_is_missed_ends_the_probe(void **state)
{
    TrackState s = { 0 };
    Sample sample = unit();

    (void)until_limited(&s, &sample);
    sample.refault_file += 512;
    LimitDecision d = usual_look(&s, &sample);
    assert_int_equal(d.reason, LIMIT_REASON_PRESSURE);
    assert_int_equal(d.reclaim, 0);
    /* No further one for 6 s and more. */
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(usual_look(&s, &sample).reason, LIMIT_REASON_STEADY);
}

/* Twenty pages are scanned for each that is had, and twice as many come in as are taken. */
static LimitDecision look_in_vain(TrackState *state, Sample *sample)
{
    uint64_t before = sample->pgsteal;
    LimitDecision d = usual_look(state, sample);
    uint64_t taken = sample->pgsteal - before;

    sample->pgscan += 19 * taken;
    sample->file += 8 * MIB;
    sample->inactive_file += 8 * MIB;
    sample->current += 8 * MIB;
    return d;
}

static void what_is_scanned_in_vain_is_left_alone(void **state)
{
    TrackState s = { 0 };
    Sample sample = unit();
    unsigned waits[3] = { 0 };

    (void)until_limited(&s, &sample);
    while (look_in_vain(&s, &sample).reclaim < 2 * MIB)
        ;
    /* Neither probes nor what is above the goal, for three seconds and no longer each time. */
    for (unsigned i = 0; i < ELEMENTS(waits); i++)
        while (look_in_vain(&s, &sample).reclaim == 0 && waits[i] < 100)
            waits[i]++;
    for (unsigned i = 0; i < ELEMENTS(waits); i++)
        assert_in_range(waits[i], 3, 4);
    /* And then it is had easily. */
    while (usual_look(&s, &sample).reason != LIMIT_REASON_PROBE && waits[0] < 100)
        waits[0]++;
    assert_true(waits[0] < 70);
    for (unsigned i = 0; i < 4; i++)
        assert_int_not_equal(usual_look(&s, &sample).reason, LIMIT_REASON_STEADY);
}

static void without_pressure_figures_nothing_is_tightened(void **state)
{
    TrackState s = { 0 };
    Sample sample = unit();

    (void)until_limited(&s, &sample);
    sample.memory_psi.valid = false;
    for (unsigned i = 0; i < 10; i++) {
        LimitDecision d = usual_look(&s, &sample);
        assert_int_equal(d.reason, LIMIT_REASON_NO_PSI);
        assert_true(d.want == LIMIT_NONE && d.reclaim == 0);
    }
}

static void slow_disks_are_only_observed(void **state)
{
    TrackState s = { 0 };
    Sample sample = unit();
    const LimitContext slow = { .slow_disk = true };

    for (unsigned i = 0; i < 10; i++) {
        LimitDecision d = look(&s, &usual, &slow, &sample, 1000);
        assert_true(d.want == LIMIT_NONE && d.reclaim == 0);
        assert_int_equal(d.reason, i == 0 ? LIMIT_REASON_LEARN : LIMIT_REASON_SLOW_DISK);
    }
}

static void nothing_is_tightened_while_the_host_is_short(void **state)
{
    TrackState s = { 0 };
    Sample sample = unit();
    const LimitContext is_short = { .memory_short = true };

    LimitDecision before = until_limited(&s, &sample);
    for (unsigned i = 0; i < 10; i++) {
        LimitDecision d = look(&s, &usual, &is_short, &sample, 1000);
        assert_int_equal(d.reclaim, 0);
        assert_true(i < 3 || d.reason == LIMIT_REASON_SHORT);
        assert_true(i < 3 || d.want >= before.want / 2);
    }
}

static void pages_that_come_back_from_a_busy_disk_end_it(void **state)
{
    TrackState s = { 0 };
    Sample sample = unit();

    (void)usual_look(&s, &sample);
    sample.refault_file += 2;
    sample.io_psi.some_usec += 300 * USEC_PER_MSEC;
    LimitDecision d = usual_look(&s, &sample);
    assert_int_equal(d.reason, LIMIT_REASON_IO);
    assert_int_equal(d.reclaim, 0);
    /* A busy disk alone does not: it may read something else. */
    sample.io_psi.some_usec += 300 * USEC_PER_MSEC;
    assert_int_equal(usual_look(&s, &sample).reason, LIMIT_REASON_PROBE);
}

static void a_stall_lets_go_for_longer_each_time(void **state)
{
    static const unsigned expected[] = { 30, 60, 120, 240, 480, 600, 600 };
    TrackState s = { 0 };
    Sample sample = unit();

    for (size_t i = 0; i < ELEMENTS(expected); i++) {
        unsigned seconds = 0;

        sample.current += 200 * MIB;
        sample.file += 200 * MIB;
        sample.inactive_file += 200 * MIB;
        (void)until_limited(&s, &sample);
        stall(&sample);
        LimitDecision d = look(&s, &usual, &nothing, &sample, 200);
        assert_int_equal(d.reason, LIMIT_REASON_STALL);
        assert_true(d.want == LIMIT_NONE && d.reclaim == 0);
        while (usual_look(&s, &sample).reason == LIMIT_REASON_STALL)
            seconds++;
        assert_in_range(seconds, expected[i] - 1, expected[i]);
    }
}

/* However often it is looked at meanwhile. */
static void a_stall_in_small_pieces_lets_go(void **state)
{
    TrackState s = { 0 };
    Sample sample = unit();
    LimitDecision d = until_limited(&s, &sample);

    for (unsigned i = 0; i < 5 && d.reason != LIMIT_REASON_STALL; i++) {
        assert_true(d.want != LIMIT_NONE);
        sample.memory_psi.some_usec += 30 * USEC_PER_MSEC;
        sample.events_high++;
        d = look(&s, &usual, &nothing, &sample, 100);
    }
    assert_int_equal(d.reason, LIMIT_REASON_STALL);
    assert_true(d.want == LIMIT_NONE);
}

/* A look that comes in the middle sees a part, and raises the limit; the trigger's sees the rest.
 */
static void a_trigger_is_believed(void **state)
{
    static const LimitContext fired = { .pressed = true };
    static const struct {
        unsigned rest_msec; /* of the stall, after that look */
        uint64_t pressure;
        const LimitContext *context;
        bool expected;
    } cases[] = {
        { 15, LIMIT_PRESSURE_DEFAULT, &fired, true },
        { 15, LIMIT_PRESSURE_DEFAULT, &nothing, false },
        { 5, LIMIT_PRESSURE_DEFAULT, &fired, false }, /* some kernels' first event is false */
        { 15, 50000, &fired, false },                 /* that is what is asked for */
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        LimitConfig config = usual;
        TrackState s = { 0 };
        Sample sample = unit();

        (void)until_limited(&s, &sample);
        config.pressure = cases[i].pressure;
        sample.anon += 100 * MIB;
        sample.current += 100 * MIB;
        sample.memory_psi.some_usec += 30 * USEC_PER_MSEC;
        sample.events_high++;
        LimitDecision d = look(&s, &config, &nothing, &sample, 1000);
        assert_true(d.want != LIMIT_NONE);
        sample.memory_psi.some_usec += cases[i].rest_msec * USEC_PER_MSEC;
        d = look(&s, &config, cases[i].context, &sample, 50);
        assert_int_equal(d.reason == LIMIT_REASON_STALL, cases[i].expected);
        assert_int_equal(d.want == LIMIT_NONE, cases[i].expected);
    }
}

static void a_livelock_lets_go(void **state)
{
    TrackState s = { 0 };
    Sample sample = unit();

    (void)until_limited(&s, &sample);
    sample.events_high += 20;
    sample.pgscan += 100000;
    sample.pgsteal += 100;
    LimitDecision d = look(&s, &usual, &nothing, &sample, 200);
    assert_int_equal(d.reason, LIMIT_REASON_STALL);
    assert_true(d.want == LIMIT_NONE);
}

static void after_a_small_stall_it_looks_again_soon(void **state)
{
    TrackState s = { 0 };
    Sample sample = unit();

    (void)until_limited(&s, &sample);
    sample.memory_psi.some_usec += 30 * USEC_PER_MSEC;
    LimitDecision d = look(&s, &usual, &nothing, &sample, 500);
    assert_true(d.want != LIMIT_NONE);
    assert_int_equal(d.next_usec, sample.at_usec + 100 * USEC_PER_MSEC);
}

static void the_limit_moves_with_what_cannot_be_reclaimed(void **state)
{
    TrackState s = { 0 };
    Sample sample = unit();

    LimitDecision before = until_limited(&s, &sample);
    sample.anon += 300 * MIB;
    sample.current += 300 * MIB;
    LimitDecision d = look(&s, &usual, &nothing, &sample, 100);
    assert_true(d.want >= before.want + 300 * MIB);
    assert_int_equal(d.reclaim, 0);
    assert_int_equal(d.reason, LIMIT_REASON_GROWTH);
    /* A burst that went is remembered. */
    sample.anon -= 300 * MIB;
    sample.current -= 300 * MIB;
    for (unsigned i = 0; i < 30; i++)
        (void)usual_look(&s, &sample);
    assert_true(track_floor(&s, &usual, &nothing, &sample) > limit_floor(&sample, 0) + 150 * MIB);
}

static void floors(void **state)
{
    TrackState s = { 0 };
    Sample sample = unit();
    LimitConfig all = usual;
    LimitContext swap = { .swap_free = 60 * MIB };

    assert_int_equal(track_floor(&s, &usual, &nothing, &sample), 116 * MIB);
    sample.min = 500 * MIB;
    assert_int_equal(track_floor(&s, &usual, &nothing, &sample), 500 * MIB);
    sample.min = 0;
    all.reclaim = LIMIT_RECLAIM_ALL;
    sample.swap_max = LIMIT_NONE;
    assert_int_equal(track_floor(&s, &usual, &swap, &sample), 116 * MIB);
    assert_int_equal(track_floor(&s, &all, &nothing, &sample), 116 * MIB);
    assert_int_equal(track_floor(&s, &all, &swap, &sample), 56 * MIB);
    sample.swap_max = 10 * MIB;
    sample.swap_current = 4 * MIB;
    assert_int_equal(track_floor(&s, &all, &swap, &sample), 110 * MIB);
}

static void never_above_the_maximum(void **state)
{
    TrackState s = { 0 };
    Sample sample = unit();
    LimitConfig config = usual;

    config.max = 500 * MIB;
    (void)look(&s, &config, &nothing, &sample, 1000);
    LimitDecision d = look(&s, &config, &nothing, &sample, 1000);
    assert_int_equal(d.want, 500 * MIB);
    /* But above what cannot be reclaimed. */
    sample.anon += 700 * MIB;
    sample.current += 700 * MIB;
    d = look(&s, &config, &nothing, &sample, 1000);
    assert_true(d.want != LIMIT_NONE && d.want >= limit_floor(&sample, 0));
}

static void another_cgroup_begins_anew(void **state)
{
    TrackState s = { 0 };
    Sample sample = unit();

    LimitDecision limited = until_limited(&s, &sample);
    sample.pgsteal = 0;
    sample.at_usec += USEC_PER_SEC;
    LimitDecision d = track_decide(&s, &usual, &nothing, &sample);
    assert_int_equal(d.reason, LIMIT_REASON_LEARN);
    assert_true(d.want == LIMIT_NONE);
    /* A look out of order changes nothing. */
    limited = until_limited(&s, &sample);
    sample.at_usec -= 5 * USEC_PER_SEC;
    d = track_decide(&s, &usual, &nothing, &sample);
    assert_true(d.want == limited.want && d.reclaim == 0);
}

/* A watchdog restarts what stalls. */
static void another_cgroup_of_a_unit_that_stalled(void **state)
{
    static const unsigned expected[] = { 30, 60, 120 };
    TrackState s = { 0 };

    uint64_t at = AT0;
    for (size_t i = 0; i < ELEMENTS(expected); i++) {
        unsigned seconds = 0;
        Sample sample = unit();

        sample.at_usec = at;
        (void)until_limited(&s, &sample);
        stall(&sample);
        assert_int_equal(look(&s, &usual, &nothing, &sample, 200).reason, LIMIT_REASON_STALL);
        at = sample.at_usec;
        sample = unit();
        sample.at_usec = at;
        assert_int_equal(usual_look(&s, &sample).reason, LIMIT_REASON_LEARN);
        while (usual_look(&s, &sample).reason == LIMIT_REASON_STALL)
            seconds++;
        assert_in_range(seconds, expected[i] - 2, expected[i]);
        at = sample.at_usec;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_learns_probes_waits_and_tightens),
        cmocka_unit_test(a_lower_max_is_kept_at_once),
        cmocka_unit_test(no_probe_is_larger_than_an_eighth_or_goes_below_the_floor),
        cmocka_unit_test(what_is_missed_ends_the_probe),
        cmocka_unit_test(what_is_scanned_in_vain_is_left_alone),
        cmocka_unit_test(without_pressure_figures_nothing_is_tightened),
        cmocka_unit_test(slow_disks_are_only_observed),
        cmocka_unit_test(nothing_is_tightened_while_the_host_is_short),
        cmocka_unit_test(pages_that_come_back_from_a_busy_disk_end_it),
        cmocka_unit_test(a_stall_lets_go_for_longer_each_time),
        cmocka_unit_test(a_stall_in_small_pieces_lets_go),
        cmocka_unit_test(a_trigger_is_believed),
        cmocka_unit_test(a_livelock_lets_go),
        cmocka_unit_test(after_a_small_stall_it_looks_again_soon),
        cmocka_unit_test(the_limit_moves_with_what_cannot_be_reclaimed),
        cmocka_unit_test(floors),
        cmocka_unit_test(never_above_the_maximum),
        cmocka_unit_test(another_cgroup_begins_anew),
        cmocka_unit_test(another_cgroup_of_a_unit_that_stalled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
