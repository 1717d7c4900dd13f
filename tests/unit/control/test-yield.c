/* SPDX-License-Identifier: MIT */
/* Several units that yield: whom it takes what from, and until when. */
#include "control/yield.h"

#include "unit/control/several.h"

static void all_freeze_and_the_largest_shrinks(void **state)
{
    Several s;

    several_init(&s);
    second(&s, 1000);
    for (size_t i = 0; i < UNITS; i++) {
        assert_int_equal(s.units[i].decision.reason, FREEZE);
        assert_int_equal(s.units[i].decision.want, s.samples[i].current);
    }
    second(&s, 1000);
    assert_int_equal(s.units[0].decision.reason, HOLD);
    assert_int_equal(s.units[1].decision.reason, DISTRESS);
    assert_int_equal(s.units[1].decision.reclaim, 500 * MIB / 8);
    assert_int_equal(s.units[2].decision.reason, HOLD);
    /* 437 is still more than 400, 383 is not; nor what is mapped, which it uses. */
    second(&s, 1000);
    assert_int_equal(s.units[1].decision.reason, DISTRESS);
    s.samples[2].active_file = s.samples[2].file_mapped = 300 * MIB;
    s.samples[2].inactive_file = 100 * MIB;
    yield_decide(&s.law, &s.need, s.units, UNITS);
    assert_int_equal(s.units[1].decision.reason, DISTRESS);
}

/* Growth stops first; then there is room for what was stolen, and no more is taken. */
static void a_sign_alone_takes_what_was_stolen(void **state)
{
    Several s;

    several_init(&s);
    s.service.distress = DISTRESS_STOLEN;
    s.service.lost = 10 * MIB;
    second(&s, 0);
    for (size_t i = 0; i < UNITS; i++) {
        assert_int_equal(s.units[i].decision.reason, FREEZE);
        assert_int_equal(s.units[i].decision.reclaim, 0);
    }
    s.service.lost = 0;
    second(&s, 0);
    assert_int_equal(s.units[1].decision.reason, DISTRESS);
    assert_int_equal(s.units[1].decision.reclaim, 10 * MIB);
    assert_int_equal(s.units[1].decision.want, 490 * MIB);
    assert_int_equal(s.units[0].decision.reclaim, 0);
    for (unsigned i = 0; i < 10; i++) {
        second(&s, 0);
        assert_int_equal(s.units[1].decision.reason, HOLD);
        assert_int_equal(s.units[1].decision.want, 490 * MIB);
        assert_int_equal(s.units[1].decision.reclaim, 0);
    }
}

/* What was lost is read again: no reason to take more, nor to think that it does not help. */
static void what_recovers_needs_time(void **state)
{
    Several s;

    several_init(&s);
    second(&s, 1000);
    s.service.recovers = true;
    for (unsigned i = 0; i < 30; i++) {
        second(&s, 1000);
        assert_int_equal(s.units[1].decision.reason, HOLD);
        assert_int_equal(s.units[1].decision.want, 500 * MIB);
    }
    s.service.recovers = false;
    second(&s, 1000);
    assert_int_equal(s.units[1].decision.reason, DISTRESS);
}

/* A step that is due for another one may come at once: what a service feels is not known then. */
static void who_comes_later_is_measured_first(void **state)
{
    YieldServed later = { 0 };
    YieldService both[2];
    Several s;

    several_init(&s);
    s.service.recovers = true;
    for (unsigned i = 0; i < 3; i++)
        second(&s, 1000);
    both[1] = (YieldService){ .distress = DISTRESS_REFAULTS,
                              .domain = YIELD_HOST | SLICE,
                              .measured = true,
                              .state = &later };
    s.need.services = both;
    s.need.n_services = 2;
    for (unsigned i = 0; i < 9; i++) {
        both[0] = s.service;
        both[1].damage += i < 2 ? 1000 : 500;
        second(&s, 1000);
        assert_true(i < 2 || later.helped);
        assert_false(hold_is_on(&later.no_help, s.need.at_usec));
    }
    assert_int_equal(s.units[1].decision.reason, DISTRESS);
}

/* The same pages, stolen and read again, while nobody could pay. */
static void what_is_there_again_is_not_paid_for(void **state)
{
    Several s;

    several_init(&s);
    s.service.distress = DISTRESS_STOLEN;
    s.service.lost = 40 * MIB;
    for (unsigned i = 0; i < 32; i++) {
        for (size_t k = 0; k < UNITS; k++)
            s.units[k].held = i < 30;
        s.service.lacks = 0;
        second(&s, 0);
    }
    assert_int_equal(s.units[1].decision.reason, DISTRESS);
    assert_int_equal(s.units[1].decision.reclaim, 40 * MIB);
}

