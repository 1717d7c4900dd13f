/* SPDX-License-Identifier: MIT */
/* Several units that yield: what they may have while nobody suffers, and how it is given back. */
#include "unit/control/several.h"

/* With room for 400 MiB. */
static void several_calm(Several *s)
{
    several_init(s);
    s->service.distress = DISTRESS_NONE;
    s->need.host = (YieldRoom){ .near = true, .left = 400 * MIB };
}

/* The limit stands before anything is short: at what a unit has, and half of what the host has. */
static void nobody_gets_more_than_there_is_room_for(void **state)
{
    Several s;

    several_calm(&s);
    second(&s, 0);
    assert_int_equal(s.units[1].decision.reason, LIMIT_REASON_ROOM);
    assert_int_equal(s.units[1].decision.want, 700 * MIB);
    assert_int_equal(s.units[0].decision.want, 500 * MIB);
    /* What it takes is taken from the room: the limit is what it was. */
    s.samples[1].current += 20 * MIB;
    s.need.host.left -= 20 * MIB;
    second(&s, 0);
    assert_int_equal(s.units[1].decision.want, 700 * MIB);
    /* Others take some: down soon, and up by no less than a quarter. */
    s.need.host.left = 320 * MIB;
    second(&s, 0);
    assert_int_equal(s.units[1].decision.want, 680 * MIB);
    s.need.host.left = 400 * MIB;
    second(&s, 0);
    assert_int_equal(s.units[1].decision.want, 680 * MIB);
    s.need.host.left = 600 * MIB;
    second(&s, 0);
    assert_int_equal(s.units[1].decision.want, 820 * MIB);
    /* Far from full, nobody is limited; until it is near. */
    s.need.host.near = false;
    second(&s, 0);
    assert_int_equal(s.units[1].decision.want, 820 * MIB);
    s.need.host.far = true;
    second(&s, 0);
    for (size_t i = 0; i < UNITS; i++)
        assert_true(s.units[i].decision.want == LIMIT_NONE);
    s.need.host.far = false;
    second(&s, 0);
    for (size_t i = 0; i < UNITS; i++)
        assert_true(s.units[i].decision.want == LIMIT_NONE);
}

static void one_alone_gets_all_the_room(void **state)
{
    Several s;

    several_calm(&s);
    yield_decide(&s.law, &s.need, s.units, 1);
    assert_int_equal(s.units[0].decision.want, 700 * MIB);
}

/* All of them have what there was room for, and the second one wants more. */
static void several_full(Several *s)
{
    several_calm(s);
    second(s, 0);
    s->need.host.left = 0;
    s->samples[1].current = 700 * MIB;
    second(s, 0);
    assert_int_equal(s->units[1].decision.reason, FREEZE);
    assert_int_equal(s->units[1].decision.want, 700 * MIB);
}

/* Seconds until the limit of the second one is above @limit. */
static unsigned until_tried(Several *s, uint64_t limit)
{
    unsigned seconds = 0;

    while (s->units[1].decision.want <= limit && seconds < 1000) {
        second(s, 0);
        seconds++;
    }
    return seconds;
}

/* What stands at a full host's limit is tried with a little more, and put back all at once when it
 * takes pages of somebody: before that is distress. Each time it has to wait for longer. */
static void a_trial_that_does_harm_is_taken_back_at_once(void **state)
{
    Several s;

    several_full(&s);
    assert_in_range(until_tried(&s, 700 * MIB), 60, 63);
    assert_true(s.units[1].decision.want <= 725 * MIB);
    s.samples[1].current = s.samples[1].inactive_file = s.units[1].decision.want;
    s.service.lost = 600 * KIB;
    second(&s, 0);
    assert_true(s.units[1].decision.want > 700 * MIB);
    s.need.host.missing = 30 * MIB;
    second(&s, 0);
    assert_int_equal(s.units[1].decision.want, 700 * MIB - 1200 * KIB - 30 * MIB);
    assert_true(s.units[1].decision.reclaim > 31 * MIB);
    s.service.lost = 0;
    assert_in_range(until_tried(&s, 700 * MIB), 119, 140);
}

