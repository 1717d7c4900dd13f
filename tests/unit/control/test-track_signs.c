/* SPDX-License-Identifier: MIT */
/* `track`: what counts as a sign that pages are missed, what it does then, and what is none. */
#include "unit/control/tracking.h"

/* In parts per million of the second before. */
static LimitDecision look_with_pressure(TrackState *state, Sample *sample, uint64_t ppm)
{
    sample->memory_psi.some_usec += ppm;
    return usual_look(state, sample);
}

/* A probe was begun by the last look. */
static void until_probed(TrackState *state, Sample *sample)
{
    for (unsigned i = 0; i < 20; i++)
        if (usual_look(state, sample).reason == LIMIT_REASON_PROBE)
            return;
    fail();
}

/* Four times the target is the echo of a probe a second ago, and as much after ten seconds is none;
 * six times are none at once. */
static void an_echo_is_no_sign(void **state)
{
    for (unsigned times = 3; times <= 6; times += 3) {
        TrackState s = { 0 };
        Sample sample = unit();

        until_probed(&s, &sample);
        LimitDecision d = look_with_pressure(&s, &sample, times * LIMIT_PRESSURE_DEFAULT);
        assert_int_equal(d.reason, times > 5 ? LIMIT_REASON_PRESSURE : LIMIT_REASON_HOLD);
    }
    TrackState s = { 0 };
    Sample sample = unit();

    (void)until_limited(&s, &sample);
    (void)look_with_pressure(&s, &sample, 100 * LIMIT_PRESSURE_DEFAULT / 10); /* no probe for 6 s */
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(usual_look(&s, &sample).reason, LIMIT_REASON_STEADY);
    LimitDecision d = look_with_pressure(&s, &sample, 3 * LIMIT_PRESSURE_DEFAULT);
    assert_int_equal(d.reason, LIMIT_REASON_PRESSURE);
}

/* Nor is it a moment to take more. */
static void nothing_is_tried_while_there_is_an_echo(void **state)
{
    TrackState s = { 0 };
    Sample sample = unit();

    until_probed(&s, &sample);
    (void)usual_look(&s, &sample);
    s.probing = false;
    assert_int_equal(look_with_pressure(&s, &sample, 1500).reason, LIMIT_REASON_STEADY);
    assert_int_equal(usual_look(&s, &sample).reason, LIMIT_REASON_PROBE);
}

/* It is what the unit waits for, whatever it waits for: pages that reclaim took, or memory. */
static void waiting_for_memory_ends_the_probe(void **state)
{
    TrackState s = { 0 };
    Sample sample = unit();

    (void)until_limited(&s, &sample);
    LimitDecision d = look_with_pressure(&s, &sample, 20 * LIMIT_PRESSURE_DEFAULT);
    assert_int_equal(d.reason, LIMIT_REASON_PRESSURE);
    assert_int_equal(d.reclaim, 0);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(usual_look(&s, &sample).reason, LIMIT_REASON_STEADY);
}

/* More than a 20th of what was taken came back, though hardly anybody waited for it. */
static void a_part_that_is_missed_ends_the_probe(void **state)
{
    for (unsigned missed = 0; missed < 2; missed++) {
        TrackState s = { 0 };
        Sample sample = unit();

        until_probed(&s, &sample); /* of 512 pages */
        sample.refault_file += missed ? 26 : 25;
        (void)usual_look(&s, &sample);
        assert_int_equal(usual_look(&s, &sample).reason,
                         missed ? LIMIT_REASON_HARM : LIMIT_REASON_PROBE);
        assert_int_equal(s.has_goal, !missed);
    }
}

/* There was nothing to take: the unit needs all of it. */
static void a_probe_that_takes_nothing_says_nothing(void **state)
{
    TrackState s = { 0 };
    Sample sample = unit();

    (void)usual_look(&s, &sample);
    sample.at_usec += USEC_PER_SEC;
    assert_int_equal(track_decide(&s, &usual, &nothing, &sample).reason, LIMIT_REASON_PROBE);
    (void)usual_look(&s, &sample);
    assert_int_equal(usual_look(&s, &sample).reason, LIMIT_REASON_HARM);
    assert_false(s.has_goal);
}

/* Of what streams in, too: the host's memory may be short because of what is taken. */
static void what_comes_in_stays_while_the_host_is_short(void **state)
{
    TrackState s = { 0 };
    Sample sample = unit();
    const LimitContext is_short = { .memory_short = true };

    (void)until_limited(&s, &sample);
    for (unsigned i = 0; i < 10; i++) {
        sample.file += 2 * MIB;
        sample.inactive_file += 2 * MIB;
        sample.current += 2 * MIB;
        assert_int_equal(look(&s, &usual, &is_short, &sample, 1000).reclaim, 0);
    }
    assert_true(usual_look(&s, &sample).reclaim > 0);
}