/* Dirty pages cannot be had before a disk has written them. */
static void one_with_dirty_pages_has_less_to_give(void **state)
{
    Several s;

    several_init(&s);
    s.samples[1].file_dirty = 150 * MIB;
    s.samples[1].file_writeback = 100 * MIB;
    second(&s, 1000);
    second(&s, 1000);
    assert_int_equal(s.units[1].decision.reason, HOLD);
    assert_int_equal(s.units[2].decision.reason, DISTRESS);
}

/* Nor can what the policy leaves it. */
static void one_near_its_floor_has_less_to_give(void **state)
{
    static const LimitConfig leaves_450 = { .mode = LIMIT_YIELD, .min = 450 * MIB };
    Several s;

    several_init(&s);
    s.units[1].config = &leaves_450;
    second(&s, 1000);
    second(&s, 1000);
    assert_int_equal(s.units[1].decision.reason, HOLD);
    assert_int_equal(s.units[2].decision.reason, DISTRESS);
}

/* What the host lacks is no affair of a slice. */
static void in_a_slice_it_takes_what_was_stolen_there(void **state)
{
    for (unsigned in_slice = 0; in_slice < 2; in_slice++) {
        Several s;

        several_init(&s);
        s.service.distress = DISTRESS_STOLEN;
        s.need.host = (YieldRoom){ .near = true, .missing = 30 * MIB };
        for (size_t i = 0; i < UNITS; i++)
            s.units[i].domains = in_slice ? SLICE : YIELD_HOST;
        s.service.lost = 10 * MIB;
        second(&s, 0);
        s.service.lost = 0;
        second(&s, 0);
        assert_int_equal(s.units[1].decision.reclaim, (in_slice ? 10 : 40) * MIB);
    }
}

/* What it would be denied, the critical service inside it would be. */
static void one_with_a_critical_service_inside_is_let_go(void **state)
{
    Several s;

    several_init(&s);
    second(&s, 1000);
    s.units[1].above = true;
    for (unsigned i = 0; i < 3; i++) {
        second(&s, 1000);
        assert_true(s.units[1].decision.want == LIMIT_NONE && s.units[1].decision.reclaim == 0);
        assert_int_equal(s.units[1].decision.reason, LIMIT_REASON_INSIDE);
    }
    s.service.distress = DISTRESS_NONE;
    s.need.host = (YieldRoom){ .near = true, .left = 50 * MIB };
    second(&s, 0);
    assert_true(s.units[1].decision.want == LIMIT_NONE);
    assert_true(s.units[2].decision.want < 400 * MIB);
}

static void who_does_not_compete_is_left_alone(void **state)
{
    Several s;

    several_init(&s);
    s.units[1].domains = 0;
    for (unsigned i = 0; i < 5; i++) {
        second(&s, 1000);
        assert_int_equal(s.units[1].decision.reason, CALM);
        assert_true(s.units[1].decision.want == LIMIT_NONE && s.units[1].decision.reclaim == 0);
    }
    assert_true(s.units[2].decision.want < 400 * MIB);
}

/* Whoever suffers while there is memory does so for other reasons; but a slice may lack what the
 * host has, and pages may be stolen all the same. */
static void where_the_host_has_room_nobody_competes_for_it(void **state)
{
    Several s;

    several_init(&s);
    s.need.host = (YieldRoom){ .near = true, .left = 200 * MIB };
    s.units[2].domains = SLICE;
    second(&s, 1000);
    assert_int_equal(s.units[1].decision.reason, LIMIT_REASON_ROOM);
    assert_int_equal(s.units[1].decision.want, 600 * MIB);
    assert_int_equal(s.units[2].decision.reason, FREEZE);
    s.service.lost = MIB;
    s.units[1].domains = YIELD_HOST;
    second(&s, 1000);
    assert_int_equal(s.units[1].decision.want, 499 * MIB);
}

static bool steps(const Several *s)
{
    for (size_t i = 0; i < UNITS; i++)
        if (s->units[i].decision.reason == DISTRESS)
            return true;
    return false;
}

static void it_ends_where_it_does_not_help(void **state)
{
    Several s;
    unsigned seconds = 0, again = 0;

    several_init(&s);
    while (s.units[1].decision.reason != LIMIT_REASON_NO_HELP && seconds++ < 30)
        second(&s, 1000);
    assert_in_range(seconds, 7, 12);
    /* All is given back, whether there is distress or not, and not tried again for half a minute.
     */
    while (!steps(&s) && again++ < 60)
        second(&s, 1000);
    assert_in_range(again, 29, 32);
    /* And then for a whole one. */
    for (again = 0; again < 60 && s.units[1].decision.reason != LIMIT_REASON_NO_HELP; again++)
        second(&s, 1000);
    for (again = 0; again < 90 && (again == 0 || !steps(&s)); again++)
        second(&s, 1000);
    assert_in_range(again, 59, 63);
}