/* Somebody else made room: that needs no trial. */
static void room_is_given_back_at_once(void **state)
{
    Several s;

    several_full(&s);
    s.need.host.left = 200 * MIB;
    assert_in_range(until_tried(&s, 700 * MIB), 1, 3);
    assert_int_equal(s.units[1].decision.want, 800 * MIB);
    /* But not what critical services have yet to read again. */
    s.samples[1].current = 800 * MIB;
    s.samples[1].file = s.samples[1].inactive_file = 800 * MIB;
    s.need.host.left = 0;
    s.service.distress = DISTRESS_STOLEN;
    s.units[1].domains = YIELD_HOST;
    s.service.lost = 100 * MIB;
    second(&s, 0);
    assert_int_equal(s.units[1].decision.want, 700 * MIB);
    s.service.lost = 0;
    s.service.distress = DISTRESS_NONE;
    s.need.host.left = 100 * MIB;
    for (unsigned i = 0; i < 30; i++) {
        second(&s, 0);
        assert_int_equal(s.units[1].decision.want, 700 * MIB);
    }
}

/* Nobody gets more than was taken: what is beyond that would be stolen. */
static void on_a_full_host_what_was_taken_is_given_back(void **state)
{
    Several s;
    uint64_t most = 0;

    several_init(&s);
    s.need.host = (YieldRoom){ .near = true };
    second(&s, 1000);
    assert_int_equal(s.states[1].limit, 500 * MIB);
    for (unsigned i = 0; i < 30 && s.units[1].decision.reason != LIMIT_REASON_NO_HELP; i++)
        second(&s, 1000);
    assert_true(s.states[1].limit < 500 * MIB);
    for (unsigned i = 0; i < 20; i++) {
        second(&s, 1000);
        most = max_u64(most, s.states[1].limit);
    }
    assert_int_equal(most, 500 * MIB);
}

static unsigned raised(Several *s, uint64_t lost)
{
    uint64_t before = s->states[1].limit;

    s->service.lost = lost;
    second(s, 1000);
    s->service.lost = 0;
    return s->states[1].limited && s->states[1].limit > before;
}

/* Where squeezing does not help, and pages are stolen while it is given back, it stays as it is for
 * half a minute, then for a whole one: it would only go to and fro. */
static void what_is_given_back_in_vain_is_kept(void **state)
{
    Several s;

    several_init(&s);
    for (unsigned i = 0; i < 30 && s.units[1].decision.reason != LIMIT_REASON_NO_HELP; i++)
        second(&s, 1000);
    for (unsigned wait = 30; wait <= 60; wait *= 2) {
        unsigned seconds = 0;

        for (unsigned i = 0; i < 5 && !raised(&s, 0); i++)
            ;
        assert_false(raised(&s, 10 * MIB));
        hold_begin(&s.served.no_help, s.need.at_usec, 600 * USEC_PER_SEC, 600 * USEC_PER_SEC);
        while (!raised(&s, 0) && seconds < 90)
            seconds++;
        assert_in_range(seconds, wait - 3, wait + 10); /* they take turns */
    }
}

/* Down to the last of it, and as long as one suffers whom nothing helped. */
static void that_it_was_in_vain_is_said(void **state)
{
    Several s;
    unsigned said = 0;

    several_init(&s);
    s.units[2].domains = 0;
    for (unsigned i = 0; i < 60 && !said; i++) {
        second(&s, 1000);
        said += s.units[1].decision.reason == LIMIT_REASON_NO_HELP;
    }
    for (unsigned i = 0; i < 15; i++) {
        second(&s, 1000);
        bool limited = s.states[1].limited;
        assert_true(s.units[1].decision.reason == LIMIT_REASON_NO_HELP ||
                    (limited && s.units[1].decision.reason == HOLD));
    }
    assert_false(s.states[1].limited);
    assert_int_equal(s.units[2].decision.reason, CALM); /* it has nothing to do with it */
    s.service.distress = DISTRESS_NONE;
    second(&s, 0);
    assert_int_equal(s.units[1].decision.reason, CALM);
}

/* While somebody is in vain, what was taken for one whom it helps, too, is given back as in calm.
 */