/* Upwards at once, downwards after 20 s, and not while more is felt than should be. */
static void what_is_freed_stays_for_a_while(void **state)
{
    for (unsigned pressed = 0; pressed < 2; pressed++) {
        TrackState s = { 0 };
        Sample sample = unit();
        unsigned seconds = 0;

        (void)until_limited(&s, &sample);
        s.step = 0;
        hold_begin(&s.patience, sample.at_usec, 600 * USEC_PER_SEC, 600 * USEC_PER_SEC);
        sample.anon += 300 * MIB;
        sample.current += 300 * MIB;
        uint64_t high = usual_look(&s, &sample).want;
        sample.anon -= 300 * MIB;
        sample.current -= 300 * MIB;
        s.burst = 0;
        s.level = s.fixed = 100 * MIB;
        while (look_with_pressure(&s, &sample, pressed ? 1500 : 0).want >= high && seconds < 60)
            seconds++;
        assert_in_range(seconds, pressed ? 60 : 18, pressed ? 60 : 21);
    }
}

/* Where harm was done, half of the rest is tried, and of that again half; once it does none there,
 * that is forgotten. */
static void the_place_of_harm_is_come_near_to_by_halves(void **state)
{
    TrackState s = { 0 };
    Sample sample = unit();
    uint64_t step = 0, largest = 0;

    while (step < 32 * MIB) {
        until_probed(&s, &sample);
        step = s.tried;
    }
    sample.refault_file += step / 4096; /* and all of it is read again */
    sample.file += step;
    sample.inactive_file += step;
    sample.current += step;
    assert_int_equal(usual_look(&s, &sample).reason, LIMIT_REASON_PRESSURE);
    for (unsigned i = 0; i < 100 && s.harm > 0; i++)
        if (usual_look(&s, &sample).reason == LIMIT_REASON_PROBE && s.harm > 0)
            largest = max_u64(largest, s.tried);
    assert_int_equal(s.harm, 0);
    assert_in_range(largest, step / 4, step * 5 / 8);
}

/* What did not suffice is doubled each time: a unit that grows is not an echo. */
static void more_each_time_that_it_does_not_suffice(void **state)
{
    TrackState s = { 0 };
    Sample sample = unit();
    uint64_t more[3];

    (void)until_limited(&s, &sample);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t goal = s.goal;

        sample.refault_file += 512;
        sample.file += 2 * MIB;
        sample.active_file += 2 * MIB;
        sample.current += 2 * MIB;
        assert_int_equal(usual_look(&s, &sample).reason, LIMIT_REASON_PRESSURE);
        more[i] = s.goal - goal;
    }
    assert_true(more[1] > 0 && more[2] >= more[1] * 3 / 2);
}

/* As long as the limit is far above the use, it is not what the unit waits for. */
static void who_is_not_at_the_limit_stalls_for_other_reasons(void **state)
{
    TrackState s = { 0 };
    Sample sample = unit();

    (void)until_limited(&s, &sample);
    sample.current -= 300 * MIB;
    sample.file -= 300 * MIB;
    sample.inactive_file -= 300 * MIB;
    sample.memory_psi.some_usec += 100 * USEC_PER_MSEC;
    LimitDecision d = look(&s, &usual, &nothing, &sample, 200);
    assert_int_not_equal(d.reason, LIMIT_REASON_STALL);
    assert_true(d.want != LIMIT_NONE);
}

/* Whose policy holds much pressure is not let go for it, nor whom nothing is done to. */
static void what_is_no_stall(void **state)
{
    for (unsigned observe = 0; observe < 2; observe++) {
        const LimitContext context = { .observe = observe };
        LimitConfig config = usual;
        TrackState s = { 0 };
        Sample sample = unit();

        config.pressure = observe ? LIMIT_PRESSURE_DEFAULT : 100000;
        (void)until_limited(&s, &sample);
        stall(&sample);
        /* 60 ms in 200 */
        assert_int_not_equal(look(&s, &config, &context, &sample, 200).reason, LIMIT_REASON_STALL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_echo_is_no_sign),
        cmocka_unit_test(nothing_is_tried_while_there_is_an_echo),
        cmocka_unit_test(waiting_for_memory_ends_the_probe),
        cmocka_unit_test(a_part_that_is_missed_ends_the_probe),
        cmocka_unit_test(a_probe_that_takes_nothing_says_nothing),
        cmocka_unit_test(what_comes_in_stays_while_the_host_is_short),
        cmocka_unit_test(what_is_freed_stays_for_a_while),
        cmocka_unit_test(the_place_of_harm_is_come_near_to_by_halves),
        cmocka_unit_test(more_each_time_that_it_does_not_suffice),
        cmocka_unit_test(who_is_not_at_the_limit_stalls_for_other_reasons),
        cmocka_unit_test(what_is_no_stall),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