/* Six seconds of it have to make a fifth better. */
static void a_little_better_is_not_better(void **state)
{
    for (unsigned better = 0; better < 2; better++) {
        bool ended = false;
        Several s;

        several_init(&s);
        for (unsigned i = 0; i < 12; i++) {
            second(&s, i < 2 ? 1000 : better ? 750 : 850);
            for (size_t k = 0; k < UNITS; k++)
                ended |= s.units[k].decision.reason == LIMIT_REASON_NO_HELP;
        }
        assert_int_equal(ended, !better);
    }
}

static void it_goes_on_where_it_helps(void **state)
{
    Several s;

    several_init(&s);
    for (unsigned i = 0; i < 30; i++) {
        second(&s, i < 4 ? 1000 : 100);
        for (size_t k = 0; k < UNITS; k++)
            assert_int_not_equal(s.units[k].decision.reason, LIMIT_REASON_NO_HELP);
    }
    /* A theft is stopped though squeezing does not help. */
    several_init(&s);
    for (unsigned i = 0; i < 30 && s.units[1].decision.reason != LIMIT_REASON_NO_HELP; i++)
        second(&s, 1000);
    for (unsigned i = 0; i < 12; i++)
        second(&s, 1000);
    assert_true(s.units[1].decision.want == LIMIT_NONE);
    s.service.lost = MIB;
    second(&s, 1000);
    assert_int_equal(s.units[1].decision.reason, FREEZE);
}

/* What is stolen while it is given back tells that it does harm; what is stolen later does not. */
static void only_what_is_given_back_does_harm_by_that(void **state)
{
    for (unsigned later = 0; later < 2; later++) {
        Several s;
        unsigned i = 0;

        several_init(&s);
        s.need.host = (YieldRoom){ .near = true, .left = 20 * MIB };
        for (; !s.states[1].ahead && i < 60; i++)
            second(&s, 1000);
        assert_true(s.states[1].ahead && hold_is_on(&s.served.no_help, s.need.at_usec));
        for (i = 0; i < (later ? 12 : 0); i++)
            second(&s, 1000);
        assert_true(s.states[1].ahead && hold_is_on(&s.served.no_help, s.need.at_usec));
        s.service.lost = MIB;
        second(&s, 1000);
        assert_int_not_equal(hold_is_on(&s.served.keeps, s.need.at_usec), later);
    }
}

static void who_has_nothing_to_give_is_not_squeezed(void **state)
{
    Several s;

    several_init(&s);
    for (size_t i = 0; i < UNITS; i++) {
        s.samples[i].active_file = s.samples[i].file_mapped = s.samples[i].current;
        s.samples[i].inactive_file = 0;
    }
    for (unsigned i = 0; i < 5; i++) {
        yield_decide(&s.law, &s.need, s.units, UNITS);
        s.need.at_usec += USEC_PER_SEC;
        for (size_t k = 0; k < UNITS; k++)
            assert_int_equal(s.units[k].decision.want, s.samples[k].current);
    }
}

static void nobody_to_protect_is_the_end_of_it(void **state)
{
    Several s;

    several_init(&s);
    for (unsigned i = 0; i < 5; i++)
        second(&s, 1000);
    s.need.running = false;
    second(&s, 0);
    for (size_t i = 0; i < UNITS; i++)
        assert_true(s.units[i].decision.want == LIMIT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_freeze_and_the_largest_shrinks),
        cmocka_unit_test(a_sign_alone_takes_what_was_stolen),
        cmocka_unit_test(what_recovers_needs_time),
        cmocka_unit_test(who_comes_later_is_measured_first),
        cmocka_unit_test(what_is_there_again_is_not_paid_for),
        cmocka_unit_test(one_with_dirty_pages_has_less_to_give),
        cmocka_unit_test(one_near_its_floor_has_less_to_give),
        cmocka_unit_test(in_a_slice_it_takes_what_was_stolen_there),
        cmocka_unit_test(one_with_a_critical_service_inside_is_let_go),
        cmocka_unit_test(who_does_not_compete_is_left_alone),
        cmocka_unit_test(where_the_host_has_room_nobody_competes_for_it),
        cmocka_unit_test(it_ends_where_it_does_not_help),
        cmocka_unit_test(a_little_better_is_not_better),
        cmocka_unit_test(it_goes_on_where_it_helps),
        cmocka_unit_test(only_what_is_given_back_does_harm_by_that),
        cmocka_unit_test(who_has_nothing_to_give_is_not_squeezed),
        cmocka_unit_test(nobody_to_protect_is_the_end_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
