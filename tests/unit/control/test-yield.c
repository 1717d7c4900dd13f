/* SPDX-License-Identifier: MIT */
/* Several units that yield. */
#include "control/yield.h"

#include "control/yield_unit.h"
#include "unit/control/yielding.h"
#include "util/cleanup.h"

#define UNITS 3
#define SLICE (YIELD_HOST << 1)

typedef struct Several {
    YieldLaw law;
    YieldNeed need;
    YieldService service;
    YieldServed served;
    Sample samples[UNITS];
    YieldState states[UNITS];
    YieldUnit units[UNITS];
} Several;

/* 300, 500 and 400 MiB, all of it cold cache. */
static void several_init(Several *s)
{
    static const uint64_t sizes[UNITS] = { 300 * MIB, 500 * MIB, 400 * MIB };

    *s = (Several){
        .need = { .at_usec = AT0, .running = true, .n_services = 1 },
        .service = { .distress = DISTRESS_REFAULTS, .domain = YIELD_HOST | SLICE, .measured = true }
    };
    s->need.services = &s->service;
    s->service.state = &s->served;
    for (size_t i = 0; i < UNITS; i++) {
        s->samples[i] = (Sample){ .at_usec = AT0,
                                  .current = sizes[i],
                                  .file = sizes[i],
                                  .inactive_file = sizes[i],
                                  .memory_psi.valid = true };
        s->units[i] = (YieldUnit){ .config = &yields_all,
                                   .sample = &s->samples[i],
                                   .domains = YIELD_HOST,
                                   .state = &s->states[i] };
    }
}

/* A second passes; what was asked for is done. */
static void second(Several *s, uint64_t damage)
{
    s->service.damage += damage;
    s->service.lacks += s->service.lost;
    yield_decide(&s->law, &s->need, s->units, UNITS);
    for (size_t i = 0; i < UNITS; i++) {
        Sample *sample = &s->samples[i];
        sample->current = min_u64(sample->current, s->units[i].decision.want);
        sample->file = sample->inactive_file = sample->current;
    }
    s->need.at_usec += USEC_PER_SEC;
}

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

static void where_memory_is_short(void **state)
{
    YieldAncestor chain[] = {
        { "/shop.slice/web.slice/web.service", 100 * MIB, 400 * MIB },
        { "/shop.slice/web.slice", 300 * MIB, LIMIT_NONE },
        { "/shop.slice", 900 * MIB, 1000 * MIB },
    };

    assert_string_equal(yield_domain(chain, ELEMENTS(chain)), "/");
    chain[2].current = 990 * MIB;
    assert_string_equal(yield_domain(chain, ELEMENTS(chain)), "/shop.slice");
    chain[0].current = 390 * MIB; /* its own limit: nobody else's memory helps */
    assert_null(yield_domain(chain, ELEMENTS(chain)));
    assert_string_equal(yield_domain(chain, 0), "/");
}

static void it_looks_sooner_while_it_matters(void **state)
{
    YieldWatch watch = { .critical = true,
                         .background = true,
                         .free = GIB,
                         .total = 4 * GIB,
                         .interval_usec = USEC_PER_SEC };

    assert_int_equal(yield_look_usec(&watch), USEC_PER_SEC);
    watch.free = 100 * MIB;
    assert_int_equal(yield_look_usec(&watch), YIELD_LOOK_USEC);
    watch.free = GIB;
    watch.reclaiming = true;
    assert_int_equal(yield_look_usec(&watch), YIELD_LOOK_USEC);
    watch.reclaiming = false;
    /* The brink is at 128 MiB above the mark. */
    watch.low = 384 * MIB;
    assert_false(yield_is_brink(&watch));
    watch.fall = 512 * MIB;
    assert_int_equal(yield_look_usec(&watch), USEC_PER_SEC / 2);
    watch.fall = 0;
    watch.free = 511 * MIB;
    assert_true(yield_is_brink(&watch));
    assert_int_equal(yield_look_usec(&watch), YIELD_LOOK_USEC);
    watch.background = false;
    assert_int_equal(yield_look_usec(&watch), USEC_PER_SEC);
    watch = (YieldWatch){ .background = true, .reclaiming = true, .interval_usec = 5 };
    assert_int_equal(yield_look_usec(&watch), 5);
    watch.critical = true;
    assert_int_equal(yield_look_usec(&watch), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_freeze_and_the_largest_shrinks),
        cmocka_unit_test(a_sign_alone_takes_what_was_stolen),
        cmocka_unit_test(what_recovers_needs_time),
        cmocka_unit_test(who_comes_later_is_measured_first),
        cmocka_unit_test(nobody_gets_more_than_there_is_room_for),
        cmocka_unit_test(one_alone_gets_all_the_room),
        cmocka_unit_test(what_is_there_again_is_not_paid_for),
        cmocka_unit_test(one_with_dirty_pages_has_less_to_give),
        cmocka_unit_test(one_with_a_critical_service_inside_is_let_go),
        cmocka_unit_test(a_trial_that_does_harm_is_taken_back_at_once),
        cmocka_unit_test(room_is_given_back_at_once),
        cmocka_unit_test(who_does_not_compete_is_left_alone),
        cmocka_unit_test(where_the_host_has_room_nobody_competes_for_it),
        cmocka_unit_test(it_ends_where_it_does_not_help),
        cmocka_unit_test(it_goes_on_where_it_helps),
        cmocka_unit_test(on_a_full_host_what_was_taken_is_given_back),
        cmocka_unit_test(what_is_given_back_in_vain_is_kept),
        cmocka_unit_test(what_is_given_back_is_judged_where_it_is),
        cmocka_unit_test(what_others_lose_keeps_nothing),
        cmocka_unit_test(a_trial_is_judged_by_those_it_can_harm),
        cmocka_unit_test(it_is_given_back_in_reverse_order),
        cmocka_unit_test(who_has_nothing_to_give_is_not_squeezed),
        cmocka_unit_test(nobody_to_protect_is_the_end_of_it),
        cmocka_unit_test(where_memory_is_short),
        cmocka_unit_test(it_looks_sooner_while_it_matters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