static void what_helped_another_is_not_in_vain(void **state)
{
    YieldServed helped = { 0 };
    YieldService both[2];
    Several s;

    several_init(&s);
    both[1] = (YieldService){
        .distress = DISTRESS_REFAULTS, .domain = YIELD_HOST, .measured = true, .state = &helped
    };
    s.need.services = both;
    s.need.n_services = 2;
    for (unsigned i = 0; i < 20; i++) {
        if (i == 12)
            both[1].distress = DISTRESS_NONE;
        both[0] = s.service;
        both[1].damage += i < 3 ? 1000 : 10;
        second(&s, 1000);
        for (size_t k = 0; k < UNITS; k++)
            assert_int_not_equal(s.units[k].decision.reason, LIMIT_REASON_NO_HELP);
    }
    assert_true(hold_is_on(&s.served.no_help, s.need.at_usec));
    assert_true(s.units[1].decision.reason == RETURN || s.units[1].decision.reason == HOLD ||
                !s.states[1].limited);
}

/* A unit that has what it had, and more, keeps no more than the limit that costs it nothing. */
static void what_is_given_back_on_a_full_host_is_room(void **state)
{
    Several s;

    several_full(&s);
    for (unsigned i = 0; i < 400 && !s.states[1].ahead; i++) {
        s.samples[1].current = s.units[1].decision.want;
        s.samples[1].file = s.samples[1].inactive_file = s.samples[1].current;
        s.need.host.left = 30 * MIB;
        second(&s, 0);
        assert_true(s.states[1].limited);
    }
    assert_true(s.states[1].ahead);
    s.need.host.left = 400 * MIB;
    second(&s, 0);
    assert_int_equal(s.units[1].decision.reason, LIMIT_REASON_ROOM);
}

/* What critical services had yet to read again is there by the time that trials begin. */
static void what_was_owed_is_there_in_the_end(void **state)
{
    Several s;

    several_full(&s);
    s.service.distress = DISTRESS_STOLEN;
    s.service.lost = 100 * MIB;
    second(&s, 0);
    assert_true(s.law.owed > 0);
    s.service.lost = 0;
    s.service.distress = DISTRESS_NONE;
    uint64_t limit = s.states[1].limit;
    s.need.host.left = 100 * MIB;
    unsigned seconds = until_tried(&s, limit);
    assert_in_range(seconds, 50, 200);
    assert_int_equal(s.law.owed, 0);
}

static void it_is_given_back_in_reverse_order(void **state)
{
    Several s;

    several_init(&s);
    second(&s, 1000); /* freeze */
    for (unsigned i = 0; i < 3; i++)
        second(&s, 1000);
    /* 500, 437, 400: the last step was the third unit's. */
    assert_int_equal(s.units[2].decision.reason, DISTRESS);
    s.service.distress = DISTRESS_NONE;
    for (size_t i = 0; i < UNITS; i++) /* nobody wants more by now */
        s.samples[i].current = 100 * MIB;
    second(&s, 0);
    second(&s, 0);
    second(&s, 0);
    assert_int_equal(s.units[1].decision.reason, HOLD);
    assert_true(s.units[2].decision.want == LIMIT_NONE || s.units[2].decision.reason == RETURN);
    for (unsigned i = 0; i < 60; i++)
        second(&s, 0);
    for (size_t i = 0; i < UNITS; i++)
        assert_true(s.units[i].decision.want == LIMIT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_gets_more_than_there_is_room_for),
        cmocka_unit_test(one_alone_gets_all_the_room),
        cmocka_unit_test(a_trial_that_does_harm_is_taken_back_at_once),
        cmocka_unit_test(room_is_given_back_at_once),
        cmocka_unit_test(on_a_full_host_what_was_taken_is_given_back),
        cmocka_unit_test(what_is_given_back_in_vain_is_kept),
        cmocka_unit_test(that_it_was_in_vain_is_said),
        cmocka_unit_test(what_helped_another_is_not_in_vain),
        cmocka_unit_test(what_is_given_back_on_a_full_host_is_room),
        cmocka_unit_test(what_was_owed_is_there_in_the_end),
        cmocka_unit_test(it_is_given_back_in_reverse_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
