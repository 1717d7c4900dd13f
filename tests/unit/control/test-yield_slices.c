/* SPDX-License-Identifier: MIT */
/* Units that yield in two slices: what happens in one of them is no affair of the other. */
#include "control/yield_unit.h"
#include "unit/control/several.h"

/* Two slices: nothing helps the first service, in one of them; the second one is in the other. */
typedef struct Slices {
    Several s;
    YieldService services[2];
    YieldServed others;
} Slices;

#define OTHER_SLICE (YIELD_HOST << 2)

static void both(Slices *w, uint64_t damage)
{
    w->services[0].damage += 1000;
    w->services[1].damage += damage;
    second(&w->s, 0);
}

/* The second one is helped by a step or two, and then calm. */
static void slices_init(Slices *w)
{
    several_init(&w->s);
    w->others = (YieldServed){ 0 };
    w->services[0] = (YieldService){
        .distress = DISTRESS_REFAULTS, .domain = SLICE, .measured = true, .state = &w->s.served
    };
    w->services[1] = w->services[0];
    w->services[1].domain = OTHER_SLICE;
    w->services[1].state = &w->others;
    w->s.need.services = w->services;
    w->s.need.n_services = 2;
    w->s.units[0].domains = 0;
    w->s.units[1].domains = SLICE;
    w->s.units[2].domains = OTHER_SLICE;
}

/* What was taken for one who was helped is given back as soon as that one is calm, and as what it
 * is, whatever is given back meanwhile because it helps nobody. */
static void what_is_given_back_is_judged_where_it_is(void **state)
{
    Slices w;
    bool both_at_once = false;

    slices_init(&w);
    for (unsigned i = 0; i < 7; i++)
        both(&w, 500);
    assert_true(w.s.states[1].limited && w.s.states[2].limited);
    w.services[1].distress = DISTRESS_NONE;
    for (unsigned i = 0; i < 3; i++) {
        both(&w, 0);
        assert_int_equal(w.s.units[2].decision.reason, i < 2 ? HOLD : RETURN);
        both_at_once |= w.s.units[1].decision.reason == LIMIT_REASON_NO_HELP &&
                        w.s.units[2].decision.reason == RETURN;
    }
    assert_true(both_at_once);
}

/* What is given back in vain does no harm to whom it was not taken for. */
static void what_others_lose_keeps_nothing(void **state)
{
    Slices w;
    uint64_t before = 0;

    slices_init(&w);
    w.services[1].distress = DISTRESS_NONE;
    for (unsigned i = 0; i < 30 && w.s.units[1].decision.reason != LIMIT_REASON_NO_HELP; i++)
        both(&w, 0);
    for (unsigned i = 0; w.s.states[1].limited; i++) {
        assert_true(i < 20);
        before = w.s.states[1].limit;
        w.services[1].lost = 10 * MIB;
        both(&w, 0);
        both(&w, 0);
        assert_true(!w.s.states[1].limited || w.s.states[1].limit > before);
    }
    assert_true(before > 0);
}

/* Nor is a trial taken back for it. */
static void a_trial_is_judged_by_those_it_can_harm(void **state)
{
    for (unsigned own = 0; own < 2; own++) {
        Slices w;

        slices_init(&w);
        w.services[0].distress = DISTRESS_STOLEN;
        w.services[1].distress = DISTRESS_NONE;
        w.services[0].lost = 2 * MIB;
        both(&w, 0);
        w.services[0].distress = DISTRESS_NONE;
        w.services[0].lost = 0;
        uint64_t good = w.s.states[1].limit;
        for (unsigned i = 0; i < 60 && !yield_unit_is_tried(&w.s.units[1]); i++) {
            w.s.samples[1].current = w.s.states[1].limit;
            both(&w, 0);
        }
        assert_true(yield_unit_is_tried(&w.s.units[1]));
        w.services[own ? 0 : 1].lost = 4 * MIB;
        both(&w, 0);
        assert_int_equal(w.s.states[1].limit <= good, own);
    }
}

/* It competes for the host's memory and for a slice's: each is made good as what it is. */
static void losses_are_made_good_where_they_were(void **state)
{
    for (unsigned of_host = 0; of_host < 2; of_host++) {
        Slices w;

        slices_init(&w);
        w.s.need.host.missing = 4 * MIB;
        w.s.units[1].domains = YIELD_HOST | SLICE;
        w.s.units[2].domains = 0;
        w.services[1].domain = YIELD_HOST;
        w.services[0].recovers = w.services[1].recovers = true;
        both(&w, 0);
        w.services[of_host].lost = w.services[of_host].lacks = 10 * MIB;
        both(&w, 0);
        assert_int_equal(w.s.units[1].decision.reason, DISTRESS);
        assert_int_equal(w.s.units[1].decision.reclaim, (of_host ? 14 : 10) * MIB);
        assert_int_equal(w.s.law.owed, of_host ? 10 * MIB : 0);
    }
}

/* One that suffers on, and begins to elsewhere: what is given back there ends, as for a new one. */
static void suffering_that_moves_is_new_where_it_comes(void **state)
{
    Slices w;

    slices_init(&w);
    w.services[0].distress = DISTRESS_STOLEN;
    w.services[0].lost = MIB;
    for (unsigned i = 0; i < 6; i++)
        both(&w, 500);
    w.services[1].distress = DISTRESS_NONE;
    for (unsigned i = 0; i < 30 && w.s.units[2].decision.reason != RETURN; i++)
        both(&w, 0);
    assert_true(w.s.states[2].limited && w.s.served.suffers);
    uint64_t more = w.s.states[2].limit;
    w.services[0].domain = OTHER_SLICE;
    both(&w, 0);
    assert_int_equal(w.s.units[2].decision.reason, HOLD);
    assert_true(w.s.states[2].limit < more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_given_back_is_judged_where_it_is),
        cmocka_unit_test(what_others_lose_keeps_nothing),
        cmocka_unit_test(a_trial_is_judged_by_those_it_can_harm),
        cmocka_unit_test(losses_are_made_good_where_they_were),
        cmocka_unit_test(suffering_that_moves_is_new_where_it_comes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
